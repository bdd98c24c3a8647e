//! Deleting a task that nobody has started. What waited for it inherits what it waited for.

use domain::{
    permission::Permission,
    task::{Change, Prerequisite},
};
use platform::{db::Tx, error::Result, http::conditional::ExpectedVersion};
use uuid::Uuid;

use super::{Loaded, Step, load_task_exclusively, require_assigning, shift_milestones, take_steps};
use crate::{
    history::{self, Told},
    repository::{
        dependencies::{self, Dependency},
        milestones::Shifts,
        tasks::{self, Details, StoredTask},
    },
};

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
    let dependents = tasks::lock_dependents(tx, task_id).await?;
    let mut steps = Vec::new();
    for dependent in &dependents {
        steps.push(pass_on(tx, dependent, task_id, &inherited).await?);
    }
    for depends_on_id in &stored.details.depends_on {
        let edge = Dependency {
            task_id,
            depends_on_id: *depends_on_id,
        };
        dependencies::delete(tx, edge).await?;
    }
    take_steps(tx, &deal.zone, &steps, None).await?;
    tasks::delete(tx, stored.task.version, &deleted.task).await?;
    let told = Told::same(&deal.zone, &stored.details);
    history::tell_task(tx, &deleted.transitions, told);
    let mut shifts = Shifts::default();
    shifts.count(Some(&stored.task), None);
    shift_milestones(tx, &shifts).await
}

/// Makes a dependent wait for what the deleted task waited for instead.
async fn pass_on<'a>(
    tx: &Tx,
    dependent: &'a StoredTask,
    deleted: Uuid,
    inherited: &[&StoredTask],
) -> Result<Step<'a>> {
    let mut depends_on = dependent.details.depends_on.clone();
    let mut change = Change {
        task: dependent.task.clone(),
        transitions: Vec::new(),
    };
    let is_open = !dependent.task.status.is_done();
    for prerequisite in inherited {
        if depends_on.contains(&prerequisite.task.id) {
            continue;
        }
        let edge = Dependency {
            task_id: dependent.task.id,
            depends_on_id: prerequisite.task.id,
        };
        dependencies::insert(tx, dependent.task.deal_id, &[edge]).await?;
        depends_on.push(prerequisite.task.id);
        if is_open {
            let kind = Prerequisite::of(prerequisite.task.status);
            change = join(change, |task| task.add_dependency(kind))?;
        }
    }
    let edge = Dependency {
        task_id: dependent.task.id,
        depends_on_id: deleted,
    };
    dependencies::delete(tx, edge).await?;
    depends_on.retain(|id| *id != deleted);
    depends_on.sort_unstable();
    if is_open {
        change = join(change, |task| task.remove_dependency(Prerequisite::Open))?;
    }
    Ok(Step {
        stored: dependent,
        change,
        details: Details {
            depends_on,
            ..dependent.details.clone()
        },
    })
}

fn join(
    change: Change,
    step: impl FnOnce(&domain::task::Task) -> Result<Change, domain::rejection::Rejection>,
) -> Result<Change> {
    let next = step(&change.task)?;
    Ok(Change {
        task: next.task,
        transitions: [change.transitions, next.transitions].concat(),
    })
}
