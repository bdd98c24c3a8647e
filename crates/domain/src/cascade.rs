//! The date engine: from a template and a deal's circumstances to every key date and due date, in one pass.
//!
//! The same [`compute`] serves the dry run of a new deal, the applying of a plan, the preview of a move, the move itself
//! and every what-if: only what is done with the outcome differs. Counting a single rule is the business of
//! [`crate::dates`].

mod constraints;
mod diff;
mod explain;
mod forecast;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use time::{Date, Time};

use crate::{
    calendar::Calendars,
    dates::{DateError, is_countable, resolve},
    template::{Anchor, DateRule, Facts, Rule, RuleAnchor, Severity, TaskRule, Template},
    words::upper_snake_enum,
};

pub use self::{
    diff::{ChangeKind, DateChange, becomes_overdue, diff},
    explain::{DateExplanation, RuleSource, explain},
    forecast::{completion_warnings, forecast, next_instance},
};

upper_snake_enum! {
    /// Where a key date stands.
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
    /// Template tasks whose due date no longer follows its rule.
    pub held_tasks: BTreeMap<String, HeldTask>,
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
    /// It passed without what was due.
    Missed,
}

impl DateHold {
    /// Whether the date is over, so that a change of facts no longer drops it.
    const fn is_final(self) -> bool {
        match self {
            Self::Satisfied | Self::Waived | Self::Missed => true,
            Self::Pinned | Self::Extended => false,
        }
    }

    const fn state(self) -> KeyDateState {
        match self {
            Self::Pinned => KeyDateState::Scheduled,
            Self::Extended => KeyDateState::Extended,
            Self::Satisfied => KeyDateState::Satisfied,
            Self::Waived => KeyDateState::Waived,
            Self::Missed => KeyDateState::Missed,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Extended => "extended",
            Self::Satisfied => "satisfied",
            Self::Waived => "waived",
            Self::Missed => "missed",
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
    /// The tasks that apply, in the template's order.
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
    /// Where it stands.
    pub state: KeyDateState,
    /// Whether it was set by hand although it has a rule.
    pub pinned: bool,
    /// The rule that won; `None` for an anchor.
    pub rule: Option<Rule>,
    /// What the rule says now; differs from `date` where the value is kept.
    pub rule_date: Option<Date>,
    /// Why it keeps its value, if it does.
    pub held: Option<DateHold>,
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
    /// The rule that won.
    pub rule: Rule,
    /// What the rule says now; differs from `due` where the value is kept.
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
    /// This anchor has a date, which makes it pointless.
    Pointless {
        /// The anchor's key.
        anchor: String,
    },
}

/// Why, in a few words, as a reason for waiving the task in a running deal.
impl fmt::Display for Dropped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DoesNotApply => formatter.write_str("it does not apply to this deal"),
            Self::Pointless { anchor } => write!(formatter, "{anchor} is set"),
        }
    }
}

/// Dates that do not fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The key of the constraint, of the date that cannot be counted, or of the task that has too little time.
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
    /// The date from which those count that follow its completion: the true one, until then the due date.
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

/// Computes every date.
///
/// One pass in topological order: each date is counted from its anchor's value after that one's own roll. What is held
/// keeps its value and feeds it to those that follow. A date that cannot be counted is TBD and a violation says why.
#[must_use]
pub fn compute(
    template: &Template,
    circumstances: &Circumstances,
    calendars: &Calendars,
) -> PlannedDates {
    let dropped_tasks = dropped_tasks(template, circumstances);
    let mut pass = Pass {
        circumstances,
        calendars,
        dropped_tasks: &dropped_tasks,
        values: BTreeMap::new(),
        violations: Vec::new(),
    };
    let anchors: Vec<_> = template
        .anchors
        .iter()
        .map(|anchor| pass.anchor(template, anchor))
        .collect();
    let mut dates: BTreeMap<&str, PlannedDate> = BTreeMap::new();
    let mut tasks: BTreeMap<&str, PlannedTask> = BTreeMap::new();
    // A parsed template has no cycle; one built by hand that had would leave its dates out.
    for node in template.counting_graph().order().unwrap_or_default() {
        match &node {
            RuleAnchor::KeyDate(key) => {
                if let Some(rule) = template.date(key) {
                    dates.insert(&rule.key, pass.date(rule));
                }
            }
            RuleAnchor::Completion(key) => {
                if let Some(rule) = template
                    .task(key)
                    .filter(|_| !dropped_tasks.contains_key(key))
                {
                    tasks.insert(&rule.key, pass.task(rule));
                }
            }
        }
    }
    let uncountable = pass.violations;
    let waiting = template
        .graph()
        .without(&dropped_tasks.keys().cloned().collect());
    for task in tasks.values_mut() {
        task.depends_on = waiting.prerequisites(&task.key).cloned().collect();
    }
    let computed = template
        .dates
        .iter()
        .filter_map(|date| dates.remove(date.key.as_str()));
    let mut planned = PlannedDates {
        key_dates: anchors.into_iter().chain(computed).collect(),
        tasks: template
            .tasks
            .iter()
            .filter_map(|task| tasks.remove(task.key.as_str()))
            .collect(),
        dropped_tasks,
        violations: uncountable,
    };
    let violated = constraints::violated(template, &planned);
    let squeezed = forecast::squeezed(template, &planned, calendars);
    planned
        .violations
        .extend(violated.into_iter().chain(squeezed));
    planned
}

