//! What the date engine is told of a deal: its anchors, and what keeps its date and why.

use domain::{
    cascade::{
        Circumstances, DateHold, DueWork, HeldDate, HeldTask, KeyDateState, TaskHold, due_on,
        has_ceased,
    },
    task::TaskState,
    zone::Zone,
};
use time::Date;

use super::{DateInputs, Ground};
use crate::repository::{key_dates::KeyDate, tasks::StoredTask};

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
        for StoredTask { task, .. } in &self.tasks {
            // A task that ceased to apply is as if it had never been done; when it comes back, a day set by hand stays.
            let hold = if has_ceased(task) {
                task.due_pinned.then_some(TaskHold::Pinned)
            } else {
                task_hold(task, zone)
            };
            if let (Some(key), Some(why)) = (&task.key, hold) {
                let due = task.due.map(|due| due.date);
                circumstances
                    .held_tasks
                    .insert(key.clone(), HeldTask { due, why });
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

    /// How far the work is that is due on a key date itself.
    pub(super) fn work_due_on(&self, key: &str) -> DueWork {
        let tasks = due_on(&self.basis.template, key).filter_map(|rule| self.task(&rule.key));
        DueWork::of(tasks.map(|stored| &*stored.task))
    }
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
