//! Events take effect once: the inbox row stands in the same transaction as the effect.
//!
//! Where a consumer hears everything of an aggregate ([`Order::Gapless`]) it applies the versions in
//! order: a repeated one is a duplicate, one that comes too early is parked until its predecessor has
//! been applied. A consumer that hears only some of an aggregate's events takes them as they come.

use contracts::event::{Event, Head};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{Db, ServiceScope, Tx};
use crate::{error::Result, telemetry::metrics::CONSUMER_PARKED};

/// How a consumer treats the versions of one aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Every version, one after the other.
    Gapless,
    /// Each event by itself; the command it leads to looks at the present state.
    Any,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Its effect is committed.
    Done,
    /// It had its effect before.
    Duplicate,
    /// Its predecessor is missing; it waits in the table `inbox_parked`.
    Parked,
}

/// What waits behind an event that was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Behind {
    Nothing,
    /// Its successor is parked.
    Parked,
}

#[derive(FromQueryResult)]
struct Position {
    version: i64,
}

#[derive(FromQueryResult)]
struct Parked {
    envelope: Vec<u8>,
}

impl Db {
    /// Applies an event and whatever was parked behind it. `work` runs as the organization's SYSTEM
    /// user, on behalf of the event's actor, in the transaction that records the event.
    pub async fn apply(
        &self,
        consumer: &'static str,
        order: Order,
        head: &Head,
        event: &Event,
        envelope: &[u8],
        work: impl AsyncFn(&mut Tx, &Head, &Event) -> Result<()>,
    ) -> Result<Applied> {
        let (applied, mut behind) = self
            .apply_one(consumer, order, head, event, envelope, &work)
            .await?;
        let mut last = head.clone();
        while behind == Behind::Parked {
            let Some((next_head, next_event, bytes)) = self.next_parked(consumer, &last).await?
            else {
                break;
            };
            (_, behind) = self
                .apply_one(consumer, order, &next_head, &next_event, &bytes, &work)
                .await?;
            last = next_head;
        }
        Ok(applied)
    }

    async fn apply_one(
        &self,
        consumer: &'static str,
        order: Order,
        head: &Head,
        event: &Event,
        envelope: &[u8],
        work: &impl AsyncFn(&mut Tx, &Head, &Event) -> Result<()>,
    ) -> Result<(Applied, Behind)> {
        let scope = ServiceScope {
            organization_id: head.organization_id,
            on_behalf_of: Some(head.actor_user_id),
            cause_event_id: Some(head.id),
            request_id: Some(head.request_id.clone()),
            traceparent: head.traceparent.clone(),
        };
        let version = i64::try_from(head.sequence).map_err(anyhow::Error::from)?;
        self.service(&scope, async |tx| {
            if order == Order::Gapless {
                let seen = position(tx, consumer, head.subject).await?;
                if version <= seen {
                    return Ok((Applied::Duplicate, Behind::Nothing));
                }
                if version > seen + 1 {
                    park(tx, consumer, head, version, envelope).await?;
                    return Ok((Applied::Parked, Behind::Nothing));
                }
            }
            let fresh = tx
                .run(
                    "INSERT INTO inbox (consumer, message_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                    [consumer.into(), head.id.into()],
                )
                .await?;
            if fresh == 0 {
                return Ok((Applied::Duplicate, Behind::Nothing));
            }
            work(tx, head, event).await?;
            let behind = if order == Order::Gapless {
                advance(tx, consumer, head.subject, version).await?
            } else {
                Behind::Nothing
            };
            Ok((Applied::Done, behind))
        })
        .await
    }

    async fn next_parked(
        &self,
        consumer: &'static str,
        last: &Head,
    ) -> Result<Option<(Head, Event, Vec<u8>)>> {
        let scope = ServiceScope {
            organization_id: last.organization_id,
            ..ServiceScope::default()
        };
        let version = i64::try_from(last.sequence).map_err(anyhow::Error::from)? + 1;
        let parked: Option<Parked> = self
            .service(&scope, async |tx| {
                tx.first(
                    "SELECT envelope FROM inbox_parked WHERE consumer = $1 AND aggregate_id = $2 AND version = $3",
                    [consumer.into(), last.subject.into(), version.into()],
                )
                .await
            })
            .await?;
        let Some(Parked { envelope }) = parked else {
            return Ok(None);
        };
        let (head, event) = Event::decode(&envelope).map_err(anyhow::Error::from)?;
        Ok(Some((head, event, envelope)))
    }
}

/// The last version applied, locked until the end of the session; 0 before the first.
async fn position(tx: &Tx, consumer: &'static str, aggregate_id: Uuid) -> Result<i64> {
    let position: Option<Position> = tx
        .first(
            "INSERT INTO inbox_position (consumer, aggregate_id, version) VALUES ($1, $2, 0)
             ON CONFLICT (consumer, aggregate_id) DO UPDATE SET version = inbox_position.version
             RETURNING version",
            [consumer.into(), aggregate_id.into()],
        )
        .await?;
    Ok(position.map_or(0, |position| position.version))
}

#[derive(FromQueryResult)]
struct Advanced {
    has_next: bool,
}

/// Moves the position on. Nobody can park meanwhile: parking waits for the position's row as well.
async fn advance(
    tx: &Tx,
    consumer: &'static str,
    aggregate_id: Uuid,
    version: i64,
) -> Result<Behind> {
    let advanced: Option<Advanced> = tx
        .first(
            "WITH passed AS (DELETE FROM inbox_parked WHERE consumer = $1 AND aggregate_id = $2 AND version <= $3)
             UPDATE inbox_position SET version = $3 WHERE consumer = $1 AND aggregate_id = $2
             RETURNING EXISTS (SELECT FROM inbox_parked p
               WHERE p.consumer = $1 AND p.aggregate_id = $2 AND p.version = $3 + 1) AS has_next",
            [consumer.into(), aggregate_id.into(), version.into()],
        )
        .await?;
    Ok(match advanced {
        Some(Advanced { has_next: true }) => Behind::Parked,
        Some(_) | None => Behind::Nothing,
    })
}

async fn park(
    tx: &Tx,
    consumer: &'static str,
    head: &Head,
    version: i64,
    envelope: &[u8],
) -> Result<()> {
    metrics::counter!(CONSUMER_PARKED, "consumer" => consumer).increment(1);
    tx.run(
        "INSERT INTO inbox_parked (consumer, aggregate_id, version, message_id, envelope)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        [
            consumer.into(),
            head.subject.into(),
            version.into(),
            head.id.into(),
            envelope.to_vec().into(),
        ],
    )
    .await?;
    Ok(())
}