/// Finished tasks stay, whatever the facts say now.
fn dropped_tasks(template: &Template, circumstances: &Circumstances) -> BTreeMap<String, Dropped> {
    let is_finished = |task: &TaskRule| {
        circumstances
            .held_tasks
            .get(&task.key)
            .is_some_and(|held| held.why.finished_on().is_some())
    };
    let reason = |task: &TaskRule| {
        if !task
            .applies_when
            .iter()
            .all(|condition| condition.holds(&circumstances.facts))
        {
            return Some(Dropped::DoesNotApply);
        }
        let pointless = task
            .cancel_when_set
            .as_ref()
            .filter(|key| circumstances.anchors.contains_key(*key));
        pointless.map(|anchor| Dropped::Pointless {
            anchor: anchor.clone(),
        })
    };
    template
        .tasks
        .iter()
        .filter(|task| !is_finished(task))
        .filter_map(|task| reason(task).map(|reason| (task.key.clone(), reason)))
        .collect()
}

/// The state of one pass over the template.
struct Pass<'a> {
    circumstances: &'a Circumstances,
    calendars: &'a Calendars,
    dropped_tasks: &'a BTreeMap<String, Dropped>,
    values: BTreeMap<RuleAnchor, Value>,
    violations: Vec<Violation>,
}

/// What others count from.
#[derive(Clone, Copy)]
struct Value {
    date: Date,
    certainty: Certainty,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Certainty {
    Fixed,
    Estimate,
}

impl Pass<'_> {
    /// An anchor is an estimate until the task that fixes it is finished.
    fn anchor(&mut self, template: &Template, anchor: &Anchor) -> PlannedDate {
        let held = self.circumstances.held_dates.get(&anchor.key);
        let entered = self.circumstances.anchors.get(&anchor.key).copied();
        let date = held.map_or(entered, |held| held.date);
        let is_estimate = template.tasks.iter().any(|task| {
            let is_finished = || {
                self.circumstances
                    .held_tasks
                    .get(&task.key)
                    .is_some_and(|h| h.why.finished_on().is_some())
            };
            task.sets_anchor.as_ref() == Some(&anchor.key)
                && !self.dropped_tasks.contains_key(&task.key)
                && !is_finished()
        });
        let certainty = if is_estimate && held.is_none() {
            Certainty::Estimate
        } else {
            Certainty::Fixed
        };
        let date = self.countable(&anchor.key, date);
        self.remember(RuleAnchor::KeyDate(anchor.key.clone()), date, certainty);
        PlannedDate {
            key: anchor.key.clone(),
            title: anchor.title.clone(),
            date,
            time_of_day: None,
            state: held.map_or_else(|| state(date, certainty), |held| held.why.state()),
            pinned: false,
            rule: None,
            rule_date: None,
            held: held.map(|held| held.why),
            // What people entered themselves is no secret to the client.
            buyer_visible: true,
        }
    }

