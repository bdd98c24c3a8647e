//! A task: its facts, its status, and the steps it may take.
//!
//! The status is never set: it is derived from the facts by [`status`] and stored beside them. Every step is a pure
//! function from a task to a [`Change`]: the new state and the transitions that led there, each of which raises the
//! version by one and is worth one audit row and one event. Locking, visibility and the state of the deal are the
//! caller's business.

mod chase;
mod create;
mod dependency;
mod due;
mod finish;
mod reopen;
mod rights;
mod stored;
#[cfg(test)]
mod tests;

use std::{fmt, ops::Deref};

use time::{Date, OffsetDateTime, Time};
use uuid::Uuid;

use crate::{party::PartyRole, rejection::Rejection, zone::Zone};

pub use self::{
    create::{DueEdit, NewTask, TaskEdit},
    dependency::Prerequisite,
    finish::Completing,
    reopen::{Dependents, reopen},
    rights::{Actor, may_complete, may_see},
    stored::{Details, StoredTask},
};

/// The status of a task. Written `UPPER_SNAKE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskStatus {
    /// Waits for other tasks.
    Blocked,
    /// Could be done, by nobody yet.
    Pending,
    /// Could be done, and somebody is on it.
    InProgress,
    /// Open although its due instant has passed; it may be blocked as well.
    Overdue,
    /// Done.
    Completed,
    /// Will not be done, and nobody has to wait for it.
    Waived,
}

impl TaskStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [
        Self::Blocked,
        Self::Pending,
        Self::InProgress,
        Self::Overdue,
        Self::Completed,
        Self::Waived,
    ];

    /// The status as it is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "BLOCKED",
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::Overdue => "OVERDUE",
            Self::Completed => "COMPLETED",
            Self::Waived => "WAIVED",
        }
    }

    /// Reads a stored status; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether the task is finished: completed or waived. Nobody waits for a finished task.
    #[must_use]
    pub const fn is_done(self) -> bool {
        match self {
            Self::Completed | Self::Waived => true,
            Self::Blocked | Self::Pending | Self::InProgress | Self::Overdue => false,
        }
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// What the status of a task is derived from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFacts {
    /// The user who is to do it.
    pub assignee_id: Option<Uuid>,
    /// Its completion.
    pub completed: Option<Completion>,
    /// Its waiver.
    pub waived: Option<Waiver>,
    /// How many tasks that it waits for are unfinished.
    pub open_dependencies: u32,
    /// Whether its due instant has passed, as last recorded.
    pub due_passed: bool,
}

/// That a task was completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Who completed it.
    pub by: Uuid,
    /// When that was recorded.
    pub at: OffsetDateTime,
    /// The date on which it was really done; dependents count from this.
    pub on: Date,
}

/// That a task was waived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// Who waived it.
    pub by: Uuid,
    /// When that was recorded.
    pub at: OffsetDateTime,
    /// Why.
    pub reason: String,
}

/// The status that follows from the facts; the first that fits, in this order.
#[must_use]
pub const fn status(facts: &TaskFacts) -> TaskStatus {
    if facts.waived.is_some() {
        TaskStatus::Waived
    } else if facts.completed.is_some() {
        TaskStatus::Completed
    } else if facts.due_passed {
        TaskStatus::Overdue
    } else if facts.open_dependencies > 0 {
        TaskStatus::Blocked
    } else if facts.assignee_id.is_some() {
        TaskStatus::InProgress
    } else {
        TaskStatus::Pending
    }
}

/// When a task is due: a date in the deal's time zone, with or without a time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Due {
    /// The day.
    pub date: Date,
    /// The time of day; without one the whole day counts.
    pub time_of_day: Option<Time>,
}

impl Due {
    /// Due on this day, until its end.
    #[must_use]
    pub const fn on(date: Date) -> Self {
        Self {
            date,
            time_of_day: None,
        }
    }
}

/// The instant at which a step is taken, and the deal's circumstances that it depends on.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    /// Now.
    pub now: OffsetDateTime,
    /// The deal's time zone.
    pub zone: &'a Zone,
    /// Whether deadlines run or are paused by a hold.
    pub deadlines: Deadlines,
}

impl Moment<'_> {
    /// The date that it is for the deal.
    #[must_use]
    pub fn today(&self) -> Date {
        self.zone.local_date(self.now)
    }
}

