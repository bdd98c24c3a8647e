//! One step of a relay: a batch of several shards, published and marked in one short transaction.
//!
//! A batch takes from each organization that has events waiting, a share each, so that nobody's burst holds up
//! others. An event that is not taken holds its aggregate, and nothing else: the aggregate's rows leave the index of
//! what is due until the next attempt.

use std::{collections::HashMap, time::Duration};

use anyhow::Context as _;
use contracts::event::{Event, Head};
use futures::{StreamExt as _, stream};
use serde_json::Value;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, postgres::PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    messaging::{Publisher, Unpublished},
    telemetry::metrics::{OUTBOX_FAILED, OUTBOX_PUBLISHED},
};

/// Shards of an outbox, as `ctx.create_service_tables` makes them.
const SHARDS: i16 = 16;
/// Shards that one relay locks at a time: half of them, so that one that hangs does not stop the others.
const SHARDS_LOCKED: i16 = 8;
/// Events of a batch: some tens of milliseconds of publishing, which is what others wait for.
const BATCH: usize = 256;
/// An organization's share of a batch is never smaller.
const SHARE_MIN: usize = 8;
/// Organizations in one batch; the others come with the next ones.
const ORGANIZATIONS_MAX: usize = 64;
/// Aggregates that are published side by side; within one, each event waits for its predecessor's confirm.
const CONCURRENT_AGGREGATES: usize = 64;
/// Aggregates whose next attempt is due that are released in one step.
const RELEASED_MAX: i16 = 100;

/// Published events are kept so long, for questions about them.
const PUBLISHED_KEPT_FOR: Duration = Duration::from_hours(7 * 24);
/// An event is recognised as a repetition so long: no message goes round for longer.
const RECEIVED_KEPT_FOR: Duration = Duration::from_hours(30 * 24);

/// The statements of one schema, and the service's name.
#[derive(Debug)]
pub(super) struct Statements {
    schema: &'static str,
    source: &'static str,
    lock_shards: String,
    release: String,
    take_batch: String,
    mark_published: String,
    mark_failed: String,
    hold_behind: String,
}

impl Statements {
    pub(super) fn of(schema: &'static str, source: &'static str) -> Self {
        Self {
            schema,
            source,
            lock_shards: format!(
                "SELECT s.shard, EXISTS (SELECT FROM {schema}.event_outbox o
                          WHERE o.held AND o.next_attempt_at <= clock_timestamp()) AS some_held_are_due
                   FROM {schema}.outbox_shard s ORDER BY (s.shard - $1 + {SHARDS}) % {SHARDS} LIMIT {SHARDS_LOCKED}
                    FOR UPDATE SKIP LOCKED"
            ),
            release: format!(
                "UPDATE {schema}.event_outbox SET held = false
                  WHERE held AND shard = ANY($1) AND aggregate_id = ANY (ARRAY(
                    SELECT o.aggregate_id FROM {schema}.event_outbox o
                     WHERE o.held AND o.next_attempt_at <= clock_timestamp() AND o.shard = ANY($1)
                     ORDER BY o.next_attempt_at LIMIT {RELEASED_MAX}))"
            ),
            take_batch: take_batch(schema),
            mark_published: format!(
                "UPDATE {schema}.event_outbox SET processed_at = clock_timestamp() WHERE seq = ANY($1)"
            ),
            mark_failed: format!(
                "UPDATE {schema}.event_outbox o
                    SET held = true, attempts = attempts + 1, last_error = left(f.reason, 500),
                        next_attempt_at = clock_timestamp() + least(interval '30 seconds', interval '250 milliseconds' * (1 << least(attempts, 7)))
                   FROM unnest($1::bigint[], $2::text[]) AS f(seq, reason)
                  WHERE o.seq = ANY($1) AND o.seq = f.seq"
            ),
            hold_behind: format!(
                "UPDATE {schema}.event_outbox SET held = true, next_attempt_at = 'infinity' WHERE seq = ANY($1)"
            ),
        }
    }

    /// SQL that deletes at most `$2` rows that have been over for `$1` seconds, each with its retention.
    pub(super) fn deletions(&self) -> [(String, Duration); 3] {
        let schema = self.schema;
        let deletion = |table: &str, over_since: &str| {
            format!(
                "DELETE FROM {schema}.{table} WHERE ctid = ANY (ARRAY(SELECT ctid FROM {schema}.{table}
                  WHERE {over_since} < clock_timestamp() - make_interval(secs => $1)
                  ORDER BY {over_since} LIMIT $2))"
            )
        };
        [
            (deletion("event_outbox", "processed_at"), PUBLISHED_KEPT_FOR),
            (deletion("inbox", "received_at"), RECEIVED_KEPT_FOR),
            (deletion("idempotency", "expires_at"), Duration::ZERO),
        ]
    }

    pub(super) fn backlog(&self) -> String {
        format!(
            "SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8,
                    count(*) FILTER (WHERE held AND attempts > 0)
               FROM {}.event_outbox WHERE processed_at IS NULL",
            self.schema
        )
    }
}

