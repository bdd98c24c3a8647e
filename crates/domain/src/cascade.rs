//! The date engine: from a template and a deal's circumstances to every key date and due date, in one pass.
//!
//! The same [`compute`] serves the dry run of a new deal, the applying of a plan, the preview of a move, the move itself
//! and every what-if: only what is done with the outcome differs. Counting a single rule is the business of
//! [`crate::dates`].

mod constraints;
mod diff;
mod explain;
mod forecast;
mod key_date;
mod key_date_state;
mod make;
mod own;
mod pass;
mod revise;
mod running;
mod settle;
mod shift;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use time::{Date, Time};

use crate::{
    calendar::Calendars,
    dates::{DateError, resolve},
    template::{Facts, Rule, RuleAnchor, Severity},
    words::upper_snake_enum,
};

pub use self::{
    diff::{ChangeKind, DateChange, becomes_overdue, diff, reminder_changes},
    explain::{DateExplanation, RuleSource, explain},
    forecast::{completion_warnings, forecast, next_instance},
    key_date::KeyDate,
    key_date_state::{DueWork, Move, Standing, due_on, is_due_on_a_date, standing_after},
    make::{Making, make, make_next},
    own::{OwnTask, counting_graph},
    pass::compute,
    revise::{Revision, has_ceased, revise},
    running::{DateInputs, RunningPlan, beside_template, shift_days_of, task_hold},
    settle::{Because, Follow, Settled, Step, WorkingPlan},
    shift::{Shifting, shifted},
};

upper_snake_enum! {
    /// The state of a key date.
    KeyDateState {
        /// There is no date yet.
        Tbd = "TBD",
        /// There is one, but it rests on an estimate.
        Projected = "PROJECTED",
        /// It is fixed.
        Scheduled = "SCHEDULED",
        /// What was due is done.
        Satisfied = "SATISFIED",
        /// Nobody insists on it any more.
        Waived = "WAIVED",
        /// The parties agreed on a later date.
        Extended = "EXTENDED",
        /// It does not concern this deal.
        NotApplicable = "NOT_APPLICABLE",
        /// It passed without what was due.
        Missed = "MISSED",
    }
}

/// All that the dates of a deal depend on, beside its template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circumstances {
    /// What is known about the deal.
    pub facts: Facts,
    /// The anchors that have a date.
    pub anchors: BTreeMap<String, Date>,
    /// Negotiated day counts, by the key of the date; they replace the template's offset.
    pub offset_days: BTreeMap<String, i32>,
    /// Key dates that no longer follow their rule.
    pub held_dates: BTreeMap<String, HeldDate>,
    /// Tasks whose due date no longer follows its rule, by name.
    pub held_tasks: BTreeMap<String, HeldTask>,
    /// Calendar days that holds of the deal added to what the rules of tasks say, by the name of the task.
    pub shift_days: BTreeMap<String, u32>,
    /// Rules that somebody gave tasks of the template by hand, by the key of the task; they replace the template's.
    pub task_rules: BTreeMap<String, Rule>,
    /// The tasks of the deal that are not in its template.
    pub own_tasks: Vec<OwnTask>,
}

/// A key date that keeps its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldDate {
    /// The value it keeps.
    pub date: Option<Date>,
    /// Why.
    pub why: DateHold,
}

/// Why a key date keeps its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DateHold {
    /// Somebody set it by hand.
    Pinned,
    /// The parties agreed on it.
    Extended,
    /// What was due is done.
    Satisfied,
    /// Nobody insists on it any more.
    Waived,
}

impl DateHold {
    /// Whether the date is over, so that a change of facts no longer drops it.
    const fn is_final(self) -> bool {
        match self {
            Self::Satisfied | Self::Waived => true,
            Self::Pinned | Self::Extended => false,
        }
    }

    const fn state(self) -> KeyDateState {
        match self {
            Self::Pinned => KeyDateState::Scheduled,
            Self::Extended => KeyDateState::Extended,
            Self::Satisfied => KeyDateState::Satisfied,
            Self::Waived => KeyDateState::Waived,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Extended => "extended",
            Self::Satisfied => "satisfied",
            Self::Waived => "waived",
        }
    }
}

/// A task whose due date keeps its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldTask {
    /// The due date it keeps.
    pub due: Option<Date>,
    /// Why.
    pub why: TaskHold,
}

/// Why a task's due date keeps its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TaskHold {
    /// Somebody set it by hand.
    Pinned,
    /// The task was done on this date, from which dependents count.
    Completed(Date),
    /// The task was waived on this date, from which dependents count.
    Waived(Date),
}

impl TaskHold {
    const fn finished_on(self) -> Option<Date> {
        match self {
            Self::Completed(on) | Self::Waived(on) => Some(on),
            Self::Pinned => None,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Completed(_) => "completed",
            Self::Waived(_) => "waived",
        }
    }
}

