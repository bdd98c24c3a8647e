//! Deleting a task that nobody has started. What waited for it inherits what it waited for.

use domain::{
    cascade::Step,
    permission::Permission,
    rejection::Rejection,
    task::{Change, Details, Prerequisite, StoredTask},
};
use platform::{db::Tx, error::Result, http::conditional::ExpectedVersion};
use uuid::Uuid;

use super::{Loaded, batch::Batch, load_task_exclusively, require_assigning};
use crate::repository::tasks;

/// Who may.
const MAY_DELETE: [Permission; 2] = [Permission::AssignTasks, Permission::ManageTasks];

/// Deletes the task. Rejections: `NOT_FOUND`, `FORBIDDEN`, `VERSION_MISMATCH`, `DEAL_NOT_ACTIVE`, `TASK_STARTED`.
pub(crate) async fn run(tx: &mut Tx, task_id: Uuid, expected: ExpectedVersion) -> Result<()> {
    let Loaded { deal, stored } = load_task_exclusively(tx, task_id, &MAY_DELETE).await?;
    require_assigning(tx, &deal)?;
    expected.check(stored.task.version)?;
    deal.status.require_active()?;
    let deleted = stored.task.delete()?;

    let siblings = tasks::of_deal(tx, stored.task.deal_id).await?;
    let inherited: Vec<&StoredTask> = siblings
        .iter()
        .filter(|sibling| stored.details.depends_on.contains(&sibling.task.id))
        .collect();
    let mut batch = Batch::new(stored.task.deal_id, &deal.zone);
    for dependent in tasks::lock_dependents(tx, task_id).await? {
        batch.add(pass_on(dependent, task_id, &inherited)?, None);
    }
    batch.delete(stored, deleted);
    batch.save(tx).await?;
    Ok(())
}

/// Makes a dependent wait for what the deleted task waited for instead.
fn pass_on(
    dependent: StoredTask,
    deleted: Uuid,
    inherited: &[&StoredTask],
) -> Result<Step, Rejection> {
    let mut depends_on = dependent.details.depends_on.clone();
    let mut change = Change::none(&dependent.task);
    let is_open = !dependent.task.status.is_done();
    for prerequisite in inherited {
        if depends_on.contains(&prerequisite.task.id) {
            continue;
        }
        depends_on.push(prerequisite.task.id);
        if is_open {
            let kind = Prerequisite::of(prerequisite.task.status);
            change = change.try_then(|task| task.add_dependency(kind))?;
        }
    }
    depends_on.retain(|id| *id != deleted);
    depends_on.sort_unstable();
    if is_open {
        change = change.try_then(|task| task.remove_dependency(Prerequisite::Open))?;
    }
    let details = Details {
        depends_on,
        ..dependent.details.clone()
    };
    Ok(Step {
        before: Some(dependent),
        change,
        details,
    })
}