/// The organizations with something due are found by skipping from one to the next in the index. Each then gives its
/// oldest events, so an aggregate's come in order and none is left out before another.
fn take_batch(schema: &str) -> String {
    format!(
        "WITH RECURSIVE waiting AS (
           (SELECT o.organization_id, 1 AS place FROM {schema}.event_outbox o
             WHERE o.processed_at IS NULL AND NOT o.held AND o.organization_id >= $2 AND o.shard = ANY($1)
             ORDER BY o.organization_id LIMIT 1)
           UNION ALL
           SELECT n.organization_id, w.place + 1
             FROM waiting w CROSS JOIN LATERAL (
               SELECT o.organization_id FROM {schema}.event_outbox o
                WHERE o.processed_at IS NULL AND NOT o.held AND o.organization_id > w.organization_id AND o.shard = ANY($1)
                ORDER BY o.organization_id LIMIT 1) n
            WHERE w.place < {ORGANIZATIONS_MAX})
         SELECT e.seq, e.id, e.organization_id, e.aggregate_id, e.aggregate_version, e.event_type, e.event_data,
                e.actor_user_id, e.request_id, e.cause_event_id, e.traceparent, e.created_at,
                (SELECT count(*) FROM waiting) AS organizations,
                EXISTS (SELECT FROM {schema}.event_outbox h WHERE h.held AND h.aggregate_id = e.aggregate_id) AS is_behind
           FROM waiting w CROSS JOIN LATERAL (
             SELECT o.* FROM {schema}.event_outbox o
              WHERE o.processed_at IS NULL AND NOT o.held AND o.organization_id = w.organization_id AND o.shard = ANY($1)
              ORDER BY o.seq LIMIT greatest({SHARE_MIN}, {BATCH} / (SELECT count(*) FROM waiting))) e
          ORDER BY e.seq"
    )
}

/// Where the next step begins, so that all shards and all organizations have their turn.
#[derive(Debug, Default)]
pub(super) struct Cursor {
    shard: i16,
    organization_id: Uuid,
}

/// What a step found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// There may be more for the same relay at once.
    Full,
    /// Nothing is left of these shards.
    Rest,
}

#[derive(FromRow)]
struct Shard {
    shard: i16,
    some_held_are_due: bool,
}

#[derive(FromRow)]
struct Row {
    seq: i64,
    id: Uuid,
    organization_id: Uuid,
    aggregate_id: Uuid,
    aggregate_version: i64,
    event_type: String,
    event_data: Value,
    actor_user_id: Uuid,
    request_id: Option<String>,
    cause_event_id: Option<Uuid>,
    traceparent: Option<String>,
    created_at: OffsetDateTime,
    /// Organizations in the batch.
    organizations: i64,
    /// An earlier event of the aggregate is held.
    is_behind: bool,
}

/// What became of the events of a batch.
#[derive(Default)]
struct Published {
    confirmed: Vec<i64>,
    /// Not taken, with the reason.
    failed: Vec<(i64, String)>,
    /// Behind an event of their aggregate that was not taken.
    behind: Vec<i64>,
    /// The error, if the broker is unavailable.
    away: Option<anyhow::Error>,
}

