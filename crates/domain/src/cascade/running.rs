//! The plan of a deal as it runs: its template, facts, dates and tasks, and every date that follows from them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use time::Date;

use super::{
    Circumstances, DateHold, DueWork, HeldDate, HeldTask, KeyDate, KeyDateState, Move, OwnTask,
    PlannedDates, Standing, TaskHold, compute, counting_graph, due_on, has_ceased, standing_after,
};
use crate::{
    calendar::Calendars,
    plan::Graph,
    task::{Moment, StoredTask, TaskState},
    template::{Facts, Rule, RuleAnchor, TaskRule, Template},
    zone::Zone,
};

/// New dates by key. `None` clears an anchor's date, and lets a computed date follow its rule again.
pub type DateInputs = BTreeMap<String, Option<Date>>;

/// The plan of a deal. Everything that its dates follow from.
#[derive(Clone, Debug)]
pub struct RunningPlan {
    /// What it was made from.
    pub template: Arc<Template>,
    /// What is known about the deal.
    pub facts: Facts,
    /// What dates are counted with.
    pub calendars: Calendars,
    /// The key dates as they are stored, in the template's order.
    pub key_dates: Vec<KeyDate>,
    /// The dates that somebody sets now; they are not among `key_dates` yet.
    pub inputs: DateInputs,
    /// Its tasks, as far as the caller may see them.
    pub tasks: Vec<StoredTask>,
    /// Calendar days that holds added to what the rules of tasks say, by [`StoredTask::name`].
    pub shift_days: BTreeMap<String, u32>,
}

/// The days of holds of the tasks that have any, by their names.
#[must_use]
pub fn shift_days_of(tasks: &[StoredTask]) -> BTreeMap<String, u32> {
    let shifted = tasks.iter().filter(|stored| stored.task.shift_days > 0);
    shifted
        .map(|stored| (stored.name(), stored.task.shift_days))
        .collect()
}

impl RunningPlan {
    /// All dates as they follow from what is known.
    #[must_use]
    pub fn compute(&self, zone: &Zone) -> PlannedDates {
        compute(&self.template, &self.circumstances(zone), &self.calendars)
    }

    /// What counts from what, as it is.
    #[must_use]
    pub fn counting_graph(&self, zone: &Zone) -> Graph<RuleAnchor> {
        counting_graph(&self.template, &self.circumstances(zone))
    }

    /// The task of this name.
    #[must_use]
    pub fn task(&self, name: &str) -> Option<&StoredTask> {
        self.tasks.iter().find(|stored| match &stored.task.key {
            Some(key) => key == name,
            None => stored.task.id.to_string() == name,
        })
    }

    /// The stored key date of this key.
    #[must_use]
    pub fn key_date(&self, key: &str) -> Option<&KeyDate> {
        self.key_dates.iter().find(|date| date.key == key)
    }

    /// What waits for what among the template's tasks that apply and are in the deal or `wanted`; what waited for
    /// another one waits for what that one waited for.
    #[must_use]
    pub fn waiting(&self, planned: &PlannedDates, wanted: &BTreeSet<String>) -> Graph<String> {
        let is_there = |key: &str| wanted.contains(key) || self.task(key).is_some();
        let graph = self.template.graph();
        let absent = graph
            .nodes()
            .filter(|key| planned.task(key).is_none() || !is_there(key))
            .cloned()
            .collect();
        graph.without(&absent)
    }

    /// The key dates after a computation, each with its state by then. Dates set by hand count as extensions once the
    /// deal `has_begun`.
    #[must_use]
    pub fn key_dates_after(
        &self,
        planned: &PlannedDates,
        has_begun: bool,
        moment: &Moment<'_>,
    ) -> Vec<KeyDate> {
        let dates = planned.key_dates.iter().map(|date| {
            let mut after = KeyDate::of(date);
            if let Some(before) = self.key_date(&date.key) {
                let is_moved = matches!(self.inputs.get(&date.key), Some(Some(_)));
                let moved = if has_begun && is_moved {
                    Move::ByHand
                } else {
                    Move::None
                };
                let standing = Standing {
                    state: before.state,
                    date: before.date,
                };
                let work = self.work_due_on(&date.key);
                after.state = standing_after(date, standing, moved, work, moment);
                // Finished work keeps the value; that it was set by hand counts again when the work is reopened.
                after.pinned |= before.pinned && work.hold().is_some();
            }
            after
        });
        dates.collect()
    }

    /// Calendar days from the date of this rule to the task's due date: for a later instance its offset in the series,
    /// else 0. `None` if the series' rule gave no date when the task was made.
    #[must_use]
    pub fn days_after(&self, stored: &StoredTask, rule: &Rule) -> Option<i64> {
        let series = stored.details.template_fields.series.as_ref();
        let first = first_of_series(stored).and_then(|first| self.template.task(first));
        match (series, first) {
            (Some(series), Some(first)) if is_of_template(rule, first) => series.days_after(),
            _ => Some(0),
        }
    }

