//! What happens to a task when the tasks that it waits for come, go, finish and reopen.
//!
//! Here a task only counts its unfinished prerequisites. Which they are, and that they form no cycle, is the business
//! of [`crate::plan`]; that two of them finishing at once are both counted is the business of the row locks.

use super::{Change, Task, TaskEvent, TaskStatus, status};
use crate::rejection::Rejection;

/// Whether the task at the other end of a dependency still keeps its dependents waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prerequisite {
    /// It is open.
    Open,
    /// It is completed or waived.
    Done,
}

impl Prerequisite {
    /// How a task of this status acts on those that wait for it.
    #[must_use]
    pub const fn of(status: TaskStatus) -> Self {
        if status.is_done() {
            Self::Done
        } else {
            Self::Open
        }
    }
}

impl Task {
    /// One of the tasks that this one waits for was finished. The last one unlocks it; with an assignee it passes
    /// through PENDING to IN_PROGRESS, which are two transitions.
    #[must_use]
    pub fn satisfy_dependency(&self) -> Change {
        match self.facts.open_dependencies {
            0 => Change::none(self),
            1 if !self.status.is_done() => self.unlock(),
            _ => Change::none(self).quietly(|state| state.facts.open_dependencies -= 1),
        }
    }

    /// One of the tasks that this one waits for was reopened. The first one blocks it again, which begins a new
    /// episode. A finished task only counts it.
    #[must_use]
    pub fn lose_dependency(&self) -> Change {
        if self.status.is_done() || self.facts.open_dependencies > 0 {
            return Change::none(self).quietly(|state| {
                state.facts.open_dependencies = state.facts.open_dependencies.saturating_add(1)
            });
        }
        self.block()
    }

    /// Makes this task wait for another one as well.
    ///
    /// # Errors
    /// `TASK_ALREADY_DONE`: a finished task waits for nothing.
    pub fn add_dependency(&self, prerequisite: Prerequisite) -> Result<Change, Rejection> {
        if self.status.is_done() {
            return Err(Rejection::TaskAlreadyDone);
        }
        Ok(match prerequisite {
            Prerequisite::Done => Change::none(self).step(TaskEvent::Updated, |_| ()),
            Prerequisite::Open if self.facts.open_dependencies == 0 => self.block(),
            Prerequisite::Open => Change::none(self).step(TaskEvent::Updated, |state| {
                state.facts.open_dependencies = state.facts.open_dependencies.saturating_add(1);
            }),
        })
    }

    /// Makes this task no longer wait for another one.
    ///
    /// # Errors
    /// `TASK_ALREADY_DONE`: what a finished task waited for is history.
    pub fn remove_dependency(&self, prerequisite: Prerequisite) -> Result<Change, Rejection> {
        if self.status.is_done() {
            return Err(Rejection::TaskAlreadyDone);
        }
        Ok(match (prerequisite, self.facts.open_dependencies) {
            (Prerequisite::Done, _) | (Prerequisite::Open, 0) => {
                Change::none(self).step(TaskEvent::Updated, |_| ())
            }
            (Prerequisite::Open, 1) => self.unlock(),
            (Prerequisite::Open, _) => Change::none(self).step(TaskEvent::Updated, |state| {
                state.facts.open_dependencies -= 1
            }),
        })
    }

    fn unlock(&self) -> Change {
        let mut free = self.facts.clone();
        free.open_dependencies = 0;
        if status(&free) == TaskStatus::InProgress {
            Change::none(self)
                .pass_through(TaskEvent::Unlocked, TaskStatus::Pending, |state| {
                    state.facts = free
                })
                .step(TaskEvent::Started, |_| ())
        } else {
            Change::none(self).step(TaskEvent::Unlocked, |state| state.facts = free)
        }
    }

    fn block(&self) -> Change {
        Change::none(self).step(TaskEvent::Blocked, |state| {
            state.facts.open_dependencies = 1;
            state.episode = state.episode.saturating_add(1);
        })
    }
}