/// Publishes one batch.
///
/// # Errors
/// When the database fails, or the broker is unavailable. What was confirmed until then is marked.
pub(super) async fn run(
    pool: &PgPool,
    statements: &Statements,
    publisher: &Publisher,
    cursor: &mut Cursor,
) -> anyhow::Result<Found> {
    let mut tx = pool.begin().await.context("begin a relay step")?;
    let rows = take(&mut tx, statements, cursor).await?;
    let found = advance(cursor, &rows);
    if rows.is_empty() {
        tx.commit().await.context("commit an empty relay step")?;
        return Ok(found);
    }
    let (behind, free): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| row.is_behind);
    let mut published = stream::iter(by_aggregate(free))
        .map(|events| publish_in_order(events, statements.source, publisher))
        .buffer_unordered(CONCURRENT_AGGREGATES)
        .fold(Published::default(), async |all, one| all.and(one))
        .await;
    published.behind.extend(behind.iter().map(|row| row.seq));
    mark(&mut tx, statements, &published).await?;
    tx.commit().await.context("commit a relay step")?;
    metrics::counter!(OUTBOX_PUBLISHED).increment(published.confirmed.len() as u64);
    metrics::counter!(OUTBOX_FAILED).increment(published.failed.len() as u64);
    published.away.map_or(Ok(found), Err)
}

/// Locks shards and reads what is due of them.
async fn take(
    tx: &mut PgConnection,
    statements: &Statements,
    cursor: &Cursor,
) -> anyhow::Result<Vec<Row>> {
    let shards: Vec<Shard> = sqlx::query_as(AssertSqlSafe(statements.lock_shards.as_str()))
        .bind(cursor.shard)
        .fetch_all(&mut *tx)
        .await
        .context("lock shards")?;
    let some_held_are_due = shards.iter().any(|shard| shard.some_held_are_due);
    let shards: Vec<i16> = shards.iter().map(|shard| shard.shard).collect();
    if shards.is_empty() {
        return Ok(Vec::new());
    }
    if some_held_are_due {
        sqlx::query(AssertSqlSafe(statements.release.as_str()))
            .bind(&shards)
            .execute(&mut *tx)
            .await
            .context("release held events")?;
    }
    sqlx::query_as(AssertSqlSafe(statements.take_batch.as_str()))
        .bind(&shards)
        .bind(cursor.organization_id)
        .fetch_all(&mut *tx)
        .await
        .context("take a batch")
}

/// Moves on to the organizations that had no place in this batch; then to the other shards.
fn advance(cursor: &mut Cursor, rows: &[Row]) -> Found {
    let organizations = rows.first().map_or(0, |row| row.organizations);
    let organizations = usize::try_from(organizations).unwrap_or_default();
    let share = SHARE_MIN.max(BATCH / organizations.max(1));
    let mut counts: HashMap<Uuid, usize> = HashMap::new();
    for row in rows {
        *counts.entry(row.organization_id).or_default() += 1;
    }
    let began_later = !cursor.organization_id.is_nil();
    let some_left_out = organizations >= ORGANIZATIONS_MAX;
    cursor.organization_id = match counts.keys().max() {
        Some(last) if some_left_out => *last,
        _ => Uuid::nil(),
    };
    if some_left_out || began_later {
        return Found::Full;
    }
    cursor.shard = (cursor.shard + SHARDS_LOCKED) % SHARDS;
    if counts.values().any(|count| *count >= share) {
        Found::Full
    } else {
        Found::Rest
    }
}

/// Steps that find nothing more, after which all shards are through.
pub(super) const ROUND: usize = (SHARDS / SHARDS_LOCKED) as usize;

/// Groups a batch by aggregate, keeping the order within each.
fn by_aggregate(rows: Vec<Row>) -> Vec<Vec<Row>> {
    let mut groups: Vec<Vec<Row>> = Vec::new();
    let mut places = HashMap::new();
    for row in rows {
        let place = *places.entry(row.aggregate_id).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(row);
    }
    groups
}

impl Published {
    fn and(mut self, other: Self) -> Self {
        self.confirmed.extend(other.confirmed);
        self.failed.extend(other.failed);
        self.behind.extend(other.behind);
        self.away = self.away.or(other.away);
        self
    }
}

/// Each event waits for its predecessor's confirm; after a failure the rest of the aggregate stays.
async fn publish_in_order(
    events: Vec<Row>,
    source: &'static str,
    publisher: &Publisher,
) -> Published {
    let mut published = Published::default();
    let mut events = events.into_iter();
    for row in events.by_ref() {
        let seq = row.seq;
        match publish(row, source, publisher).await {
            Ok(()) => published.confirmed.push(seq),
            Err(Unpublished::Away(error)) => {
                published.away = Some(error);
                return published;
            }
            Err(Unpublished::NotTaken(reason)) => {
                published.failed.push((seq, reason));
                break;
            }
        }
    }
    published.behind.extend(events.map(|row| row.seq));
    published
}

