//! The loop around [`super::step`]: woken by a commit, with a slow poll behind it.

use std::{str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions},
};
use tokio_util::sync::CancellationToken;

use super::step::{self, Cursor, Found, Statements};
use crate::{
    config::Secret,
    messaging::Publisher,
    telemetry::metrics::{OUTBOX_NOT_TAKEN, OUTBOX_OLDEST_AGE, OUTBOX_PENDING},
};

/// How long a lost wake-up can delay an event.
const POLL: Duration = Duration::from_secs(1);
/// Pause after a failed step, while the database or the broker is unavailable.
const PAUSE: Duration = Duration::from_millis(500);
/// How often old rows are deleted and the backlog is counted.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(15);
/// Rows that one statement deletes: each is its own transaction, so that no lock is held for long.
const DELETED_AT_ONCE: i64 = 1_000;

/// Connections of a relay: one listens, one publishes, one counts.
pub(crate) const CONNECTIONS_MAX: u32 = 3;

/// One relay of one service, with its own role and its own connections.
#[derive(Debug)]
pub struct Relay {
    pool: PgPool,
    statements: Statements,
    channel: String,
    publisher: Publisher,
}

impl Relay {
    /// A relay for the outbox in `schema`; `source` is the service's name in the events.
    pub fn new(
        url: &Secret,
        schema: &'static str,
        source: &'static str,
        publisher: Publisher,
    ) -> anyhow::Result<Self> {
        let options = PgConnectOptions::from_str(url.expose())?
            // A queue's statistics are always out of date: in index order, whatever they say.
            .options([("enable_bitmapscan", "off")])
            .log_statements(tracing::log::LevelFilter::Trace)
            .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(5));
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(Duration::from_secs(5))
            .connect_lazy_with(options);
        Ok(Self {
            pool,
            statements: Statements::of(schema, source),
            channel: format!("{schema}_outbox"),
            publisher,
        })
    }

    /// Relays until `stop` is cancelled. A fault is logged once when it begins, and does not end the relay.
    pub async fn run(self, stop: CancellationToken) {
        tokio::join!(self.relay(&stop), self.keep_up(&stop));
    }

    async fn relay(&self, stop: &CancellationToken) {
        let mut listener = None;
        let mut healthy = true;
        let mut cursor = Cursor::default();
        while !stop.is_cancelled() {
            if listener.is_none() {
                listener = self.listen().await;
            }
            match self.drain(&mut cursor, stop).await {
                Ok(()) => {
                    if !std::mem::replace(&mut healthy, true) {
                        tracing::info!("the outbox relay publishes again");
                    }
                }
                Err(error) => {
                    if std::mem::replace(&mut healthy, false) {
                        tracing::warn!(
                            error = format!("{error:#}"),
                            "the outbox relay cannot publish; events wait in the outbox"
                        );
                    }
                    tokio::select! { () = stop.cancelled() => {}, () = tokio::time::sleep(PAUSE) => {} }
                    continue;
                }
            }
            tokio::select! {
                () = stop.cancelled() => {}
                woken = wait(&mut listener) => if !woken { listener = None },
            }
        }
    }

    /// Publishes until nothing is due in any shard that no other relay has.
    async fn drain(&self, cursor: &mut Cursor, stop: &CancellationToken) -> anyhow::Result<()> {
        let mut through = 0;
        while through < step::ROUND && !stop.is_cancelled() {
            match step::run(&self.pool, &self.statements, &self.publisher, cursor).await? {
                Found::Full => through = 0,
                Found::Rest => through += 1,
            }
        }
        Ok(())
    }

    async fn listen(&self) -> Option<PgListener> {
        let mut listener = PgListener::connect_with(&self.pool).await.ok()?;
        listener.listen(&self.channel).await.ok()?;
        Some(listener)
    }

    /// Deletes what was published long ago and what has expired, and measures the backlog; runs beside the relaying and
    /// does not delay it.
    async fn keep_up(&self, stop: &CancellationToken) {
        let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            self.count().await;
            if let Err(error) = self.delete_what_is_over(stop).await {
                tracing::debug!(%error, "outbox upkeep did not run");
            }
        }
    }

    /// Until nothing is left, so that it keeps pace with what comes.
    async fn delete_what_is_over(&self, stop: &CancellationToken) -> sqlx::Result<()> {
        for (sql, kept_for) in self.statements.deletions() {
            loop {
                let deleted = sqlx::query(sqlx::AssertSqlSafe(sql.as_str()))
                    .bind(kept_for.as_secs_f64())
                    .bind(DELETED_AT_ONCE)
                    .execute(&self.pool)
                    .await?
                    .rows_affected();
                if deleted < DELETED_AT_ONCE.unsigned_abs() || stop.is_cancelled() {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn count(&self) {
        let outcome = async {
            sqlx::query_as::<_, (i64, f64, i64)>(sqlx::AssertSqlSafe(self.statements.backlog()))
                .fetch_one(&self.pool)
                .await
        };
        match outcome.await {
            Ok((pending, oldest_seconds, not_taken)) => {
                metrics::gauge!(OUTBOX_PENDING).set(pending as f64);
                metrics::gauge!(OUTBOX_OLDEST_AGE).set(oldest_seconds);
                metrics::gauge!(OUTBOX_NOT_TAKEN).set(not_taken as f64);
            }
            Err(error) => tracing::debug!(%error, "the outbox could not be counted"),
        }
    }
}

/// Waits for a commit's notification or the poll. `false`: the listening connection is gone.
async fn wait(listener: &mut Option<PgListener>) -> bool {
    match listener {
        Some(listener) => match tokio::time::timeout(POLL, listener.try_recv()).await {
            Ok(Ok(Some(_))) | Err(_) => true,
            Ok(Ok(None) | Err(_)) => false,
        },
        None => {
            tokio::time::sleep(POLL).await;
            true
        }
    }
}
