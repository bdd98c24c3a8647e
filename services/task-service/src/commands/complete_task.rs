//! Completing a task: tasks that waited for it alone are unlocked, and the last task of a milestone completes the
//! milestone.

use domain::{
    permission::Permission,
    rejection::Rejection,
    task::{Completing, Details, may_complete},
    text,
};
use platform::{db::Tx, error::Result};
use time::Date;
use uuid::Uuid;

use super::{
    Loaded, Outcome,
    finish_task::{self, Ending, Series},
    load_task_to_finish, require_workable,
};
use crate::{
    queries::completion,
    repository::dependencies,
    views::{TaskView, task_actor},
};

/// Who else than its assignee could complete a task.
const MAY_COMPLETE: [Permission; 2] = [Permission::CompleteOwnTasks, Permission::ManageTasks];

/// The task to complete.
#[derive(Clone, Debug)]
pub(crate) struct CompleteTask {
    pub(crate) task_id: Uuid,
    /// What is worth noting about it.
    pub(crate) note: Option<String>,
    /// When it was really done; default today.
    pub(crate) completed_on: Option<Date>,
}

/// The result of completing a task.
#[derive(Clone, Debug)]
pub(crate) struct Completed {
    pub(crate) task: TaskView,
    /// The tasks that were unlocked, as far as the caller may see them.
    pub(crate) unlocked: Vec<Uuid>,
    /// The milestone that this completed.
    pub(crate) milestone_completed: Option<Uuid>,
    /// What should have been looked at, but refuses nothing.
    pub(crate) warnings: Vec<String>,
}

/// Completes the task. Rejections: `NOT_FOUND`, `FORBIDDEN`, `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE`,
/// `TASK_BLOCKED`, and of the fields `note` and `completedOn`.
pub(crate) async fn run(tx: &mut Tx, command: &CompleteTask) -> Result<Completed> {
    let note = note(command.note.as_deref())?;
    let loaded = load_task_to_finish(tx, command.task_id, &MAY_COMPLETE).await?;
    may_complete(&loaded.stored.task, &task_actor(tx.actor()))?;
    require_workable(tx, &loaded).await?;
    let Loaded { deal, stored } = loaded;
    let circumstances = completion::circumstances(tx, &stored, command.completed_on).await?;

    let moment = deal.moment(tx.now());
    let completing = Completing {
        by: tx.actor().user_id,
        on: command.completed_on,
        first_anchor: circumstances.first_anchor,
        blocked_by: if stored.task.is_blocked() {
            dependencies::blockers(tx, &stored.details.depends_on).await?
        } else {
            Vec::new()
        },
    };
    let change = stored.task.complete(completing, &moment)?;
    let details = Details {
        note: note.or_else(|| stored.details.note.clone()),
        ..stored.details.clone()
    };
    let warnings = completion::warnings(&change.task, &details, &circumstances, tx.actor());

    let ending = Ending {
        stored,
        change: change.clone(),
        details: details.clone(),
        reason: None,
        series: Series::GoesOn,
    };
    let released = finish_task::finish(tx, &deal, ending).await?;
    Ok(Completed {
        task: Outcome::of(tx, &deal.zone, &change, &details).await?.task,
        unlocked: released.unlocked,
        milestone_completed: released.milestone_completed,
        warnings,
    })
}

fn note(note: Option<&str>) -> Result<Option<String>, Rejection> {
    text::optional("note", note, text::REASON_LENGTH_MAX).map_err(|error| Rejection::Validation {
        errors: vec![error],
    })
}