async fn publish(row: Row, source: &'static str, publisher: &Publisher) -> Result<(), Unpublished> {
    let unreadable = |error: &dyn std::fmt::Display| Unpublished::NotTaken(error.to_string());
    let event = Event::from_json(&row.event_type, row.event_data)
        .map_err(|malformed| unreadable(&malformed))?;
    let sequence = u64::try_from(row.aggregate_version).map_err(|error| unreadable(&error))?;
    let head = Head {
        id: row.id,
        source: source.to_owned(),
        subject: row.aggregate_id,
        time: row.created_at,
        organization_id: row.organization_id,
        actor_user_id: row.actor_user_id,
        request_id: row.request_id.unwrap_or_default(),
        sequence,
        traceparent: row.traceparent,
        cause_event_id: row.cause_event_id,
    };
    publisher.publish(&head, &event).await
}

async fn mark(
    tx: &mut PgConnection,
    statements: &Statements,
    published: &Published,
) -> anyhow::Result<()> {
    if !published.confirmed.is_empty() {
        sqlx::query(AssertSqlSafe(statements.mark_published.as_str()))
            .bind(&published.confirmed)
            .execute(&mut *tx)
            .await
            .context("mark published")?;
    }
    if !published.failed.is_empty() {
        let (seqs, reasons): (Vec<i64>, Vec<String>) = published.failed.iter().cloned().unzip();
        tracing::warn!(
            events = seqs.len(),
            reason = reasons.first(),
            "events are not taken; their aggregates wait, and nothing else"
        );
        sqlx::query(AssertSqlSafe(statements.mark_failed.as_str()))
            .bind(&seqs)
            .bind(&reasons)
            .execute(&mut *tx)
            .await
            .context("mark failed")?;
    }
    if !published.behind.is_empty() {
        sqlx::query(AssertSqlSafe(statements.hold_behind.as_str()))
            .bind(&published.behind)
            .execute(&mut *tx)
            .await
            .context("hold what is behind")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn rows(counts: &[(u128, usize)]) -> Vec<Row> {
        let organizations = counts.len();
        let mut rows = Vec::new();
        for &(organization, count) in counts {
            for _ in 0..count {
                rows.push(Row {
                    seq: i64::try_from(rows.len()).unwrap(),
                    id: Uuid::nil(),
                    organization_id: Uuid::from_u128(organization),
                    aggregate_id: Uuid::from_u128(rows.len() as u128 % 3),
                    aggregate_version: 1,
                    event_type: String::new(),
                    event_data: Value::Null,
                    actor_user_id: Uuid::nil(),
                    request_id: None,
                    cause_event_id: None,
                    traceparent: None,
                    created_at: OffsetDateTime::UNIX_EPOCH,
                    organizations: i64::try_from(organizations).unwrap(),
                    is_behind: false,
                });
            }
        }
        rows
    }

    #[test]
    fn shards_and_organizations_have_their_turn() {
        let mut cursor = Cursor::default();
        assert_eq!(advance(&mut cursor, &rows(&[(1, BATCH)])), Found::Full);
        assert_eq!(cursor.shard, 8, "the others do not wait for these to end");
        assert_eq!(
            advance(&mut cursor, &rows(&[(1, BATCH / 2 - 1), (2, 1)])),
            Found::Rest
        );
        assert_eq!(cursor.shard, 0);

        let many: Vec<(u128, usize)> = (1..=64).map(|organization| (organization, 1)).collect();
        assert_eq!(advance(&mut cursor, &rows(&many)), Found::Full);
        assert_eq!(cursor.organization_id, Uuid::from_u128(64));
        assert_eq!(
            advance(&mut cursor, &rows(&[(64, 1), (65, 1)])),
            Found::Full,
            "from the first again"
        );
        assert_eq!((cursor.shard, cursor.organization_id), (0, Uuid::nil()));
    }

    #[test]
    fn a_batch_is_grouped_by_aggregate_and_keeps_its_order() {
        let groups = by_aggregate(rows(&[(1, 7)]));
        let seqs: Vec<Vec<i64>> = groups
            .iter()
            .map(|group| group.iter().map(|row| row.seq).collect())
            .collect();
        assert_eq!(seqs, [vec![0, 3, 6], vec![1, 4], vec![2, 5]]);
        let aggregates: HashSet<Uuid> = groups.iter().map(|group| group[0].aggregate_id).collect();
        assert_eq!(aggregates.len(), 3);
    }
}
