//! Due dates: moving them, and noticing that they have passed.

use super::{Change, Deadlines, Due, Moment, Task, TaskEvent, TaskState};
use crate::{cascade::shifted, rejection::Rejection};

impl Moment<'_> {
    /// Whether a due date has passed.
    ///
    /// While deadlines are paused nothing *becomes* overdue: what had passed before may stay so.
    pub(crate) fn has_passed(&self, due: Option<Due>, had_passed: bool) -> bool {
        let reached = due
            .and_then(|due| self.zone.overdue_from(due.date, due.time_of_day).ok())
            .is_some_and(|instant| instant <= self.now);
        match self.deadlines {
            Deadlines::Running => reached,
            Deadlines::Paused => reached && had_passed,
        }
    }
}

impl Task {
    /// Sets the due date that a rule gave, with the days of holds in it. The status is derived again, so a date in the
    /// future ends OVERDUE.
    ///
    /// # Errors
    /// `TASK_ALREADY_DONE`: finished tasks keep their dates.
    pub fn reschedule(
        &self,
        due: Option<Due>,
        shift_days: u32,
        moment: &Moment<'_>,
    ) -> Result<Change, Rejection> {
        if self.status.is_done() {
            return Err(Rejection::TaskAlreadyDone);
        }
        let next = TaskState {
            due,
            shift_days,
            ..self.0.clone()
        };
        Ok(self.updated_to(next, moment))
    }

    /// Moves the due date itself by the days of a hold. It stays pinned if it was; a task without a date has nothing to
    /// move.
    ///
    /// # Errors
    /// `TASK_ALREADY_DONE`: finished tasks keep their dates.
    pub fn postpone(&self, days: u32, moment: &Moment<'_>) -> Result<Change, Rejection> {
        let later = self.due.map(|due| Due {
            date: shifted(due.date, days).unwrap_or(due.date),
            ..due
        });
        self.reschedule(later, self.shift_days, moment)
    }

    /// Records that the due instant has passed. Nothing happens if it has not, if it was recorded already, if the task
    /// is finished, or while the deal is on hold: a repeated or late wake-up does no harm.
    #[must_use]
    pub fn mark_overdue(&self, moment: &Moment<'_>) -> Change {
        if self.status.is_done() || self.facts.due_passed || !moment.has_passed(self.due, false) {
            return Change::none(self);
        }
        Change::none(self).step(TaskEvent::Overdue, |state| state.facts.due_passed = true)
    }

    /// One `updated`, and one `overdue` if the new date has passed already.
    pub(super) fn updated_to(&self, next: TaskState, moment: &Moment<'_>) -> Change {
        if next == self.0 {
            return Change::none(self);
        }
        let had_passed = self.facts.due_passed;
        let passed = if next.due == self.due {
            had_passed
        } else {
            moment.has_passed(next.due, had_passed)
        };
        let change = Change::none(self).step(TaskEvent::Updated, |state| {
            *state = next;
            // Becoming overdue is a step of its own; ceasing to be is part of the new date.
            state.facts.due_passed = passed && had_passed;
        });
        if passed && !had_passed && !self.status.is_done() {
            change.step(TaskEvent::Overdue, |state| state.facts.due_passed = true)
        } else {
            change
        }
    }
}
