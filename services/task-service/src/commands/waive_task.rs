//! Waiving a task: it will not be done, and nobody waits for it any more.

use domain::permission::Permission;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{
    Loaded, Outcome,
    finish_task::{self, Ending, Series},
    load_task_to_finish, require_workable,
};

/// Waives the task for a reason; of repeating work the whole series, or this one alone. Rejections: `NOT_FOUND`,
/// `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE`, and of `reason`.
pub(crate) async fn run(
    tx: &mut Tx,
    task_id: Uuid,
    reason: &str,
    series: Series,
) -> Result<Outcome> {
    domain::text::reason(reason)?;
    let loaded = load_task_to_finish(tx, task_id, &[Permission::ManageTasks]).await?;
    require_workable(tx, &loaded).await?;
    let Loaded { deal, stored } = loaded;
    let moment = deal.moment(tx.now());
    let change = stored.task.waive(tx.actor().user_id, reason, &moment)?;
    let details = stored.details.clone();
    let ending = Ending {
        stored,
        change: change.clone(),
        details: details.clone(),
        reason: Some(reason),
        series,
    };
    finish_task::finish(tx, &deal, ending).await?;
    Outcome::of(tx, &deal.zone, &change, &details).await
}