/// Whether a deal's deadlines run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deadlines {
    /// As usual.
    Running,
    /// The deal is on hold: nothing becomes overdue.
    Paused,
}

/// The plain data of a task, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskState {
    /// The task.
    pub id: Uuid,
    /// The deal it belongs to.
    pub deal_id: Uuid,
    /// The milestone it counts for, if any.
    pub milestone_id: Option<Uuid>,
    /// The template's key, if it came from a template.
    pub key: Option<String>,
    /// What is to be done.
    pub title: String,
    /// More about it.
    pub description: Option<String>,
    /// The part that owns it.
    pub owner_role: Option<PartyRole>,
    /// When it is due.
    pub due: Option<Due>,
    /// Whether the due date was set by hand and so no longer follows its rule.
    pub due_pinned: bool,
    /// Calendar days that holds of the deal added to what its rule says. None on a pinned date, which moved itself.
    pub shift_days: u32,
    /// Whether the deal cannot be closed without it.
    pub required: bool,
    /// Whether the client sees it.
    pub buyer_visible: bool,
    /// What the status is derived from.
    pub facts: TaskFacts,
    /// How often it has begun to wait: 1 at creation, plus 1 at each re-blocking.
    pub episode: u32,
    /// The stored result of [`status`].
    pub status: TaskStatus,
    /// The version, counted from 1.
    pub version: i64,
}

impl TaskState {
    /// Whether it waits for other tasks. An overdue task may be blocked as well; a finished one is not.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        self.facts.open_dependencies > 0 && !self.status.is_done()
    }

    /// Whether it is open and its due instant has passed.
    #[must_use]
    pub const fn is_overdue(&self) -> bool {
        matches!(self.status, TaskStatus::Overdue)
    }

    /// Whether it was done after its due date.
    #[must_use]
    pub fn is_completed_late(&self) -> bool {
        match (&self.facts.completed, self.due) {
            (Some(completion), Some(due)) => completion.on > due.date,
            _ => false,
        }
    }

    /// The instant from which it is overdue; `None` without a due date. `zone` is the deal's.
    #[must_use]
    pub fn due_at(&self, zone: &Zone) -> Option<OffsetDateTime> {
        let due = self.due?;
        zone.overdue_from(due.date, due.time_of_day).ok()
    }

    /// Whether work on it has begun: it is finished, or it could be done and somebody is on it.
    #[must_use]
    pub const fn is_started(&self) -> bool {
        self.status.is_done()
            || (self.facts.open_dependencies == 0 && self.facts.assignee_id.is_some())
    }
}

/// A task whose state is consistent. It can be read like a [`TaskState`] but changed only by the steps of this module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task(TaskState);

/// Why a stored task cannot be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("task {id} is inconsistent: {why}")]
pub struct InvalidTask {
    /// The task.
    pub id: Uuid,
    /// What does not fit.
    pub why: &'static str,
}

impl Task {
    /// Rebuilds a task from storage.
    ///
    /// # Errors
    /// [`InvalidTask`] if the stored state is one that no step leads to.
    pub fn restore(state: TaskState) -> Result<Self, InvalidTask> {
        let broken = [
            (state.title.trim().is_empty(), "it has no title"),
            (state.version < 1, "its version is below 1"),
            (state.episode < 1, "its episode is below 1"),
            (
                state.facts.completed.is_some() && state.facts.waived.is_some(),
                "it is both completed and waived",
            ),
            (
                state.facts.due_passed && state.due.is_none(),
                "it is overdue without a due date",
            ),
            (
                state.due_pinned && state.shift_days > 0,
                "its due date is pinned and yet follows a rule with a shift",
            ),
            (
                state.status != status(&state.facts),
                "its status does not follow from its facts",
            ),
        ];
        match broken.into_iter().find(|(is_broken, _)| *is_broken) {
            Some((_, why)) => Err(InvalidTask { id: state.id, why }),
            None => Ok(Self(state)),
        }
    }

    /// The plain data, for storing.
    #[must_use]
    pub fn into_state(self) -> TaskState {
        self.0
    }
}

impl Deref for Task {
    type Target = TaskState;

    fn deref(&self) -> &TaskState {
        &self.0
    }
}

