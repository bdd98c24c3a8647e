//! Making a task wait for another one no longer.

use domain::{permission::Permission, rejection::Rejection, task::Prerequisite};
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{Loaded, Step, load_task_exclusively, take_steps};
use crate::repository::{
    dependencies::{self, Dependency},
    tasks::{self, Details},
};

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
    let edge = Dependency {
        task_id,
        depends_on_id,
    };
    dependencies::delete(tx, edge).await?;
    let mut details: Details = stored.details.clone();
    details.depends_on.retain(|id| *id != depends_on_id);
    let step = Step {
        stored: &stored,
        change,
        details,
    };
    take_steps(tx, &deal.zone, &[step], None).await
}
