//! When open work could be done: the tasks of a deal as the schedule of the domain spreads them.

use domain::{
    calendar::FEDERAL,
    cascade::TaskHold,
    dates::{Counting, DayCount, Roll},
    plan::{Lag, Work},
    zone::Zone,
};
use serde_json::Value;
use time::Date;

use super::{task_hold, task_name};
use crate::repository::tasks::StoredTask;

/// A task as the schedule sees it, by its id. `date_of` tells the date of a key date.
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
        lags: fields["lags"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|lag| lag_of(lag, tasks))
            .collect(),
        not_before: fields["notBefore"].as_str().and_then(date_of),
        est_days: u32::try_from(stored.details.est_days).unwrap_or_default(),
        finished_on: match task_hold(&stored.task, zone) {
            Some(TaskHold::Completed(on) | TaskHold::Waived(on)) => Some(on),
            Some(TaskHold::Pinned) | None => None,
        },
        due,
    }
}

/// A waiting time. What was waived never happened, so nobody waits after it.
fn lag_of(lag: &Value, tasks: &[StoredTask]) -> Option<Lag<String>> {
    let after = lag["after"].as_str()?;
    let after = tasks.iter().find(|stored| task_name(stored) == after)?;
    let happened = after.task.facts.waived.is_none();
    happened.then_some(Lag {
        after: after.task.id.to_string(),
        counting: counting_of(lag)?,
    })
}

/// How long a waiting time is, as the row of its task says.
pub(crate) fn counting_of(lag: &Value) -> Option<Counting> {
    Some(Counting {
        offset_days: i32::try_from(lag["offsetDays"].as_i64()?).ok()?,
        day_count: DayCount::parse(lag["calendar"].as_str()?)?,
        business_calendar: lag["businessCalendar"]
            .as_str()
            .unwrap_or(FEDERAL)
            .to_owned(),
        roll: Roll::NONE,
    })
}
