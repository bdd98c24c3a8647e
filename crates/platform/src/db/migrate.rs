//! Runs a service's migrations with its own role, under an advisory lock.

use std::{str::FromStr, time::Duration};

use anyhow::Context as _;
use sqlx::{
    ConnectOptions, Connection,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgConnection},
};

use crate::config::Secret;

/// Attempts of a migration that waits too long for a lock (`lock_timeout` 500 ms).
const ATTEMPTS: u32 = 40;

/// Applies what is missing. Two processes at once are safe: the second waits for the advisory lock that sqlx takes. A
/// statement that cannot get its lock within half a second is cancelled and retried later, so that requests queue
/// behind a waiting migration for about that long.
pub async fn migrate(url: &Secret, migrator: &Migrator) -> anyhow::Result<()> {
    let mut attempt = 1;
    loop {
        match run(url, migrator).await {
            Err(error) if attempt < ATTEMPTS && is_lock_timeout(&error) => {
                tracing::warn!(
                    attempt,
                    "a migration waited too long for a lock, trying again"
                );
                tokio::time::sleep(Duration::from_millis(500)).await;
                attempt += 1;
            }
            outcome => return outcome,
        }
    }
}

async fn run(url: &Secret, migrator: &Migrator) -> anyhow::Result<()> {
    let options =
        PgConnectOptions::from_str(url.expose())?.log_statements(tracing::log::LevelFilter::Debug);
    let mut connection = PgConnection::connect_with(&options)
        .await
        .context("connect as the migration role")?;
    let outcome = migrator
        .run(&mut connection)
        .await
        .context("run the migrations");
    connection.close().await?;
    outcome
}

fn is_lock_timeout(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<sqlx::Error>()
            .and_then(sqlx::Error::as_database_error)
            .and_then(|error| error.code())
            .is_some_and(|code| code == "55P03")
    })
}
