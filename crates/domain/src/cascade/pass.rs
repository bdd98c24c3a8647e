//! The one pass over a template that computes every date.

use std::collections::{BTreeMap, BTreeSet};

use time::Date;

use super::{
    Circumstances, DateHold, Dropped, KeyDateState, OwnTask, PlannedDate, PlannedDates,
    PlannedTask, Violation, constraints, counting_graph, forecast, own, shifted,
};
use crate::{
    calendar::Calendars,
    dates::{Counting, DateError, Explanation, count, count_safely, is_countable},
    template::{Anchor, DateRule, Rule, RuleAnchor, Severity, TaskRule, Template},
};

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
        lost: BTreeSet::new(),
        violations: Vec::new(),
    };
    let anchors: Vec<_> = template
        .anchors
        .iter()
        .map(|anchor| pass.anchor(template, anchor))
        .collect();
    let mut dates: BTreeMap<&str, PlannedDate> = BTreeMap::new();
    let mut tasks: BTreeMap<&str, PlannedTask> = BTreeMap::new();
    let own_tasks = circumstances.own_tasks.iter();
    let own_tasks: BTreeMap<&str, &OwnTask> =
        own_tasks.map(|own| (own.name.as_str(), own)).collect();
    // A parsed template has no cycle, and no rule given by hand closes one; what had one would be left out.
    let order = counting_graph(template, circumstances).order();
    for node in order.unwrap_or_default() {
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
                } else if let Some(own) = own_tasks.get(key.as_str()) {
                    tasks.insert(&own.name, pass.own_task(own));
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
            .map(|task| task.key.as_str())
            .chain(circumstances.own_tasks.iter().map(|own| own.name.as_str()))
            .filter_map(|name| tasks.remove(name))
            .collect(),
        dropped_tasks,
        violations: uncountable,
    };
    own::end_series(template, circumstances, &mut planned);
    let mut found = constraints::violated(template, &planned);
    found.extend(forecast::squeezed(template, &planned, calendars));
    found.extend(constraints::off_business_days(
        template, &planned, calendars,
    ));
    found.extend(constraints::against_regulation(&planned));
    found.extend(constraints::unknown_words(template, &circumstances.facts));
    planned.violations.extend(found);
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
    /// What has no date because it, or what it is counted from, cannot be counted. Each has its violation.
    lost: BTreeSet<RuleAnchor>,
    violations: Vec<Violation>,
}

/// What others count from.
#[derive(Clone, Copy)]
struct Value {
    date: Date,
    certainty: Certainty,
}

