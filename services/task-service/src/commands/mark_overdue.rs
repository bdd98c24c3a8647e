//! Recording that a task's due instant has passed.

use domain::task::TaskStatus;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{Loaded, Step, follow_completion, load_task_exclusively, take_steps};

/// Marks the task, unless it is finished, marked already, not due yet, or its deal does not run. Answers
/// its status afterwards.
pub(crate) async fn run(tx: &mut Tx, task_id: Uuid) -> Result<TaskStatus> {
    let Loaded { deal, stored } = load_task_exclusively(tx, task_id, &[]).await?;
    let change = stored.task.mark_overdue(&deal.moment(tx.now()));
    let step = Step::of(&stored, change);
    take_steps(tx, &deal.zone, std::slice::from_ref(&step), None).await?;
    if !step.change.transitions.is_empty() {
        follow_completion::run(tx, &deal, &step.change.task, &step.details).await?;
    }
    Ok(step.change.task.status)
}
