//! When open work could be done: the tasks of a deal as the schedule of the domain spreads them.

use domain::{
    cascade::{TaskHold, task_hold},
    plan::{Lag, Work},
    task::StoredTask,
    zone::Zone,
};
use time::Date;

/// A task as the schedule sees it, by its id. `date_of` finds the date of a key date.
pub(crate) fn work_of(
    stored: &StoredTask,
    tasks: &[StoredTask],
    due: Option<Date>,
    date_of: impl Fn(&str) -> Option<Date>,
    zone: &Zone,
) -> Work<String> {
    let fields = &stored.details.template_fields;
    Work {
        key: stored.task.id.to_string(),
        waits_for: stored
            .details
            .depends_on
            .iter()
            .map(ToString::to_string)
            .collect(),
        lags: fields
            .lags
            .iter()
            .filter_map(|lag| lag_of(lag, tasks))
            .collect(),
        not_before: fields.not_before.as_deref().and_then(date_of),
        est_days: u32::try_from(stored.details.est_days).unwrap_or_default(),
        finished_on: match task_hold(&stored.task, zone) {
            Some(TaskHold::Completed(on) | TaskHold::Waived(on)) => Some(on),
            Some(TaskHold::Pinned) | None => None,
        },
        due,
    }
}

/// A waiting time, by the id of the task. What was waived never happened, so nobody waits after it.
fn lag_of(lag: &Lag<String>, tasks: &[StoredTask]) -> Option<Lag<String>> {
    let after = tasks.iter().find(|stored| stored.name() == lag.after)?;
    let happened = after.task.facts.waived.is_none();
    happened.then(|| Lag {
        after: after.task.id.to_string(),
        counting: lag.counting.clone(),
    })
}
