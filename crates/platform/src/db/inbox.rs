//! Events take effect once: the inbox row is in the same transaction as the effect, for many events at a time.
//!
//! A consumer that gets all events of an aggregate ([`Order::Gapless`]) applies the versions in order: a repeated one
//! is a duplicate, one that comes too early is parked until its predecessor has been applied. A consumer that gets only
//! some of an aggregate's events takes them as they come.
//!
//! After applying an event the consumer looks for events parked behind it, in transactions of their own
//! ([`Inbox::due`]); after a repeated event as well. What a crash leaves parked is found by the same look, which is
//! repeated periodically.

use std::{collections::HashMap, sync::Arc};

use contracts::event::Event;
use sea_orm::FromQueryResult;
use tokio::sync::Notify;
use uuid::Uuid;

use super::{Db, ServiceScope, Tx};
use crate::{error::Result, messaging::Delivery, telemetry::metrics::CONSUMER_PARKED};

/// Parked events that are read at once.
const DUE_MAX: i64 = 256;

/// How a consumer treats the versions of one aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Every version, one after the other.
    Gapless,
    /// Each event by itself; the command it leads to looks at the present state.
    Any,
}

/// One consumer's record of what it has applied.
#[derive(Clone, Debug)]
pub struct Inbox {
    db: Db,
    consumer: &'static str,
    behind: Arc<Notify>,
}

/// An event that came before its predecessor, and whose turn has come.
#[derive(Clone, Debug, FromQueryResult)]
pub struct ParkedEvent {
    /// The tenant.
    pub organization_id: Uuid,
    /// The aggregate.
    pub aggregate_id: Uuid,
    /// Its version after the event.
    pub version: i64,
    /// The event's id.
    pub message_id: Uuid,
    /// The encoded envelope.
    pub envelope: Vec<u8>,
    /// How often applying it has failed.
    pub attempts: i32,
}

#[derive(FromQueryResult)]
struct Position {
    aggregate_id: Uuid,
    version: i64,
}

#[derive(FromQueryResult)]
struct Fresh {
    message_id: Uuid,
}

#[derive(FromQueryResult)]
struct Behind {
    some: bool,
}

/// What is to be done with each event of a batch.
#[derive(Default)]
struct Sorted<'a> {
    /// To be applied, in order.
    fresh: Vec<&'a Delivery>,
    /// Too early, with their versions.
    early: Vec<(&'a Delivery, i64)>,
    /// The versions of the gapless aggregates after the batch.
    positions: HashMap<Uuid, i64>,
}

impl Inbox {
    /// The record of the consumer of this name in the service's database.
    pub fn new(db: Db, consumer: &'static str) -> Self {
        Self {
            db,
            consumer,
            behind: Arc::default(),
        }
    }

