//! Recording that a task's due instant has passed.

use domain::task::TaskStatus;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{Loaded, Step, load_task, take_steps};

/// Marks the task, unless it is finished, marked already, not due yet, or its deal does not run. Answers
/// its status afterwards.
pub(crate) async fn run(tx: &mut Tx, task_id: Uuid) -> Result<TaskStatus> {
    let Loaded { deal, stored } = load_task(tx, task_id, &[]).await?;
    let change = stored.task.mark_overdue(&deal.moment(tx.now()));
    let status = change.task.status;
    take_steps(tx, &deal.zone, &[Step::of(&stored, change)], None).await?;
    Ok(status)
}
