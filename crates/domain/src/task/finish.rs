//! Completing and waiving.

use time::Date;
use uuid::Uuid;

use super::{Change, Completion, Moment, Task, TaskEvent, Waiver};
use crate::{
    rejection::{Blocker, Rejection},
    text,
};

/// What comes with a completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completing {
    /// Who completes it.
    pub by: Uuid,
    /// The date on which it was really done; default today.
    pub on: Option<Date>,
    /// The deal's first anchor date: nothing was done before it.
    pub first_anchor: Option<Date>,
    /// The unfinished tasks it waits for, as far as the caller may see them, for `TASK_BLOCKED`.
    pub blocked_by: Vec<Blocker>,
}

impl Task {
    /// Completes the task. An unassigned one is assigned to the caller first, which are two transitions.
    ///
    /// Whether the caller may is [`super::may_complete`]'s to say.
    ///
    /// # Errors
    /// `TASK_ALREADY_DONE`, `TASK_BLOCKED`, or a validation rejection of `completedOn`.
    pub fn complete(
        &self,
        completing: Completing,
        moment: &Moment<'_>,
    ) -> Result<Change, Rejection> {
        let on = completed_on(&completing, moment)?;
        if self.status.is_done() {
            return Err(Rejection::TaskAlreadyDone);
        }
        if self.is_blocked() {
            return Err(Rejection::TaskBlocked {
                blocked_by: completing.blocked_by,
            });
        }
        let completion = Completion {
            by: completing.by,
            at: moment.now,
            on,
        };
        let mut change = Change::none(self);
        if self.facts.assignee_id.is_none() {
            change = change.step(TaskEvent::Assigned, |state| {
                state.facts.assignee_id = Some(completing.by)
            });
        }
        Ok(change.step(TaskEvent::Completed, |state| {
            state.facts.completed = Some(completion)
        }))
    }

    /// Waives the task, blocked or not. Those that wait for it no longer do.
    ///
    /// # Errors
    /// `TASK_ALREADY_DONE`, or a validation rejection of `reason`.
    pub fn waive(&self, by: Uuid, reason: &str, moment: &Moment<'_>) -> Result<Change, Rejection> {
        let reason = text::reason(reason)?;
        if self.status.is_done() {
            return Err(Rejection::TaskAlreadyDone);
        }
        let waiver = Waiver {
            by,
            at: moment.now,
            reason,
        };
        Ok(Change::none(self).step(TaskEvent::Waived, |state| state.facts.waived = Some(waiver)))
    }
}

fn completed_on(completing: &Completing, moment: &Moment<'_>) -> Result<Date, Rejection> {
    let today = moment.today();
    let Some(on) = completing.on else {
        return Ok(today);
    };
    if on > today {
        return Err(Rejection::field(
            "completedOn",
            "max",
            format!("completedOn is after today, {today}"),
        ));
    }
    match completing.first_anchor {
        Some(first) if on < first => Err(Rejection::field(
            "completedOn",
            "min",
            format!("completedOn is before the deal began, {first}"),
        )),
        _ => Ok(on),
    }
}
