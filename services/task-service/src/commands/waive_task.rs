//! Waiving a task: it will not be done, and nobody waits for it any more.

use domain::permission::Permission;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{
    Loaded, Outcome,
    complete_task::{self, Ending, Series},
    follow_completion, load_task_to_finish, require_workable,
};
use crate::repository::{deals::Deal, tasks::StoredTask};

/// Waives the task for a reason; of repeating work the whole series, or this one alone. Rejections: `NOT_FOUND`, `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE`, and of `reason`.
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
    let outcome = waive(tx, &deal, &stored, reason, series).await?;
    Ok(outcome)
}

/// Waives a locked task, whoever asks; the door has decided that it may be.
pub(super) async fn waive(
    tx: &mut Tx,
    deal: &Deal,
    stored: &StoredTask,
    reason: &str,
    series: Series,
) -> Result<Outcome> {
    let moment = deal.moment(tx.now());
    let change = stored.task.waive(tx.actor().user_id, reason, &moment)?;
    let details = &stored.details;
    let ending = Ending {
        stored,
        change: &change,
        details,
        reason: Some(reason),
        series,
    };
    complete_task::finish(tx, deal, ending).await?;
    follow_completion::run(tx, deal, &change.task, details).await?;
    Outcome::of(tx, &deal.zone, &change, details).await
}
