//! What the date engine is told of a deal: its anchors, and what keeps its date and why.

use domain::{
    cascade::{
        Circumstances, DateHold, DueWork, HeldDate, HeldTask, KeyDateState, OwnTask, TaskHold,
        due_on, has_ceased,
    },
    task::TaskState,
    template::{Rule, TaskRule},
    zone::Zone,
};
use serde_json::Value;
use time::Date;

use super::{DateInputs, Ground, task_name};
use crate::{
    repository::{
        key_dates::KeyDate,
        tasks::{Details, StoredTask},
    },
    rules,
};

impl Ground {
    /// What the engine is told.
    pub(crate) fn circumstances(&self, zone: &Zone, inputs: &DateInputs) -> Circumstances {
        let mut circumstances = Circumstances {
            facts: self.basis.facts.clone(),
            shift_days: self.shift_days.clone(),
            ..Circumstances::default()
        };
        for date in &self.key_dates.dates {
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
        for (key, value) in inputs {
            self.set(&mut circumstances, key, *value);
        }
        for stored in &self.tasks {
            let (task, name) = (&stored.task, task_name(stored));
            // A task that ceased to apply is as if it had never been done; when it comes back, a day set by hand stays.
            let hold = if has_ceased(task) {
                task.due_pinned.then_some(TaskHold::Pinned)
            } else {
                task_hold(task, zone)
            };
            if let Some(why) = hold {
                let due = task.due.map(|due| due.date);
                circumstances
                    .held_tasks
                    .insert(name.clone(), HeldTask { due, why });
            }
            match self.basis.template.task(&name) {
                Some(rule) => {
                    let by_hand = rule_by_hand(stored, rule);
                    circumstances
                        .task_rules
                        .extend(by_hand.map(|rule| (name, rule)));
                }
                None => circumstances.own_tasks.push(self.own_task(stored, name)),
            }
        }
        circumstances
    }

    fn set(&self, circumstances: &mut Circumstances, key: &str, value: Option<Date>) {
        let is_anchor = self.basis.template.anchor(key).is_some();
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

    /// A task that the template does not have: added by hand, or an instance of repeating work.
    fn own_task(&self, stored: &StoredTask, name: String) -> OwnTask {
        let task = &stored.task;
        let rule = stored.details.due_rule.as_ref();
        let rule = rule.and_then(rules::from_json);
        let days_after = rule.as_ref().and_then(|rule| self.days_after(stored, rule));
        OwnTask {
            title: task.title.clone(),
            rule: rule.filter(|_| days_after.is_some()),
            days_after: days_after.unwrap_or_default(),
            due: task.due.map(|due| due.date),
            time_of_day: task.due.and_then(|due| due.time_of_day),
            series: Series::of(task, &stored.details).map(|series| series.first),
            buyer_visible: task.buyer_visible,
            name,
        }
    }

    /// Calendar days from what this rule says to when the task is due: some where it repeats another one by the rule of
    /// its series, else 0. `None` where the rule of the series said nothing when the task was made.
    pub(crate) fn days_after(&self, stored: &StoredTask, rule: &Rule) -> Option<i64> {
        let series = Series::of(&stored.task, &stored.details);
        let first = series
            .as_ref()
            .and_then(|series| self.basis.template.task(&series.first));
        match (series, first) {
            (Some(series), Some(first)) if is_of_template(rule, first) => series.days_after,
            _ => Some(0),
        }
    }

    /// How far the work is that is due on a key date itself.
    pub(super) fn work_due_on(&self, key: &str) -> DueWork {
        let tasks = due_on(&self.basis.template, key).filter_map(|rule| self.task(&rule.key));
        DueWork::of(tasks.map(|stored| &*stored.task))
    }
}

/// Where an instance of repeating work is in its series, as its row says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Series {
    /// The key of the template's task that it repeats.
    pub(crate) first: String,
    /// The how-manieth it is, from 1.
    pub(crate) instance: u64,
    /// Calendar days from what the rule of the first says to this one; `None` where the rule said nothing.
    pub(crate) days_after: Option<i64>,
}

impl Series {
    /// Of an instance, or of a task of the template that repeats; `None` for all others.
    pub(crate) fn of(task: &TaskState, details: &Details) -> Option<Self> {
        let fields = &details.template_fields["recurrence"];
        if !fields.is_object() {
            return None;
        }
        Some(Self {
            first: fields["first"].as_str().or(task.key.as_deref())?.to_owned(),
            instance: fields["instance"].as_u64().unwrap_or(1),
            days_after: match &fields["first"] {
                Value::Null => Some(0),
                _ => fields["daysAfter"].as_i64(),
            },
        })
    }
}

/// How many of a deal's tasks are not the template's: added by hand, or later instances of repeating work.
pub(crate) fn beside_template(tasks: &[StoredTask]) -> usize {
    let is_beside = |stored: &&StoredTask| {
        let series = Series::of(&stored.task, &stored.details);
        stored.task.key.is_none() || series.is_some_and(|series| series.instance > 1)
    };
    tasks.iter().filter(is_beside).count()
}

/// The rule that somebody gave a task of the template, if it is not the template's.
fn rule_by_hand(stored: &StoredTask, of_template: &TaskRule) -> Option<Rule> {
    let rule = stored.details.due_rule.as_ref();
    rule.and_then(rules::from_json)
        .filter(|rule| !is_of_template(rule, of_template))
}

fn is_of_template(rule: &Rule, of_template: &TaskRule) -> bool {
    *rule == of_template.due || Some(rule) == of_template.fallback_due.as_ref()
}

/// Why a task keeps its due date, if it does.
pub(crate) fn task_hold(task: &TaskState, zone: &Zone) -> Option<TaskHold> {
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