    /// Applies events of one organization, in order, in one transaction: all of them or none. `work` gets those
    /// that had no effect yet and whose turn it is; it runs as the organization's SYSTEM user, on behalf of the
    /// event's actor where there is only one event. Answers the events that `work` got.
    pub async fn apply<'a>(
        &self,
        events: &[&'a Delivery],
        order: impl Fn(&Event) -> Order,
        work: impl AsyncFn(&mut Tx, &[&'a Delivery]) -> Result<()>,
    ) -> Result<Vec<&'a Delivery>> {
        let Some(scope) = scope(events) else {
            return Ok(Vec::new());
        };
        let (fresh, some_behind) = self
            .db
            .service(&scope, async |tx| {
                let sorted = self.sort(tx, events, &order).await?;
                if !sorted.fresh.is_empty() {
                    work(tx, &sorted.fresh).await?;
                }
                for (event, version) in &sorted.early {
                    self.park(tx, event, *version).await?;
                }
                let some_behind = self.record(tx, &sorted).await?;
                Ok((sorted.fresh, some_behind))
            })
            .await?;
        if some_behind {
            self.behind.notify_one();
        }
        Ok(fresh)
    }

    /// The service's database.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// Waits until an event was applied, or seen again, that others are parked behind.
    pub(crate) async fn some_are_behind(&self) {
        self.behind.notified().await;
    }

    /// Parked events whose turn has come, each aggregate's in order. None while the database is unavailable.
    pub(crate) async fn due(&self) -> Vec<ParkedEvent> {
        let due = self.db.anonymous("parked events", None, async |tx| {
            tx.all(
                "SELECT q.organization_id, q.aggregate_id, q.version, q.message_id, q.envelope, q.attempts
                   FROM (SELECT p.*, s.version AS seen,
                                row_number() OVER (PARTITION BY p.aggregate_id ORDER BY p.version)
                                  - count(*) FILTER (WHERE p.version <= s.version) OVER (PARTITION BY p.aggregate_id) AS place
                           FROM inbox_parked p
                           JOIN inbox_position s ON s.consumer = p.consumer AND s.aggregate_id = p.aggregate_id
                          WHERE p.consumer = $1) q
                  WHERE (q.version <= q.seen OR q.version = q.seen + q.place) AND q.next_attempt_at <= clock_timestamp()
                  ORDER BY q.aggregate_id, q.version LIMIT $2",
                [self.consumer.into(), DUE_MAX.into()],
            )
            .await
        });
        due.await.unwrap_or_else(|error| {
            tracing::debug!(%error, "parked events were not looked for");
            Vec::new()
        })
    }

    /// Counts that applying a parked event failed.
    pub(crate) async fn count_failure(&self, event: &ParkedEvent, reason: &str) {
        let counted = self.db.anonymous("parked events", None, async |tx| {
            tx.run(
                "UPDATE inbox_parked SET attempts = attempts + 1, last_error = left($4, 500),
                        next_attempt_at = clock_timestamp() + interval '2 seconds'
                  WHERE consumer = $1 AND aggregate_id = $2 AND version = $3",
                [
                    self.consumer.into(),
                    event.aggregate_id.into(),
                    event.version.into(),
                    reason.into(),
                ],
            )
            .await
        });
        if let Err(error) = counted.await {
            tracing::warn!(%error, "a failure of a parked event was not counted");
        }
    }

    /// Deletes a parked event that is now a dead letter. One that stays becomes a dead letter once more.
    pub(crate) async fn remove(&self, event: &ParkedEvent) {
        let removed = self.db.anonymous("parked events", None, async |tx| {
            tx.run(
                "DELETE FROM inbox_parked WHERE consumer = $1 AND aggregate_id = $2 AND version = $3",
                [
                    self.consumer.into(),
                    event.aggregate_id.into(),
                    event.version.into(),
                ],
            )
            .await
        });
        if let Err(error) = removed.await {
            tracing::warn!(%error, "a dead event is still parked");
        }
    }

    /// Sorts the events by whether they are new and have their turn.
    async fn sort<'a>(
        &self,
        tx: &Tx,
        events: &[&'a Delivery],
        order: &impl Fn(&Event) -> Order,
    ) -> Result<Sorted<'a>> {
        let is_gapless = |event: &Delivery| order(&event.event) == Order::Gapless;
        let aggregates = events.iter().filter(|event| is_gapless(event));
        let mut aggregates: Vec<Uuid> = aggregates.map(|event| event.head.subject).collect();
        aggregates.sort_unstable();
        aggregates.dedup();
        let loose = events.iter().filter(|event| !is_gapless(event));
        let loose: Vec<Uuid> = loose.map(|event| event.head.id).collect();
        let mut sorted = Sorted {
            positions: self.positions(tx, aggregates).await?,
            ..Sorted::default()
        };
        let mut unseen = self.unseen(tx, loose).await?;
        for &event in events {
            if !is_gapless(event) {
                if unseen.remove(&event.head.id) {
                    sorted.fresh.push(event);
                }
                continue;
            }
            let version = i64::try_from(event.head.sequence).map_err(anyhow::Error::from)?;
            let seen = sorted.positions.entry(event.head.subject).or_default();
            if version == *seen + 1 {
                *seen = version;
                sorted.fresh.push(event);
            } else if version > *seen {
                sorted.early.push((event, version));
            }
        }
        Ok(sorted)
    }

    /// The last version applied of each aggregate, locked until the end of the session; 0 before the first.
    async fn positions(&self, tx: &Tx, aggregates: Vec<Uuid>) -> Result<HashMap<Uuid, i64>> {
        if aggregates.is_empty() {
            return Ok(HashMap::new());
        }
        let positions: Vec<Position> = tx
            .all(
                "INSERT INTO inbox_position (consumer, aggregate_id, version)
                 SELECT $1, id, 0 FROM unnest($2::uuid[]) id ORDER BY id
                 ON CONFLICT (consumer, aggregate_id) DO UPDATE SET version = inbox_position.version
                 RETURNING aggregate_id, version",
                [self.consumer.into(), aggregates.into()],
            )
            .await?;
        let pairs = positions.into_iter();
        Ok(pairs.map(|row| (row.aggregate_id, row.version)).collect())
    }

    /// Those of these events that were never seen, recorded now.
    async fn unseen(&self, tx: &Tx, events: Vec<Uuid>) -> Result<std::collections::HashSet<Uuid>> {
        if events.is_empty() {
            return Ok(std::collections::HashSet::new());
        }
        let fresh: Vec<Fresh> = tx
            .all(
                "INSERT INTO inbox (consumer, message_id) SELECT $1, id FROM unnest($2::uuid[]) id
                 ON CONFLICT DO NOTHING RETURNING message_id",
                [self.consumer.into(), events.into()],
            )
            .await?;
        Ok(fresh.into_iter().map(|row| row.message_id).collect())
    }