    /// What the dates are computed from.
    #[must_use]
    pub fn circumstances(&self, zone: &Zone) -> Circumstances {
        let mut circumstances = Circumstances {
            facts: self.facts.clone(),
            shift_days: self.shift_days.clone(),
            ..Circumstances::default()
        };
        for date in &self.key_dates {
            if date.is_anchor {
                if let Some(value) = date.date {
                    circumstances.anchors.insert(date.key.clone(), value);
                }
            } else if let Some(why) = self.work_due_on(&date.key).hold().or(hold(date)) {
                let held = HeldDate {
                    date: date.date,
                    why,
                };
                circumstances.held_dates.insert(date.key.clone(), held);
            }
        }
        for (key, value) in &self.inputs {
            self.set(&mut circumstances, key, *value);
        }
        for stored in &self.tasks {
            self.hold_task(&mut circumstances, stored, zone);
        }
        circumstances
    }

    fn set(&self, circumstances: &mut Circumstances, key: &str, value: Option<Date>) {
        let is_anchor = self.template.anchor(key).is_some();
        match (is_anchor, value) {
            (true, Some(date)) => {
                circumstances.anchors.insert(key.to_owned(), date);
            }
            (true, None) => {
                circumstances.anchors.remove(key);
            }
            (false, Some(date)) => {
                let held = HeldDate {
                    date: Some(date),
                    why: DateHold::Pinned,
                };
                circumstances.held_dates.insert(key.to_owned(), held);
            }
            (false, None) => {
                circumstances.held_dates.remove(key);
            }
        }
    }

    fn hold_task(&self, circumstances: &mut Circumstances, stored: &StoredTask, zone: &Zone) {
        let (task, name) = (&stored.task, stored.name());
        // A task that ceased to apply is as if it had never been done; when it comes back, a day set by hand stays.
        let hold = if has_ceased(task) {
            task.due_pinned.then_some(TaskHold::Pinned)
        } else {
            task_hold(task, zone)
        };
        if let Some(why) = hold {
            let due = task.due.map(|due| due.date);
            let held = HeldTask { due, why };
            circumstances.held_tasks.insert(name.clone(), held);
        }
        match self.template.task(&name) {
            Some(rule) => {
                let by_hand = rule_by_hand(stored, rule);
                circumstances
                    .task_rules
                    .extend(by_hand.map(|rule| (name, rule)));
            }
            None => circumstances.own_tasks.push(self.own_task(stored, name)),
        }
    }

    /// A task that the template does not have: added by hand, or an instance of repeating work.
    fn own_task(&self, stored: &StoredTask, name: String) -> OwnTask {
        let task = &stored.task;
        let rule = stored.details.due_rule.as_ref();
        let days_after = rule.and_then(|rule| self.days_after(stored, rule));
        OwnTask {
            title: task.title.clone(),
            rule: rule.filter(|_| days_after.is_some()).cloned(),
            days_after: days_after.unwrap_or_default(),
            due: task.due.map(|due| due.date),
            time_of_day: task.due.and_then(|due| due.time_of_day),
            series: first_of_series(stored).map(str::to_owned),
            buyer_visible: task.buyer_visible,
            name,
        }
    }

    /// How far the work is that is due on a key date itself.
    fn work_due_on(&self, key: &str) -> DueWork {
        let tasks = due_on(&self.template, key).filter_map(|rule| self.task(&rule.key));
        DueWork::of(tasks.map(|stored| &*stored.task))
    }
}

/// How many of a deal's tasks are not the template's: added by hand, or later instances of repeating work.
#[must_use]
pub fn beside_template(tasks: &[StoredTask]) -> usize {
    let is_beside = |stored: &&StoredTask| {
        let series = stored.details.template_fields.series.as_ref();
        stored.task.key.is_none() || series.is_some_and(|series| series.instance.is_some())
    };
    tasks.iter().filter(is_beside).count()
}

/// The key of the template's task that begins the series which this one belongs to.
pub(super) fn first_of_series(stored: &StoredTask) -> Option<&str> {
    let series = stored.details.template_fields.series.as_ref()?;
    match &series.instance {
        Some(instance) => Some(&instance.first),
        None => stored.task.key.as_deref(),
    }
}

/// The rule that somebody gave a task of the template, if it is not the template's.
fn rule_by_hand(stored: &StoredTask, of_template: &TaskRule) -> Option<Rule> {
    let rule = stored.details.due_rule.as_ref();
    rule.filter(|rule| !is_of_template(rule, of_template))
        .cloned()
}

fn is_of_template(rule: &Rule, of_template: &TaskRule) -> bool {
    *rule == of_template.due || Some(rule) == of_template.fallback_due.as_ref()
}

/// Why a task keeps its due date, if it does.
#[must_use]
pub fn task_hold(task: &TaskState, zone: &Zone) -> Option<TaskHold> {
    let facts = &task.facts;
    let completed = facts
        .completed
        .as_ref()
        .map(|done| TaskHold::Completed(done.on));
    let waived = facts.waived.as_ref();
    let waived = waived.map(|waiver| TaskHold::Waived(zone.local_date(waiver.at)));
    let pinned = task.due_pinned.then_some(TaskHold::Pinned);
    completed.or(waived).or(pinned)
}

/// Why a stored date keeps its value whatever the work due on it, if it does.
fn hold(date: &KeyDate) -> Option<DateHold> {
    match date.state {
        KeyDateState::Extended => Some(DateHold::Extended),
        KeyDateState::Tbd
        | KeyDateState::Projected
        | KeyDateState::Scheduled
        | KeyDateState::Satisfied
        | KeyDateState::Waived
        | KeyDateState::NotApplicable
        | KeyDateState::Missed => date.pinned.then_some(DateHold::Pinned),
    }
}