/// Every date of a deal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedDates {
    /// The anchors, then the computed dates, in the template's order. Dates that do not apply are among them.
    pub key_dates: Vec<PlannedDate>,
    /// The tasks that apply, in the template's order, then those that are not in it.
    pub tasks: Vec<PlannedTask>,
    /// The tasks that do not apply, and why.
    pub dropped_tasks: BTreeMap<String, Dropped>,
    /// What does not fit together. It never refuses anything.
    pub violations: Vec<Violation>,
}

/// One key date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedDate {
    /// Its key.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Its value.
    pub date: Option<Date>,
    /// The time of day at which it ends, if not at the end of the day.
    pub time_of_day: Option<Time>,
    /// Its state.
    pub state: KeyDateState,
    /// Whether it was set by hand although it has a rule.
    pub pinned: bool,
    /// The rule that won; `None` for an anchor.
    pub rule: Option<Rule>,
    /// What the rule says now; differs from `date` where the value is kept.
    pub rule_date: Option<Date>,
    /// Why it keeps its value, if it does.
    pub held: Option<DateHold>,
    /// Whether the contract sets it.
    pub contractual: bool,
    /// Whether a regulation sets it.
    pub regulatory: bool,
    /// Whether the client sees it.
    pub buyer_visible: bool,
}

/// One task with its due date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTask {
    /// Its key.
    pub key: String,
    /// Its title.
    pub title: String,
    /// When it is due; `None` while that is unknown.
    pub due: Option<Date>,
    /// The time of day at which it is due, if not at the end of the day.
    pub time_of_day: Option<Time>,
    /// The rule that won; `None` for a task that is not in the template and follows none.
    pub rule: Option<Rule>,
    /// Calendar days that holds of the deal added to what the rule says.
    pub shift_days: u32,
    /// What the rule says now, with the days of holds; differs from `due` where the value is kept.
    pub rule_date: Option<Date>,
    /// Why it keeps its due date, if it does.
    pub held: Option<TaskHold>,
    /// What it waits for, after dropped tasks have left what they waited for to it.
    pub depends_on: BTreeSet<String>,
    /// Whether the client sees it.
    pub buyer_visible: bool,
}

/// Why a task does not apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dropped {
    /// Its conditions do not hold.
    DoesNotApply,
    /// The date is set, which makes the task pointless; or it ends a series before the task, an instance of it, is due.
    Pointless {
        /// The date's key.
        anchor: String,
    },
}

/// What follows the anchor's key in the reason for waiving a pointless task.
const IS_SET: &str = " is set";

impl Dropped {
    /// Whether this is the reason that waives a task which ceased to apply.
    fn is_reason(text: &str) -> bool {
        let is_key = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
        text == Self::DoesNotApply.to_string() || text.strip_suffix(IS_SET).is_some_and(is_key)
    }
}

/// Why, in a few words, as a reason for waiving the task in a running deal.
impl fmt::Display for Dropped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DoesNotApply => formatter.write_str("it does not apply to this deal"),
            Self::Pointless { anchor } => write!(formatter, "{anchor}{IS_SET}"),
        }
    }
}

/// Dates that do not fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The key of the constraint, of the date that cannot be counted or falls on a wrong day, of the task that has too
    /// little time, or the name of the fact that is not known.
    pub key: String,
    /// How bad it is.
    pub severity: Severity,
    /// What does not fit, in one sentence.
    pub message: String,
}

impl PlannedDates {
    /// The key date of this key.
    #[must_use]
    pub fn key_date(&self, key: &str) -> Option<&PlannedDate> {
        self.key_dates.iter().find(|date| date.key == key)
    }

    /// The task of this key, if it applies.
    #[must_use]
    pub fn task(&self, key: &str) -> Option<&PlannedTask> {
        self.tasks.iter().find(|task| task.key == key)
    }

    /// The keys of the tasks and dates that do not apply.
    pub fn dropped(&self) -> impl Iterator<Item = &str> {
        let dates = self
            .key_dates
            .iter()
            .filter(|date| date.state == KeyDateState::NotApplicable);
        self.dropped_tasks
            .keys()
            .map(String::as_str)
            .chain(dates.map(|date| date.key.as_str()))
    }

    /// The date that follows from a rule of a task that is not in the template; `None` while its anchor has no date.
    ///
    /// # Errors
    /// [`DateError`] where the date cannot be counted.
    pub fn evaluate(&self, rule: &Rule, calendars: &Calendars) -> Result<Option<Date>, DateError> {
        let anchor = match &rule.anchor {
            RuleAnchor::KeyDate(key) => self.key_date(key).and_then(|date| date.date),
            RuleAnchor::Completion(key) => self.task(key).and_then(PlannedTask::finish),
        };
        anchor
            .map(|anchor| resolve(anchor, &rule.counting, calendars))
            .transpose()
    }
}

impl PlannedTask {
    /// The date from which dates count that follow the task's completion: before the completion, its due date.
    #[must_use]
    pub fn finish(&self) -> Option<Date> {
        self.held.and_then(TaskHold::finished_on).or(self.due)
    }

    /// Whether it is completed or waived.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.held.is_some_and(|held| held.finished_on().is_some())
    }
}
