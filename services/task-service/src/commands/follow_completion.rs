//! What follows from the end of a task for the dates of its deal: where the date stands that it is due on, rules that
//! count from it, the anchor that it fixes.
//!
//! The plan marks the few tasks that something follows from (`followUp`), and so does a rule that somebody makes
//! (`followed`); for all others this does nothing.

use domain::task::{TaskState, TaskStatus};
use platform::{db::Tx, error::Result};

use super::apply_dates;
use crate::{
    planning::Ground,
    repository::{deals::Deal, tasks::Details},
};

/// Moves what hangs on this task, which has just been finished or reopened, or has become overdue. The caller has locked
/// the deal exclusively, unless nothing hangs on the task.
pub(crate) async fn run(
    tx: &mut Tx,
    deal: &Deal,
    task: &TaskState,
    details: &Details,
) -> Result<()> {
    // The dates of a deal that is over stay as they are.
    if details.has_followers() && !deal.status.is_terminal() {
        count(tx, deal, task).await?;
    }
    Ok(())
}

/// Counts all dates of the deal again, because of what happened to this task.
pub(super) async fn count(tx: &mut Tx, deal: &Deal, task: &TaskState) -> Result<()> {
    let ground = Ground::lock(tx, task.deal_id, &deal.zone, None).await?;
    let planned = ground.compute(&deal.zone);
    let happened = match task.status {
        TaskStatus::Completed => "was completed",
        TaskStatus::Waived => "was waived",
        TaskStatus::Overdue => "is overdue",
        TaskStatus::Pending | TaskStatus::InProgress | TaskStatus::Blocked => "was reopened",
    };
    let reason = format!("{} {happened}", task.title);
    apply_dates::run(tx, deal, &ground, &planned, &reason).await?;
    Ok(())
}