/// [`count`] or [`count_safely`].
type Count = fn(Date, &Counting, &Calendars) -> Result<Explanation, DateError>;

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
        let node = RuleAnchor::KeyDate(anchor.key.clone());
        let date = self.countable(&node, date);
        self.remember(node, date, certainty);
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
            contractual: false,
            regulatory: false,
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
        let node = RuleAnchor::KeyDate(rule.key.clone());
        let counted = match (applies, rule.regulatory) {
            (false, _) => None,
            (true, true) => self.count(&node, &won, count_safely),
            (true, false) => self.count(&node, &won, count),
        };
        let held = held.filter(|_| applies);
        let rule_date = counted.map(|value| value.date);
        let date = held.map_or(rule_date, |held| held.date);
        let certainty = match held {
            Some(_) => Certainty::Fixed,
            None => counted.map_or(Certainty::Fixed, |value| value.certainty),
        };
        let date = self.countable(&node, date);
        self.remember(node, date, certainty);
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
            contractual: rule.contractual,
            regulatory: rule.regulatory,
            buyer_visible: rule.buyer_visible,
        }
    }

    fn task(&mut self, rule: &TaskRule) -> PlannedTask {
        let held = self.circumstances.held_tasks.get(&rule.key).copied();
        let by_hand = self.circumstances.task_rules.get(&rule.key);
        let won = by_hand
            .unwrap_or_else(|| self.winning(&rule.due, rule.fallback_due.as_ref()))
            .clone();
        let shift_days = self.shift_days(&rule.key);
        let node = RuleAnchor::Completion(rule.key.clone());
        let counted = self.count(&node, &won, count).map(|value| value.date);
        let rule_date = counted.and_then(|date| shifted(date, shift_days));
        if counted.is_some() && rule_date.is_none() {
            self.lose(&node, &DateError::OutOfRange);
        }
        let planned = PlannedTask {
            key: rule.key.clone(),
            title: rule.title.clone(),
            due: held.map_or(rule_date, |held| held.due),
            time_of_day: rule.time_of_day,
            rule: Some(won),
            shift_days,
            rule_date,
            held: held.map(|held| held.why),
            depends_on: BTreeSet::new(),
            buyer_visible: rule.buyer_visible,
        };
        self.remember_task(&planned);
        planned
    }

    /// A rule that cannot be counted leaves the task without a date, as a template's would.
    fn own_task(&mut self, own: &OwnTask) -> PlannedTask {
        let held = self.circumstances.held_tasks.get(&own.name).copied();
        let shift_days = self.shift_days(&own.name);
        let node = RuleAnchor::Completion(own.name.clone());
        let counted = own
            .rule
            .as_ref()
            .and_then(|rule| self.count(&node, rule, count));
        let rule_date = counted
            .and_then(|value| own::moved(value.date, own.days_after))
            .and_then(|date| shifted(date, shift_days));
        let due = if own.rule.is_some() {
            rule_date
        } else {
            own.due
        };
        let planned = PlannedTask {
            key: own.name.clone(),
            title: own.title.clone(),
            due: held.map_or(due, |held| held.due),
            time_of_day: own.time_of_day,
            rule: own.rule.clone(),
            shift_days,
            rule_date,
            held: held.map(|held| held.why),
            depends_on: BTreeSet::new(),
            buyer_visible: own.buyer_visible,
        };
        self.remember_task(&planned);
        planned
    }

    /// Calendar days that holds of the deal added to what the rule of this task says.
    fn shift_days(&self, name: &str) -> u32 {
        let days = self.circumstances.shift_days.get(name).copied();
        days.unwrap_or_default()
    }

    fn remember_task(&mut self, planned: &PlannedTask) {
        let certainty = if planned.is_finished() {
            Certainty::Fixed
        } else {
            Certainty::Estimate
        };
        let node = RuleAnchor::Completion(planned.key.clone());
        let finish = self.countable(&node, planned.finish());
        self.remember(node, finish, certainty);
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

    fn count(&mut self, node: &RuleAnchor, rule: &Rule, count: Count) -> Option<Value> {
        let Some(anchor) = self.values.get(&rule.anchor).copied() else {
            if self.lost.contains(&rule.anchor) {
                self.lose(node, &DateError::OutOfRange);
            }
            return None;
        };
        match count(anchor.date, &rule.counting, self.calendars) {
            Ok(counted) => Some(Value {
                date: counted.result,
                certainty: anchor.certainty,
            }),
            Err(error) => {
                self.lose(node, &error);
                None
            }
        }
    }

    fn countable(&mut self, node: &RuleAnchor, date: Option<Date>) -> Option<Date> {
        let countable = date.filter(|date| is_countable(*date));
        if countable.is_none() && date.is_some() {
            self.lose(node, &DateError::OutOfRange);
        }
        countable
    }

    fn lose(&mut self, node: &RuleAnchor, error: &DateError) {
        let key = node.key();
        // A task that was added by hand is named by its id.
        let own = self.circumstances.own_tasks.iter();
        let title = own.filter(|own| own.name == key).map(|own| &*own.title);
        let called = title.into_iter().next().unwrap_or(key);
        let message = format!("{called} cannot be counted: {error}");
        self.violations.push(Violation {
            key: key.to_owned(),
            severity: Severity::Error,
            message,
        });
        self.lost.insert(node.clone());
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
