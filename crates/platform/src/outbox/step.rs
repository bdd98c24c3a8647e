//! One step of a relay: a batch of one shard, published and marked in one short transaction.

use anyhow::Context as _;
use contracts::event::{Event, Head};
use futures::{StreamExt as _, stream};
use serde_json::Value;
use sqlx::{AssertSqlSafe, FromRow, postgres::PgPool};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    messaging::Publisher,
    telemetry::metrics::{OUTBOX_FAILED, OUTBOX_PUBLISHED},
};

/// Aggregates that are published side by side; within one, each event waits for its predecessor's confirm.
const CONCURRENT_AGGREGATES: usize = 32;

/// The statements of one schema, and the service's name.
#[derive(Debug)]
pub(super) struct Statements {
    schema: &'static str,
    source: &'static str,
    take_shard: String,
    take_batch: String,
    mark_published: String,
    mark_failed: String,
}

impl Statements {
    pub(super) fn of(schema: &'static str, source: &'static str) -> Self {
        Self {
            schema,
            source,
            take_shard: format!(
                "SELECT s.shard FROM {schema}.outbox_shard s
                  WHERE EXISTS (SELECT FROM {schema}.event_outbox o WHERE o.shard = s.shard
                    AND o.processed_at IS NULL AND o.next_attempt_at <= clock_timestamp())
                  FOR UPDATE SKIP LOCKED LIMIT 1"
            ),
            // An aggregate whose earlier event waits for another attempt is left alone as a whole.
            take_batch: format!(
                "SELECT o.seq, o.id, o.organization_id, o.aggregate_id, o.aggregate_version, o.event_type,
                        o.event_data, o.actor_user_id, o.request_id, o.cause_event_id, o.traceparent, o.created_at
                   FROM {schema}.event_outbox o
                  WHERE o.shard = $1 AND o.processed_at IS NULL
                    AND NOT EXISTS (SELECT FROM {schema}.event_outbox e
                      WHERE e.aggregate_id = o.aggregate_id AND e.processed_at IS NULL AND e.seq <= o.seq
                        AND e.next_attempt_at > clock_timestamp())
                  ORDER BY o.seq LIMIT 200"
            ),
            mark_published: format!(
                "UPDATE {schema}.event_outbox SET processed_at = clock_timestamp() WHERE seq = ANY($1)"
            ),
            mark_failed: format!(
                "UPDATE {schema}.event_outbox
                    SET attempts = attempts + 1, last_error = left($2, 500),
                        next_attempt_at = clock_timestamp() + least(interval '30 seconds', interval '250 milliseconds' * (1 << least(attempts, 7)))
                  WHERE seq = ANY($1)"
            ),
        }
    }

    pub(super) fn upkeep(&self, keep: &str) -> [String; 3] {
        let schema = self.schema;
        [
            format!(
                "DELETE FROM {schema}.event_outbox WHERE seq IN (SELECT seq FROM {schema}.event_outbox
                  WHERE processed_at < clock_timestamp() - interval '{keep}' LIMIT 500)"
            ),
            format!(
                "DELETE FROM {schema}.inbox WHERE (consumer, message_id) IN (SELECT consumer, message_id FROM {schema}.inbox
                  WHERE received_at < clock_timestamp() - interval '30 days' LIMIT 500)"
            ),
            format!(
                "DELETE FROM {schema}.idempotency WHERE ctid = ANY(ARRAY(SELECT ctid FROM {schema}.idempotency
                  WHERE expires_at < clock_timestamp() LIMIT 500))"
            ),
        ]
    }

    pub(super) fn backlog(&self) -> String {
        format!(
            "SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8
               FROM {}.event_outbox WHERE processed_at IS NULL",
            self.schema
        )
    }
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
}

/// What became of one aggregate's events in this batch.
struct Published {
    confirmed: Vec<i64>,
    failed: Option<(i64, String)>,
}

