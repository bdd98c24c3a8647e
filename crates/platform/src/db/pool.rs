//! Connections to PostgreSQL, kept open between sessions. Taking one and giving it back costs no round trip.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use deadpool::{
    Runtime,
    managed::{self, Metrics, QueueMode, RecycleError, RecycleResult},
};
use sqlx::{
    ConnectOptions, Connection as _,
    postgres::{PgConnectOptions, PgConnection},
};

use super::admission::PATIENCE;
use crate::{
    config::Secret,
    error::{Error, Result},
    telemetry::metrics::UNCLEAN_CONNECTIONS,
};

/// How many sessions a pool serves at once.
#[derive(Clone, Copy, Debug)]
pub enum PoolSize {
    /// A service's requests: 16. With the relay's, a service opens 20 connections.
    Requests,
    /// The requests of a service that has a [`PoolSize::Small`] pool beside: 11. With that and the relay's, 20 as well.
    SharedRequests,
    /// A second, occasional reader: 4.
    Small,
}

impl PoolSize {
    pub(super) fn sessions(self) -> usize {
        match self {
            Self::Requests => 16,
            Self::SharedRequests => 11,
            Self::Small => 4,
        }
    }

    /// One more than sessions, so that the readiness probe never waits for them.
    fn connections(self) -> usize {
        self.sessions() + 1
    }
}

/// A connection that was idle for so long is tested before it is used: it may have lost its server meanwhile. A busy
/// one need not be tested.
const RESTED: Duration = Duration::from_millis(500);
/// Backstop: no connection is used after so long.
const LIFETIME: Duration = Duration::from_secs(600);

/// Connections of one role to one database.
pub(super) type Pool = managed::Pool<Connector>;
/// A connection on loan. Dropped, it goes back.
pub(super) type Loan = managed::Object<Connector>;

/// A connection and what its next user has to know.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) inner: PgConnection,
    /// Whether a transaction may be open: set before BEGIN, cleared when its end was confirmed.
    pub(super) in_transaction: bool,
    opened: Instant,
}

/// Opens connections.
#[derive(Debug)]
pub(super) struct Connector(PgConnectOptions);

impl managed::Manager for Connector {
    type Type = Connection;
    type Error = sqlx::Error;

    async fn create(&self) -> Result<Connection, sqlx::Error> {
        Ok(Connection {
            inner: self.0.connect().await?,
            in_transaction: false,
            opened: Instant::now(),
        })
    }

    async fn recycle(
        &self,
        connection: &mut Connection,
        metrics: &Metrics,
    ) -> RecycleResult<sqlx::Error> {
        if connection.in_transaction {
            metrics::counter!(UNCLEAN_CONNECTIONS).increment(1);
            tracing::warn!("a connection came back inside a transaction and is closed");
            return Err(RecycleError::message("inside a transaction"));
        }
        if is_past_its_lifetime(connection.opened) {
            return Err(RecycleError::message("past its lifetime"));
        }
        if metrics.last_used() > RESTED {
            connection.inner.ping().await?;
        }
        Ok(())
    }
}

fn is_past_its_lifetime(opened: Instant) -> bool {
    opened.elapsed() > LIFETIME
}

/// Connects lazily: the first session opens the first connection.
pub(super) fn connect(url: &Secret, size: PoolSize) -> anyhow::Result<Pool> {
    let options = PgConnectOptions::from_str(url.expose())?
        .statement_cache_capacity(256)
        .log_statements(tracing::log::LevelFilter::Trace)
        .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(1));
    Pool::builder(Connector(options))
        .max_size(size.connections())
        .timeouts(managed::Timeouts {
            wait: Some(PATIENCE),
            create: Some(PATIENCE),
            recycle: Some(PATIENCE),
        })
        .runtime(Runtime::Tokio1)
        // The one used last has its plans and pages at hand.
        .queue_mode(QueueMode::Lifo)
        .build()
        .context("make the pool for PostgreSQL")
}

/// Takes a connection out of the pool. [`Error::Unavailable`] when none can be had.
pub(super) async fn take(pool: &Pool) -> Result<Loan> {
    pool.get().await.map_err(|error| match error {
        managed::PoolError::Backend(error) => error.into(),
        other => Error::unavailable(format!("PostgreSQL: {other}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox;

    /// What a service may open in all: PostgreSQL is shared.
    const CONNECTIONS_OF_A_SERVICE: usize = 20;

    #[test]
    fn every_service_opens_at_most_twenty_connections_over_all_its_pools() {
        let relay = usize::try_from(outbox::CONNECTIONS_MAX).unwrap();
        let one_pool = PoolSize::Requests.connections() + relay;
        let with_auditor =
            PoolSize::SharedRequests.connections() + PoolSize::Small.connections() + relay;
        assert_eq!(one_pool, CONNECTIONS_OF_A_SERVICE);
        assert_eq!(with_auditor, CONNECTIONS_OF_A_SERVICE);
    }

    #[test]
    fn a_connection_is_used_for_ten_minutes_and_no_longer() {
        let opened = |ago| {
            Instant::now()
                .checked_sub(Duration::from_secs(ago))
                .unwrap()
        };
        assert!(!is_past_its_lifetime(opened(590)));
        assert!(is_past_its_lifetime(opened(601)));
    }
}
