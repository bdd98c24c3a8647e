//! Connection pools, with the guard that keeps one request's context from another's.

use std::{str::FromStr, time::Duration};

use sea_orm::{DatabaseConnection, SqlxPostgresConnector};
use sqlx::{
    ConnectOptions, Connection as _, Row,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use super::admission::PATIENCE;
use crate::{config::Secret, telemetry::metrics::UNCLEAN_CONNECTIONS};

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
    const fn connections(self) -> u32 {
        match self {
            Self::Requests => 17,
            Self::SharedRequests => 12,
            Self::Small => 5,
        }
    }

    /// Kept open, so that a burst after a quiet time does not begin with a burst of connecting.
    fn kept_open(self) -> u32 {
        match self {
            Self::Requests | Self::SharedRequests => 4,
            Self::Small => 1,
        }
    }
}

/// A connection unused for so long is asked whether it still works before it is used.
const RESTED: Duration = Duration::from_millis(500);
/// Backstop: no connection lives longer.
const LIFETIME: Duration = Duration::from_secs(600);

pub(super) fn connect(url: &Secret, size: PoolSize) -> anyhow::Result<DatabaseConnection> {
    let options = PgConnectOptions::from_str(url.expose())?
        .statement_cache_capacity(256)
        .log_statements(tracing::log::LevelFilter::Trace)
        .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(1));
    let pool = PgPoolOptions::new()
        .max_connections(size.connections())
        .min_connections(size.kept_open())
        .acquire_timeout(PATIENCE)
        .max_lifetime(LIFETIME)
        .test_before_acquire(false)
        // A connection that has rested may have lost its server meanwhile; a busy one need not be asked.
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > RESTED {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        // Runs when a connection comes back, off the request's path. In autocommit the two clocks are
        // equal; inside a left-over transaction they are not, and such a connection is closed.
        .after_release(|connection, _| {
            Box::pin(async move {
                // As simple text: a prepared statement's messages each move the second clock.
                let row = sqlx::raw_sql("SELECT now() = statement_timestamp()")
                    .fetch_one(&mut *connection)
                    .await?;
                let clean: bool = row.try_get(0)?;
                if !clean {
                    metrics::counter!(UNCLEAN_CONNECTIONS).increment(1);
                    tracing::warn!("a connection came back inside a transaction and was closed");
                }
                Ok(clean)
            })
        })
        .connect_lazy_with(options);
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox;

    /// What a service may open in all: PostgreSQL is shared.
    const CONNECTIONS_OF_A_SERVICE: u32 = 20;

    #[test]
    fn every_service_opens_at_most_twenty_connections_over_all_its_pools() {
        let one_pool = PoolSize::Requests.connections() + outbox::CONNECTIONS_MAX;
        let with_auditor = PoolSize::SharedRequests.connections()
            + PoolSize::Small.connections()
            + outbox::CONNECTIONS_MAX;
        assert_eq!(one_pool, CONNECTIONS_OF_A_SERVICE);
        assert_eq!(with_auditor, CONNECTIONS_OF_A_SERVICE);
    }
}