/// Publishes one batch and answers how many events were confirmed; 0 when nothing is due.
///
/// # Errors
/// When the database fails, or when nothing of the batch could be published.
pub(super) async fn run(
    pool: &PgPool,
    statements: &Statements,
    publisher: &Publisher,
) -> anyhow::Result<usize> {
    let mut tx = pool.begin().await.context("begin a relay step")?;
    let shard: Option<i16> = sqlx::query_scalar(AssertSqlSafe(statements.take_shard.as_str()))
        .fetch_optional(&mut *tx)
        .await
        .context("take a shard")?;
    let Some(shard) = shard else { return Ok(0) };
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(statements.take_batch.as_str()))
        .bind(shard)
        .fetch_all(&mut *tx)
        .await
        .context("take a batch")?;
    let outcomes: Vec<Published> = stream::iter(by_aggregate(rows))
        .map(|events| publish_in_order(events, statements.source, publisher))
        .buffer_unordered(CONCURRENT_AGGREGATES)
        .collect()
        .await;

    let confirmed: Vec<i64> = outcomes
        .iter()
        .flat_map(|outcome| outcome.confirmed.iter().copied())
        .collect();
    let failed: Vec<(i64, String)> = outcomes
        .into_iter()
        .filter_map(|outcome| outcome.failed)
        .collect();
    if !confirmed.is_empty() {
        sqlx::query(AssertSqlSafe(statements.mark_published.as_str()))
            .bind(&confirmed)
            .execute(&mut *tx)
            .await
            .context("mark published")?;
    }
    if let Some((_, reason)) = failed.first() {
        let seqs: Vec<i64> = failed.iter().map(|(seq, _)| *seq).collect();
        sqlx::query(AssertSqlSafe(statements.mark_failed.as_str()))
            .bind(&seqs)
            .bind(reason)
            .execute(&mut *tx)
            .await
            .context("mark failed")?;
    }
    tx.commit().await.context("commit a relay step")?;
    metrics::counter!(OUTBOX_PUBLISHED).increment(confirmed.len() as u64);
    metrics::counter!(OUTBOX_FAILED).increment(failed.len() as u64);
    match failed.into_iter().next() {
        Some((_, reason)) if confirmed.is_empty() => Err(anyhow::anyhow!(reason)),
        _ => Ok(confirmed.len()),
    }
}

/// Groups a batch by aggregate, keeping the order within each.
fn by_aggregate(rows: Vec<Row>) -> Vec<Vec<Row>> {
    let mut groups: Vec<Vec<Row>> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for row in rows {
        let place = *places.entry(row.aggregate_id).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[place].push(row);
    }
    groups
}

/// Each event waits for its predecessor's confirm; after a failure the rest of the aggregate stays.
async fn publish_in_order(
    events: Vec<Row>,
    source: &'static str,
    publisher: &Publisher,
) -> Published {
    let mut published = Published {
        confirmed: Vec::with_capacity(events.len()),
        failed: None,
    };
    for row in events {
        let seq = row.seq;
        match publish(row, source, publisher).await {
            Ok(()) => published.confirmed.push(seq),
            Err(error) => {
                published.failed = Some((seq, format!("{error:#}")));
                break;
            }
        }
    }
    published
}

async fn publish(row: Row, source: &'static str, publisher: &Publisher) -> anyhow::Result<()> {
    let event = Event::from_json(&row.event_type, row.event_data)?;
    let head = Head {
        id: row.id,
        source: source.to_owned(),
        subject: row.aggregate_id,
        time: row.created_at,
        organization_id: row.organization_id,
        actor_user_id: row.actor_user_id,
        request_id: row.request_id.unwrap_or_default(),
        sequence: u64::try_from(row.aggregate_version)?,
        traceparent: row.traceparent,
        cause_event_id: row.cause_event_id,
    };
    publisher.publish(&head, &event).await
}
