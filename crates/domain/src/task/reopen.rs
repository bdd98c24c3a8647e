//! Reopening finished tasks, alone or with what was built on them.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Change, Moment, Task, TaskEvent, TaskStatus};
use crate::rejection::Rejection;

/// What happens to completed tasks that waited for the one that is reopened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dependents {
    /// They forbid it.
    Refuse,
    /// They are reopened as well, and so on.
    Reopen,
}

/// Reopens a task of a plan and re-blocks what waits for it.
///
/// `tasks` holds the task and whatever depends on it, directly or not; `waits_for` maps each task to those that it waits
/// for. The answer has one change for each task touched, in id order. Waived dependents stay waived.
///
/// # Errors
/// `TASK_NOT_DONE` for an open task, `TASK_DEPENDENT_DONE` when a dependent is completed and `dependents` says refuse,
/// `NOT_FOUND` for a task that is not among `tasks`.
pub fn reopen(
    task_id: Uuid,
    tasks: &BTreeMap<Uuid, Task>,
    waits_for: &BTreeMap<Uuid, BTreeSet<Uuid>>,
    dependents: Dependents,
    moment: &Moment<'_>,
) -> Result<Vec<Change>, Rejection> {
    let first = tasks.get(&task_id).ok_or(Rejection::NotFound)?;
    if !first.status.is_done() {
        return Err(Rejection::TaskNotDone);
    }
    let to_reopen = completed_behind(task_id, tasks, waits_for);
    if dependents == Dependents::Refuse && to_reopen.len() > 1 {
        let dependents = to_reopen
            .into_iter()
            .filter(|id| waits_on(waits_for, *id, task_id))
            .collect();
        return Err(Rejection::TaskDependentDone { dependents });
    }
    let mut changes: BTreeMap<Uuid, Change> = BTreeMap::new();
    // Count first, reopen then: a task that is reopened together with what it waits for comes back blocked.
    for (id, task) in tasks {
        let lost = to_reopen
            .iter()
            .filter(|reopened| waits_on(waits_for, *id, **reopened))
            .count();
        if lost > 0 {
            let change = (0..lost).fold(Change::none(task), |change, _| {
                change.then(Task::lose_dependency)
            });
            changes.insert(*id, change);
        }
    }
    for id in to_reopen {
        if let Some(task) = tasks.get(&id) {
            let change = changes.remove(&id).unwrap_or_else(|| Change::none(task));
            changes.insert(id, change.then(|task| task.reopened(moment)));
        }
    }
    Ok(changes.into_values().collect())
}

impl Task {
    fn reopened(&self, moment: &Moment<'_>) -> Change {
        let passed = moment.has_passed(self.due, self.facts.due_passed);
        Change::none(self).step(TaskEvent::Reopened, |state| {
            state.facts.completed = None;
            state.facts.waived = None;
            state.facts.due_passed = passed;
            if state.facts.open_dependencies > 0 {
                state.episode = state.episode.saturating_add(1);
            }
        })
    }
}

/// The task and every completed task that waits for it through completed tasks.
fn completed_behind(
    task_id: Uuid,
    tasks: &BTreeMap<Uuid, Task>,
    waits_for: &BTreeMap<Uuid, BTreeSet<Uuid>>,
) -> BTreeSet<Uuid> {
    let mut found = BTreeSet::from([task_id]);
    let mut frontier = vec![task_id];
    while let Some(reached) = frontier.pop() {
        for (id, task) in tasks {
            let is_next = task.status == TaskStatus::Completed && waits_on(waits_for, *id, reached);
            if is_next && found.insert(*id) {
                frontier.push(*id);
            }
        }
    }
    found
}

fn waits_on(waits_for: &BTreeMap<Uuid, BTreeSet<Uuid>>, id: Uuid, prerequisite: Uuid) -> bool {
    waits_for
        .get(&id)
        .is_some_and(|prerequisites| prerequisites.contains(&prerequisite))
}
