//! Completing a task: it is done, what waited for it alone becomes free, and the last one of a milestone
//! completes that.
//!
//! The caller may be a buyer who sees neither the tasks that it frees nor the rest of the milestone: the
//! database lets this session change just those, after it has seen the completion.

use contracts::event::MilestoneChange;
use domain::{
    permission::Permission,
    rejection::Rejection,
    task::{Change, Completing, TaskEvent, may_complete, may_see},
    text,
};
use platform::{db::Tx, error::Result};
use time::Date;
use uuid::Uuid;

use super::{
    Loaded, Outcome, follow_completion, load_task_to_finish, next_instance, require_workable,
};
use crate::{
    history::{self, Told},
    queries::completion,
    repository::{
        deals::Deal,
        dependencies,
        milestones::{self, Shifts},
        tasks::{self, Details, Saved, StoredTask},
    },
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

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Completed {
    pub(crate) task: TaskView,
    /// The tasks that became free, as far as the caller may see them.
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
        stored: &stored,
        change: &change,
        details: &details,
        reason: None,
        series: Series::GoesOn,
    };
    let freed = finish(tx, &deal, ending).await?;
    follow_completion::run(tx, &deal, &change.task, &details).await?;
    Ok(Completed {
        task: Outcome::of(tx, &deal.zone, &change, &details).await?.task,
        unlocked: freed.unlocked,
        milestone_completed: freed.milestone_completed,
        warnings,
    })
}

/// What the end of a task set free.
#[derive(Clone, Debug, Default)]
pub(super) struct Freed {
    /// The tasks that became free, as far as the caller may see them.
    pub(super) unlocked: Vec<Uuid>,
    /// The milestone that this completed.
    pub(super) milestone_completed: Option<Uuid>,
}

/// What becomes of repeating work when one of it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Series {
    /// The next one comes.
    GoesOn,
    /// There are no more.
    Ends,
}

/// The end of a task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending<'a> {
    pub(super) stored: &'a StoredTask,
    pub(super) change: &'a Change,
    pub(super) details: &'a Details,
    /// Why, where a reason was given.
    pub(super) reason: Option<&'a str>,
    pub(super) series: Series,
}

/// Saves a task that was completed or waived, makes the next one of its series, unlocks what waited for it, counts its
/// milestone, and emits.
pub(super) async fn finish(tx: &mut Tx, deal: &Deal, ending: Ending<'_>) -> Result<Freed> {
    let Ending {
        stored,
        change,
        details,
        reason,
        series,
    } = ending;
    let zone = &deal.zone;
    let saved = Saved {
        loaded_version: stored.task.version,
        task: &change.task,
        details,
    };
    tasks::save_finished(tx, zone, saved).await?;
    history::tell_task(
        tx,
        &change.transitions,
        Told {
            zone,
            before: &stored.details,
            after: details,
            reason,
        },
    );

    let mut shifts = Shifts::default();
    shifts.count(Some(&stored.task), Some(&change.task));
    if series == Series::GoesOn && !deal.status.is_terminal() {
        // Counted together with the one that ends: its milestone is not reached meanwhile.
        let next = Box::pin(next_instance::make(tx, deal, &change.task, details)).await?;
        shifts.count(None, next.as_deref());
    }

    // Locked before they are counted: of two prerequisites that finish at the same instant the second one
    // waits here, and then sees what the first one left.
    let waiting = tasks::lock_dependents(tx, stored.task.id).await?;
    let unlocking: Vec<(&StoredTask, Change)> = waiting
        .iter()
        .map(|dependent| (dependent, dependent.task.satisfy_dependency()))
        .collect();
    let freed: Vec<Saved<'_>> = unlocking
        .iter()
        .map(|(dependent, change)| Saved {
            loaded_version: dependent.task.version,
            task: &change.task,
            details: &dependent.details,
        })
        .collect();
    let shifted = milestones::shift_and_unlock(tx, zone, &shifts, &freed).await?;

    let actor = task_actor(tx.actor());
    let mut unlocked = Vec::new();
    for (dependent, change) in &unlocking {
        let is_unlocked = change
            .transitions
            .iter()
            .any(|transition| transition.event == TaskEvent::Unlocked);
        if is_unlocked && may_see(&change.task, &actor) {
            unlocked.push(change.task.id);
        }
        history::tell_task(
            tx,
            &change.transitions,
            Told::same(zone, &dependent.details),
        );
    }
    let mut milestone_completed = None;
    for milestone in shifted.iter().filter(|milestone| milestone.has_completed()) {
        history::tell_milestone(
            tx,
            MilestoneChange::Completed,
            &milestone.before,
            &milestone.after,
        );
        milestone_completed = Some(milestone.after.id);
    }
    Ok(Freed {
        unlocked,
        milestone_completed,
    })
}

fn note(note: Option<&str>) -> Result<Option<String>, Rejection> {
    text::optional("note", note, text::REASON_LENGTH_MAX).map_err(|error| Rejection::Validation {
        errors: vec![error],
    })
}
