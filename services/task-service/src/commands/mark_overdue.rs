//! Recording that a task's due instant has passed.

use domain::task::TaskStatus;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{Loaded, batch, follow_up, load_task_exclusively};

/// Marks the task, unless it is finished, marked already, not due yet, or its deal does not run. Answers
/// its status afterwards.
pub(crate) async fn run(tx: &mut Tx, task_id: Uuid) -> Result<TaskStatus> {
    let Loaded { deal, stored } = load_task_exclusively(tx, task_id, &[]).await?;
    let change = stored.task.mark_overdue(&deal.moment(tx.now()));
    let task = change.task.clone();
    let steps = vec![batch::step(stored, change)];
    follow_up::save(tx, &deal, steps, &task, None).await?;
    Ok(task.status)
}