    /// Advances the positions, and returns whether some aggregate's next event is parked. Nobody can park meanwhile:
    /// parking waits for the position's row as well.
    async fn record(&self, tx: &Tx, sorted: &Sorted<'_>) -> Result<bool> {
        if sorted.positions.is_empty() {
            return Ok(false);
        }
        let applied = sorted.fresh.iter().map(|event| event.head.id);
        let applied: Vec<Uuid> = applied.collect();
        let (aggregates, versions): (Vec<Uuid>, Vec<i64>) = sorted
            .positions
            .iter()
            .map(|(id, seen)| (*id, *seen))
            .unzip();
        let behind: Option<Behind> = tx
            .first(
                "WITH seen AS (
                   INSERT INTO inbox (consumer, message_id) SELECT $1, id FROM unnest($2::uuid[]) id
                   ON CONFLICT DO NOTHING),
                 reached AS MATERIALIZED (SELECT * FROM unnest($3::uuid[], $4::bigint[]) AS r(aggregate_id, version)),
                 moved AS (
                   UPDATE inbox_position p SET version = r.version FROM reached r
                    WHERE p.consumer = $1 AND p.aggregate_id = ANY ($3) AND p.aggregate_id = r.aggregate_id
                      AND p.version < r.version),
                 passed AS (
                   DELETE FROM inbox_parked p USING reached r
                    WHERE p.consumer = $1 AND p.aggregate_id = ANY ($3) AND p.aggregate_id = r.aggregate_id
                      AND p.version <= r.version)
                 SELECT EXISTS (SELECT FROM inbox_parked p JOIN reached r ON r.aggregate_id = p.aggregate_id
                   WHERE p.consumer = $1 AND p.aggregate_id = ANY ($3) AND p.version = r.version + 1) AS some",
                [
                    self.consumer.into(),
                    applied.into(),
                    aggregates.into(),
                    versions.into(),
                ],
            )
            .await?;
        Ok(behind.is_some_and(|behind| behind.some))
    }

    async fn park(&self, tx: &Tx, event: &Delivery, version: i64) -> Result<()> {
        metrics::counter!(CONSUMER_PARKED, "consumer" => self.consumer).increment(1);
        tx.run(
            "INSERT INTO inbox_parked (consumer, organization_id, aggregate_id, version, message_id, envelope)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            [
                self.consumer.into(),
                event.head.organization_id.into(),
                event.head.subject.into(),
                version.into(),
                event.head.id.into(),
                event.envelope.clone().into(),
            ],
        )
        .await?;
        Ok(())
    }
}

/// Sets a rebuilt read model's positions: the versions of its aggregates. Parked events up to these versions are
/// deleted; later ones are found by the next sweep.
pub async fn restate_positions(
    tx: &Tx,
    consumer: &'static str,
    aggregates: Vec<(Uuid, i64)>,
) -> Result<()> {
    let (aggregates, versions): (Vec<Uuid>, Vec<i64>) = aggregates.into_iter().unzip();
    tx.run(
        "WITH reached AS MATERIALIZED (SELECT * FROM unnest($2::uuid[], $3::bigint[]) AS r(aggregate_id, version)),
         passed AS (
           DELETE FROM inbox_parked p USING reached r
            WHERE p.consumer = $1 AND p.aggregate_id = ANY ($2) AND p.aggregate_id = r.aggregate_id
              AND p.version <= r.version)
         INSERT INTO inbox_position (consumer, aggregate_id, version)
         SELECT $1, r.aggregate_id, r.version FROM reached r ORDER BY r.aggregate_id
         ON CONFLICT (consumer, aggregate_id) DO UPDATE SET version = greatest(inbox_position.version, excluded.version)",
        [consumer.into(), aggregates.into(), versions.into()],
    )
    .await?;
    Ok(())
}

/// On whose behalf the events are applied. Only a single event is recorded as the cause.
fn scope(events: &[&Delivery]) -> Option<ServiceScope> {
    let head = &events.first()?.head;
    let organization_id = head.organization_id;
    Some(if events.len() > 1 {
        ServiceScope {
            organization_id,
            ..ServiceScope::default()
        }
    } else {
        ServiceScope {
            organization_id,
            on_behalf_of: Some(head.actor_user_id),
            cause_event_id: Some(head.id),
            request_id: Some(head.request_id.clone()),
            traceparent: head.traceparent.clone(),
        }
    })
}
