//! Spreading open work over the calendar: earliest start and finish, slack, and the chain that decides the end.

use std::collections::{BTreeMap, BTreeSet};

use time::{Date, Duration};

use super::{Cycle, Graph};
use crate::{
    calendar::Calendars,
    dates::{Counting, resolve},
};

/// A waiting time after a prerequisite is finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag<K> {
    /// The prerequisite.
    pub after: K,
    /// How long to wait.
    pub counting: Counting,
}

/// One task as the schedule sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work<K> {
    /// The task.
    pub key: K,
    /// What it waits for.
    pub waits_for: BTreeSet<K>,
    /// Waiting times after prerequisites.
    pub lags: Vec<Lag<K>>,
    /// A date before which it cannot start.
    pub not_before: Option<Date>,
    /// Calendar days from being free to being done.
    pub est_days: u32,
    /// When it was finished, if it is.
    pub finished_on: Option<Date>,
    /// When it is due.
    pub due: Option<Date>,
}

/// One task's place in the schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scheduled<K> {
    /// The task.
    pub key: K,
    /// The first day on which work on it can begin; for a finished task the day of its finish.
    pub earliest_start: Date,
    /// The first day on which it can be done.
    pub earliest_finish: Date,
    /// Due date less earliest finish, in calendar days; negative if it will be late. `None` without a due date and for
    /// finished tasks.
    pub slack_days: Option<i64>,
    /// The open prerequisite that decides the start, if one does.
    pub decided_by: Option<K>,
}

/// The plan over the calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule<K> {
    /// Every task, each after what it waits for.
    pub tasks: Vec<Scheduled<K>>,
    /// The chain of open tasks that decides when the last one can be done, in order.
    pub critical_path: Vec<K>,
}

/// Spreads the work, beginning on `start` at the earliest.
///
/// A date beyond the years that are counted becomes the last one within them: a schedule is a forecast and never fails
/// for that.
///
/// # Errors
/// [`Cycle`] if tasks wait for each other.
pub fn schedule<K: Ord + Clone>(
    work: &[Work<K>],
    start: Date,
    calendars: &Calendars,
) -> Result<Schedule<K>, Cycle<K>> {
    let by_key: BTreeMap<&K, &Work<K>> = work.iter().map(|task| (&task.key, task)).collect();
    let known = |key: &&K| by_key.contains_key(*key);
    let graph: Graph<K> = work
        .iter()
        .map(|task| {
            (
                task.key.clone(),
                task.waits_for.iter().filter(known).cloned().collect(),
            )
        })
        .collect();
    let mut done: BTreeMap<K, Scheduled<K>> = BTreeMap::new();
    let order = graph.order()?;
    for key in &order {
        if let Some(task) = by_key.get(key) {
            let scheduled = place(task, start, &done, calendars);
            done.insert(key.clone(), scheduled);
        }
    }
    let open = |key: &K| {
        by_key
            .get(key)
            .is_some_and(|task| task.finished_on.is_none())
    };
    for scheduled in done.values_mut() {
        scheduled.decided_by = scheduled.decided_by.take().filter(open);
    }
    let critical_path = critical_path(&order, &done, open);
    let tasks = order.iter().filter_map(|key| done.remove(key)).collect();
    Ok(Schedule {
        tasks,
        critical_path,
    })
}

fn place<K: Ord + Clone>(
    task: &Work<K>,
    start: Date,
    done: &BTreeMap<K, Scheduled<K>>,
    calendars: &Calendars,
) -> Scheduled<K> {
    if let Some(finished_on) = task.finished_on {
        return Scheduled {
            key: task.key.clone(),
            earliest_start: finished_on,
            earliest_finish: finished_on,
            slack_days: None,
            decided_by: None,
        };
    }
    let mut earliest_start = task
        .not_before
        .map_or(start, |not_before| start.max(not_before));
    let mut decided_by = None;
    for prerequisite in &task.waits_for {
        let Some(finish) = done
            .get(prerequisite)
            .map(|scheduled| scheduled.earliest_finish)
        else {
            continue;
        };
        let free = task
            .lags
            .iter()
            .filter(|lag| lag.after == *prerequisite)
            .filter_map(|lag| resolve(finish, &lag.counting, calendars).ok())
            .fold(finish, Date::max);
        if free > earliest_start || (free == earliest_start && decided_by.is_none()) {
            earliest_start = free;
            decided_by = Some(prerequisite.clone());
        }
    }
    let earliest_finish = earliest_start
        .checked_add(Duration::days(i64::from(task.est_days)))
        .unwrap_or(earliest_start);
    Scheduled {
        key: task.key.clone(),
        earliest_start,
        earliest_finish,
        slack_days: task.due.map(|due| (due - earliest_finish).whole_days()),
        decided_by,
    }
}

fn critical_path<K: Ord + Clone>(
    order: &[K],
    done: &BTreeMap<K, Scheduled<K>>,
    open: impl Fn(&K) -> bool,
) -> Vec<K> {
    // Of several that finish last, the one furthest along the order: it has the longest chain behind it.
    let last = order
        .iter()
        .filter(|key| open(key))
        .filter_map(|key| done.get(key))
        .max_by_key(|s| s.earliest_finish);
    let mut path = Vec::new();
    let mut step = last;
    while let Some(scheduled) = step {
        path.push(scheduled.key.clone());
        step = scheduled.decided_by.as_ref().and_then(|key| done.get(key));
    }
    path.reverse();
    path
}
