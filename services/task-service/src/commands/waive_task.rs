//! Waiving a task: it will not be done, and nobody waits for it any more.

use domain::permission::Permission;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{Loaded, Outcome, complete_task, follow_completion, load_task_to_finish};
use crate::repository::{deals::Deal, tasks::StoredTask};

/// Waives the task for a reason. Rejections: `NOT_FOUND`, `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE`, and of `reason`.
pub(crate) async fn run(tx: &mut Tx, task_id: Uuid, reason: &str) -> Result<Outcome> {
    domain::text::reason(reason)?;
    let Loaded { deal, stored } =
        load_task_to_finish(tx, task_id, &[Permission::ManageTasks]).await?;
    deal.status.require_active()?;
    let outcome = waive(tx, &deal, &stored, reason).await?;
    Ok(outcome)
}

/// Waives a locked task, whoever asks; the door has decided that it may be.
pub(super) async fn waive(
    tx: &mut Tx,
    deal: &Deal,
    stored: &StoredTask,
    reason: &str,
) -> Result<Outcome> {
    let moment = deal.moment(tx.now());
    let change = stored.task.waive(tx.actor().user_id, reason, &moment)?;
    let details = &stored.details;
    complete_task::finish(tx, &deal.zone, stored, &change, details, Some(reason)).await?;
    follow_completion::run(tx, deal, &change.task, details).await?;
    Ok(Outcome::of(tx, &deal.zone, &change, details))
}