    fn date(&mut self, rule: &DateRule) -> PlannedDate {
        let held = self.circumstances.held_dates.get(&rule.key).copied();
        let applies = rule
            .applies_when
            .iter()
            .all(|condition| condition.holds(&self.circumstances.facts))
            || held.is_some_and(|held| held.why.is_final());
        let due = negotiated(rule, self.circumstances);
        let won = self.winning(&due, rule.fallback_due.as_ref()).clone();
        let counted = if applies {
            self.count(&rule.key, &won)
        } else {
            None
        };
        let held = held.filter(|_| applies);
        let rule_date = counted.map(|value| value.date);
        let date = held.map_or(rule_date, |held| held.date);
        let certainty = match held {
            Some(_) => Certainty::Fixed,
            None => counted.map_or(Certainty::Fixed, |value| value.certainty),
        };
        let date = self.countable(&rule.key, date);
        self.remember(RuleAnchor::KeyDate(rule.key.clone()), date, certainty);
        PlannedDate {
            key: rule.key.clone(),
            title: rule.title.clone(),
            date,
            time_of_day: rule.time_of_day,
            state: match held {
                _ if !applies => KeyDateState::NotApplicable,
                Some(held) => held.why.state(),
                None => state(date, certainty),
            },
            pinned: held
                .is_some_and(|held| matches!(held.why, DateHold::Pinned | DateHold::Extended)),
            rule: Some(won),
            rule_date,
            held: held.map(|held| held.why),
            buyer_visible: rule.buyer_visible,
        }
    }

    fn task(&mut self, rule: &TaskRule) -> PlannedTask {
        let held = self.circumstances.held_tasks.get(&rule.key).copied();
        let won = self.winning(&rule.due, rule.fallback_due.as_ref()).clone();
        let rule_date = self.count(&rule.key, &won).map(|value| value.date);
        let planned = PlannedTask {
            key: rule.key.clone(),
            title: rule.title.clone(),
            due: held.map_or(rule_date, |held| held.due),
            time_of_day: rule.time_of_day,
            rule: won,
            rule_date,
            held: held.map(|held| held.why),
            depends_on: BTreeSet::new(),
            buyer_visible: rule.buyer_visible,
        };
        let certainty = if planned.is_finished() {
            Certainty::Fixed
        } else {
            Certainty::Estimate
        };
        let finish = self.countable(&rule.key, planned.finish());
        self.remember(RuleAnchor::Completion(rule.key.clone()), finish, certainty);
        planned
    }

    /// The fallback serves when the first rule's anchor is dropped or TBD, and its own is not.
    fn winning<'r>(&self, due: &'r Rule, fallback: Option<&'r Rule>) -> &'r Rule {
        match fallback {
            Some(fallback)
                if !self.values.contains_key(&due.anchor)
                    && self.values.contains_key(&fallback.anchor) =>
            {
                fallback
            }
            _ => due,
        }
    }

    fn count(&mut self, key: &str, rule: &Rule) -> Option<Value> {
        let anchor = *self.values.get(&rule.anchor)?;
        match resolve(anchor.date, &rule.counting, self.calendars) {
            Ok(date) => Some(Value {
                date,
                certainty: anchor.certainty,
            }),
            Err(error) => {
                self.uncountable(key, &error);
                None
            }
        }
    }

    fn countable(&mut self, key: &str, date: Option<Date>) -> Option<Date> {
        let countable = date.filter(|date| is_countable(*date));
        if countable.is_none() && date.is_some() {
            self.uncountable(key, &DateError::OutOfRange);
        }
        countable
    }

    fn uncountable(&mut self, key: &str, error: &DateError) {
        let message = format!("{key} cannot be counted: {error}");
        self.violations.push(Violation {
            key: key.to_owned(),
            severity: Severity::Error,
            message,
        });
    }

    fn remember(&mut self, node: RuleAnchor, date: Option<Date>, certainty: Certainty) {
        if let Some(date) = date {
            self.values.insert(node, Value { date, certainty });
        }
    }
}

const fn state(date: Option<Date>, certainty: Certainty) -> KeyDateState {
    match (date, certainty) {
        (None, _) => KeyDateState::Tbd,
        (Some(_), Certainty::Estimate) => KeyDateState::Projected,
        (Some(_), Certainty::Fixed) => KeyDateState::Scheduled,
    }
}

/// The rule of a date with the day count that the parties agreed on, if they did.
fn negotiated(rule: &DateRule, circumstances: &Circumstances) -> Rule {
    let mut due = rule.due.clone();
    if let Some(offset_days) = circumstances.offset_days.get(&rule.key) {
        due.counting.offset_days = *offset_days;
    }
    due
}
