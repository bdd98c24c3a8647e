//! Making a task wait for another one no longer.

use domain::{cascade::Step, permission::Permission, rejection::Rejection, task::Prerequisite};
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{Loaded, batch::Batch, load_task_exclusively};
use crate::repository::tasks;

/// Removes the dependency. Rejections: `NOT_FOUND`, also where there is no such dependency, `DEAL_NOT_ACTIVE`,
/// `TASK_ALREADY_DONE`.
pub(crate) async fn run(tx: &mut Tx, task_id: Uuid, depends_on_id: Uuid) -> Result<()> {
    let Loaded { deal, stored } =
        load_task_exclusively(tx, task_id, &[Permission::ManageTasks]).await?;
    if !stored.details.depends_on.contains(&depends_on_id) {
        return Err(Rejection::NotFound.into());
    }
    let prerequisite = tasks::find(tx, depends_on_id)
        .await?
        .ok_or(Rejection::NotFound)?;
    deal.status.require_active()?;
    let change = stored
        .task
        .remove_dependency(Prerequisite::of(prerequisite.task.status))?;
    let mut details = stored.details.clone();
    details.depends_on.retain(|id| *id != depends_on_id);
    let mut batch = Batch::new(stored.task.deal_id, &deal.zone);
    let step = Step {
        before: Some(stored),
        change,
        details,
    };
    batch.add(step, None);
    batch.save(tx).await?;
    Ok(())
}