/// What happened to a task. Written `snake_case`, as the last part of the event's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskEvent {
    /// Created.
    Created,
    /// Its fields or its dependencies changed.
    Updated,
    /// Its assignee was set or removed.
    Assigned,
    /// Somebody asked for it.
    Chased,
    /// It came free while somebody was assigned, so work begins.
    Started,
    /// The last task it waited for was finished.
    Unlocked,
    /// It has to wait again.
    Blocked,
    /// It was done.
    Completed,
    /// It will not be done.
    Waived,
    /// It is to be done after all, or again.
    Reopened,
    /// Its due instant passed.
    Overdue,
    /// It was removed before anybody started it.
    Deleted,
}

impl TaskEvent {
    /// Every event of a task.
    pub const ALL: [Self; 12] = [
        Self::Created,
        Self::Updated,
        Self::Assigned,
        Self::Chased,
        Self::Started,
        Self::Unlocked,
        Self::Blocked,
        Self::Completed,
        Self::Waived,
        Self::Reopened,
        Self::Overdue,
        Self::Deleted,
    ];

    /// The last part of the event's name (`tasks.task.completed`).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Assigned => "assigned",
            Self::Chased => "chased",
            Self::Started => "started",
            Self::Unlocked => "unlocked",
            Self::Blocked => "blocked",
            Self::Completed => "completed",
            Self::Waived => "waived",
            Self::Reopened => "reopened",
            Self::Overdue => "overdue",
            Self::Deleted => "deleted",
        }
    }
}

/// One step of a task: one version, one audit row, one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskTransition {
    /// What happened.
    pub event: TaskEvent,
    /// The state before; `None` at creation.
    pub before: Option<TaskState>,
    /// The state after. In a chain of steps its status may be one that the task only passes through.
    pub after: TaskState,
}

/// The outcome of a step: the state to save and the transitions to record.
///
/// There may be no transition although the state differs (one of several prerequisites was finished), and there may be
/// neither (the step was taken already).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The state after all transitions.
    pub task: Task,
    /// What to record, in order.
    pub transitions: Vec<TaskTransition>,
}

impl Change {
    /// The same task, nothing to record.
    #[must_use]
    pub fn none(task: &Task) -> Self {
        Self {
            task: task.clone(),
            transitions: Vec::new(),
        }
    }

    /// Takes one step: `alter` changes the facts, the status follows, the version rises by one.
    fn step(self, event: TaskEvent, alter: impl FnOnce(&mut TaskState)) -> Self {
        self.record(event, alter, |state| status(&state.facts))
    }

    /// Takes one step on the way to another, with the status that the task passes through.
    fn pass_through(
        self,
        event: TaskEvent,
        on_the_way: TaskStatus,
        alter: impl FnOnce(&mut TaskState),
    ) -> Self {
        self.record(event, alter, |_| on_the_way)
    }

    fn record(
        mut self,
        event: TaskEvent,
        alter: impl FnOnce(&mut TaskState),
        derive: impl FnOnce(&TaskState) -> TaskStatus,
    ) -> Self {
        let before = self.task.0;
        let mut after = before.clone();
        alter(&mut after);
        after.status = derive(&after);
        after.version = before.version.saturating_add(1);
        self.transitions.push(TaskTransition {
            event,
            before: Some(before),
            after: after.clone(),
        });
        self.task = Task(after);
        self
    }

    /// Changes facts that no transition records: counts that leave the status as it is.
    fn quietly(mut self, alter: impl FnOnce(&mut TaskState)) -> Self {
        alter(&mut self.task.0);
        self
    }

    /// Goes on with a further step on the outcome of this one.
    #[must_use]
    pub fn then(self, step: impl FnOnce(&Task) -> Self) -> Self {
        let next = step(&self.task);
        self.and(next)
    }

    /// As [`Change::then`], for a step that may be refused.
    ///
    /// # Errors
    /// The step's own rejection.
    pub fn try_then(
        self,
        step: impl FnOnce(&Task) -> Result<Self, Rejection>,
    ) -> Result<Self, Rejection> {
        let next = step(&self.task)?;
        Ok(self.and(next))
    }

    fn and(mut self, next: Self) -> Self {
        self.transitions.extend(next.transitions);
        Self {
            task: next.task,
            transitions: self.transitions,
        }
    }
}
