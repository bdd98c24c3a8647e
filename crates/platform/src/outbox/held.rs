//! For administrators: events that the broker does not take.

use anyhow::Context as _;
use serde::Serialize;
use sqlx::{AssertSqlSafe, ConnectOptions as _, FromRow, postgres::PgConnectOptions};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::config::{Env, address};

/// More are not listed at once.
const LISTED_MAX: i64 = 1_000;

#[derive(FromRow, Serialize)]
#[serde(rename_all = "camelCase")]
struct HeldEvent {
    id: Uuid,
    event_type: String,
    organization_id: Uuid,
    aggregate_id: Uuid,
    aggregate_version: i64,
    attempts: i32,
    last_error: Option<String>,
    /// `None` while it waits for an earlier event of its aggregate.
    #[serde(with = "time::serde::rfc3339::option")]
    next_attempt_at: Option<OffsetDateTime>,
    /// Events of the same aggregate that wait behind it.
    behind: i64,
}

/// The events in the outbox of `schema` that were tried and not taken, oldest first, one JSON object a line. The
/// address is the relay's (`RELAY_DATABASE_URL`).
///
/// # Errors
/// When the setting is missing or the database is unavailable.
pub async fn held(mut env: Env, schema: &str) -> anyhow::Result<String> {
    let url = env.required_as("RELAY_DATABASE_URL", address::postgresql);
    let url = env.finish(|| url)?;
    let options: PgConnectOptions = url.expose().parse()?;
    let mut database = options
        .connect()
        .await
        .context("PostgreSQL is unavailable")?;
    let sql = format!(
        "SELECT o.id, o.event_type, o.organization_id, o.aggregate_id, o.aggregate_version, o.attempts, o.last_error,
                nullif(o.next_attempt_at, 'infinity') AS next_attempt_at,
                (SELECT count(*) FROM {schema}.event_outbox b
                  WHERE b.held AND b.attempts = 0 AND b.aggregate_id = o.aggregate_id) AS behind
           FROM {schema}.event_outbox o WHERE o.held AND o.attempts > 0 ORDER BY o.seq LIMIT $1"
    );
    let events: Vec<HeldEvent> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(LISTED_MAX)
        .fetch_all(&mut database)
        .await
        .context("failed to read the outbox")?;
    events
        .iter()
        .map(|event| Ok(serde_json::to_string(event)? + "\n"))
        .collect()
}
