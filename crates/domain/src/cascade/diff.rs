//! What a change would do: every date, task and reminder that moves, and what keeps its place and why.

use std::collections::{BTreeMap, BTreeSet};

use time::Date;

use super::{PlannedDate, PlannedDates, PlannedTask};
use crate::{
    reminders::{ActionKind, OpenTask, to_come},
    task::{Deadlines, Moment},
    words::upper_snake_enum,
};

upper_snake_enum! {
    /// What moves.
    ChangeKind {
        /// A key date.
        KeyDate = "KEY_DATE",
        /// A task's due date.
        Task = "TASK",
        /// A reminder of a task.
        Reminder = "REMINDER",
    }
}

/// One line of a preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateChange {
    /// What moves.
    pub kind: ChangeKind,
    /// The key of the date or of the task.
    pub key: String,
    /// Its title.
    pub title: String,
    /// The date before; `None` if there was none.
    pub old: Option<Date>,
    /// The date after; `None` if there will be none.
    pub new: Option<Date>,
    /// Why it keeps its place although its rule moved.
    pub locked: Option<String>,
    /// Whether the client will see it.
    pub buyer_sees: bool,
}

/// Every date and task that differs between two outcomes: what moved, came, went, or kept its place although its rule
/// moved.
#[must_use]
pub fn diff(old: &PlannedDates, new: &PlannedDates) -> Vec<DateChange> {
    let date_keys = keys(
        old.key_dates.iter().map(|d| &d.key),
        new.key_dates.iter().map(|d| &d.key),
    );
    let task_keys = keys(
        old.tasks.iter().map(|t| &t.key),
        new.tasks.iter().map(|t| &t.key),
    );
    let mut changes = Vec::new();
    for key in date_keys {
        changes.extend(key_date_change(old.key_date(key), new.key_date(key)));
    }
    for key in task_keys {
        let (old, new) = (old.task(key), new.task(key));
        changes.extend(task_change(old, new));
    }
    changes
}

/// The keys of the tasks that are overdue by the new dates but were not by the old ones. On hold there are none.
#[must_use]
pub fn becomes_overdue(old: &PlannedDates, new: &PlannedDates, moment: &Moment<'_>) -> Vec<String> {
    let is_overdue = |task: &PlannedTask| {
        let instant = task
            .due
            .and_then(|due| moment.zone.overdue_from(due, task.time_of_day).ok());
        !task.is_finished() && instant.is_some_and(|instant| instant <= moment.now)
    };
    match moment.deadlines {
        Deadlines::Paused => Vec::new(),
        Deadlines::Running => new
            .tasks
            .iter()
            .filter(|task| is_overdue(task) && !old.task(&task.key).is_some_and(is_overdue))
            .map(|task| task.key.clone())
            .collect(),
    }
}

/// How the reminders of one task change. `before` and `after` are the task as it is and as it would be; absent where
/// it has no date or is finished.
#[must_use]
pub fn reminder_changes(
    named: &PlannedTask,
    before: Option<OpenTask>,
    after: Option<OpenTask>,
    moment: &Moment<'_>,
) -> Vec<DateChange> {
    let days = |task: Option<OpenTask>| -> BTreeMap<ActionKind, Date> {
        let to_come = task.map(|task| to_come(&task, moment.zone, moment.deadlines, moment.now));
        let to_come = to_come.into_iter().flatten();
        to_come
            .map(|(kind, from)| (kind, moment.zone.local_date(from)))
            .collect()
    };
    let (old, new) = (days(before), days(after));
    let kinds: BTreeSet<&ActionKind> = old.keys().chain(new.keys()).collect();
    kinds
        .into_iter()
        .filter(|kind| old.get(*kind) != new.get(*kind))
        .map(|kind| DateChange {
            kind: ChangeKind::Reminder,
            key: named.key.clone(),
            title: named.title.clone(),
            old: old.get(kind).copied(),
            new: new.get(kind).copied(),
            locked: None,
            buyer_sees: named.buyer_visible,
        })
        .collect()
}

/// Each key once: those of the new outcome in their order, then those that are gone.
fn keys<'a>(
    old: impl Iterator<Item = &'a String>,
    new: impl Iterator<Item = &'a String>,
) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    new.chain(old)
        .map(String::as_str)
        .filter(|key| seen.insert(*key))
        .collect()
}

fn key_date_change(old: Option<&PlannedDate>, new: Option<&PlannedDate>) -> Option<DateChange> {
    let named = new.or(old)?;
    let (was, will_be) = (
        old.and_then(|date| date.date),
        new.and_then(|date| date.date),
    );
    let locked = new
        .filter(|date| old.is_some_and(|old| old.rule_date != date.rule_date))
        .and_then(|date| {
            let held = date.held?;
            Some(drift(held.word(), date.rule_date))
        });
    (was != will_be || locked.is_some()).then(|| DateChange {
        kind: ChangeKind::KeyDate,
        key: named.key.clone(),
        title: named.title.clone(),
        old: was,
        new: will_be,
        locked,
        buyer_sees: named.buyer_visible,
    })
}

fn task_change(old: Option<&PlannedTask>, new: Option<&PlannedTask>) -> Option<DateChange> {
    let named = new.or(old)?;
    let (was, will_be) = (old.and_then(|task| task.due), new.and_then(|task| task.due));
    let locked = new
        .filter(|task| old.is_some_and(|old| old.rule_date != task.rule_date))
        .and_then(|task| {
            let held = task.held?;
            Some(drift(held.word(), task.rule_date))
        });
    let came_or_went = old.is_none() || new.is_none();
    (was != will_be || locked.is_some() || came_or_went).then(|| DateChange {
        kind: ChangeKind::Task,
        key: named.key.clone(),
        title: named.title.clone(),
        old: was,
        new: will_be,
        locked,
        buyer_sees: named.buyer_visible,
    })
}

fn drift(word: &str, rule_date: Option<Date>) -> String {
    match rule_date {
        Some(date) => format!("{word}; its rule now says {date}"),
        None => format!("{word}; its rule now gives no date"),
    }
}
