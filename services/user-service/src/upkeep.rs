//! Deleting what is over: attempts that do not count any more, sessions that have ended, resets that ran out.
//!
//! Each kind goes in bounded batches, each its own transaction, until none is left. So the work keeps pace with what is
//! added, and holds no lock for long.

use std::time::Duration;

use domain::lockout::NETWORK_KNOWN_FOR;
use platform::{
    db::{Db, Tx},
    error::Result,
};
use sea_orm::FromQueryResult;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

use crate::repository::{login_attempts, mail_quotas};

/// How often it is looked whether something is over.
const INTERVAL: Duration = Duration::from_secs(15);
/// Rows that one transaction deletes at most.
const BATCH_ROWS: i32 = 1_000;
/// Retention of what is over, for debugging.
const KEPT_FOR: time::Duration = time::Duration::days(1);

/// Deletes until `stop` is cancelled.
pub(crate) async fn run(db: Db, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(INTERVAL) => {}
        }
        if let Err(error) = delete_all(&db, &stop).await {
            tracing::debug!(%error, "what is over could not be deleted");
        }
    }
}

/// One kind of row.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Failures,
    Guesses,
    MailQuotas,
    Sessions,
    Resets,
    Networks,
}

impl Kind {
    const ALL: [Self; 6] = [
        Self::Failures,
        Self::Guesses,
        Self::MailQuotas,
        Self::Sessions,
        Self::Resets,
        Self::Networks,
    ];

    /// Deletes a batch; answers how many rows it was.
    async fn delete_batch(self, tx: &Tx) -> Result<u64> {
        let over = tx.now() - KEPT_FOR;
        match self {
            Self::Failures => login_attempts::delete_faded(tx, BATCH_ROWS).await,
            Self::Guesses => login_attempts::delete_old_guesses(tx, BATCH_ROWS).await,
            Self::MailQuotas => mail_quotas::delete_old(tx, BATCH_ROWS).await,
            Self::Sessions => {
                deleted(tx, "SELECT ctx.delete_ended_sessions($1, $2) AS rows", over).await
            }
            Self::Resets => deleted(tx, "SELECT ctx.delete_old_resets($1, $2) AS rows", over).await,
            Self::Networks => {
                let unknown = tx.now() - NETWORK_KNOWN_FOR;
                deleted(
                    tx,
                    "SELECT ctx.delete_old_networks($1, $2) AS rows",
                    unknown,
                )
                .await
            }
        }
    }
}

async fn delete_all(db: &Db, stop: &CancellationToken) -> Result<()> {
    for kind in Kind::ALL {
        loop {
            let deleted = db
                .anonymous("identity-upkeep", None, async |tx| {
                    kind.delete_batch(tx).await
                })
                .await?;
            if deleted < u64::from(BATCH_ROWS.unsigned_abs()) || stop.is_cancelled() {
                break;
            }
        }
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct Deleted {
    rows: i64,
}

/// Of tables with tenants, which only a function of the shared authority sees whole.
async fn deleted(tx: &Tx, sql: &'static str, before: OffsetDateTime) -> Result<u64> {
    let row: Option<Deleted> = tx.first(sql, [before.into(), BATCH_ROWS.into()]).await?;
    Ok(row.map_or(0, |row| row.rows.unsigned_abs()))
}
