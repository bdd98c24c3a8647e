//! Gauges of the workload (active deals and overdue tasks), and of how far ahead the audit log has partitions.

use std::time::Duration;

use platform::{
    db::Db,
    telemetry::metrics::{ACTIVE_DEALS, AUDIT_WEEKS_AHEAD, OVERDUE_TASKS},
};
use sea_orm::FromQueryResult;
use tokio_util::sync::CancellationToken;

/// How often they are counted.
const INTERVAL: Duration = Duration::from_secs(15);

#[derive(FromQueryResult)]
struct Totals {
    active_deals: i64,
    overdue_tasks: i64,
    weeks_ahead: i32,
}

/// Counts until `shutdown` is cancelled. While the database is unavailable the gauges keep their last value.
#[expect(
    clippy::cast_precision_loss,
    reason = "gauges are floats, and counts stay far below 2^52"
)]
pub(crate) async fn run(db: Db, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        let totals: Result<Option<Totals>, _> = db
            .anonymous("gauges", None, async |tx| {
                tx.first(
                    "SELECT active_deals, overdue_tasks, audit.weeks_ahead() AS weeks_ahead FROM ctx.workload_totals()",
                    [],
                )
                .await
            })
            .await;
        match totals {
            Ok(Some(totals)) => {
                metrics::gauge!(ACTIVE_DEALS).set(totals.active_deals as f64);
                metrics::gauge!(OVERDUE_TASKS).set(totals.overdue_tasks as f64);
                metrics::gauge!(AUDIT_WEEKS_AHEAD).set(f64::from(totals.weeks_ahead));
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "the gauges were not counted"),
        }
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = tokio::time::sleep(INTERVAL) => {}
        }
    }
}
