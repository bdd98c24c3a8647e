//! Writing computed dates into a deal: its key dates, and the due dates that follow them.
//!
//! What is finished, waived or pinned keeps its date; the engine has seen to that.

use domain::{
    cascade::{Dropped, PlannedDates},
    task::{Change, Due, Moment},
};
use platform::{db::Tx, error::Result};
use time::Date;

use super::{Step, take_steps, waive_task};
use crate::{
    history,
    planning::Ground,
    repository::{
        deals::Deal,
        key_dates::{self, KeyDates},
        tasks::{self, StoredTask},
    },
    rules,
};

/// Applies an outcome that was computed from `ground`, whose tasks are locked and whose key dates are stored.
/// Answers the key dates as they are now.
pub(crate) async fn run(
    tx: &mut Tx,
    deal: &Deal,
    ground: &Ground,
    planned: &PlannedDates,
    reason: &str,
) -> Result<KeyDates> {
    let mut key_dates = ground.dates_as_planned(planned, deal, tx.now());
    if key_dates != ground.key_dates {
        key_dates.version += 1;
        key_dates::save(tx, &key_dates).await?;
        let before = Some(&ground.key_dates);
        history::tell_key_dates(tx, &deal.zone, before, &key_dates, Some(reason));
    }
    let moment = deal.moment(tx.now());
    let steps: Vec<Step<'_>> = ground
        .tasks
        .iter()
        .filter_map(|stored| {
            let change = rescheduled(stored, planned, ground, &moment)?;
            Some(Step::of(stored, change))
        })
        .collect();
    take_steps(tx, &deal.zone, &steps, Some(reason)).await?;
    drop_pointless(tx, deal, ground, planned).await?;
    Ok(key_dates)
}

/// Stores the key dates that a deal was given at its creation, if they are not stored yet.
pub(crate) async fn store_given(tx: &mut Tx, deal: &Deal, ground: &mut Ground) -> Result<()> {
    if !ground.is_stored {
        key_dates::save(tx, &ground.key_dates).await?;
        history::tell_key_dates(tx, &deal.zone, None, &ground.key_dates, None);
        ground.is_stored = true;
    }
    Ok(())
}

/// The due date that a task would have; `None` for one that keeps its own.
fn due_of(stored: &StoredTask, planned: &PlannedDates, ground: &Ground) -> Option<Option<Due>> {
    let task = &stored.task;
    if task.status.is_done() || task.due_pinned {
        return None;
    }
    let of_template = task.key.as_deref().and_then(|key| planned.task(key));
    let (date, time_of_day): (Option<Date>, _) = match of_template {
        Some(planned) => (planned.due, planned.time_of_day),
        None if task.key.is_some() => return None,
        None => {
            let rule = stored
                .details
                .due_rule
                .as_ref()
                .and_then(rules::from_json)?;
            // A rule that cannot be counted leaves the task without a date, as a template's would.
            let calendars = ground.holidays.calendars();
            let date = planned.evaluate(&rule, calendars).ok().flatten();
            (date, task.due.and_then(|due| due.time_of_day))
        }
    };
    Some(date.map(|date| Due { date, time_of_day }))
}

fn rescheduled(
    stored: &StoredTask,
    planned: &PlannedDates,
    ground: &Ground,
    moment: &Moment<'_>,
) -> Option<Change> {
    let due = due_of(stored, planned, ground)?;
    if due == stored.task.due {
        return None;
    }
    stored.task.reschedule(due, moment).ok()
}

/// Waives open tasks that the new dates make pointless.
async fn drop_pointless(
    tx: &mut Tx,
    deal: &Deal,
    ground: &Ground,
    planned: &PlannedDates,
) -> Result<()> {
    for (key, why) in &planned.dropped_tasks {
        // What the facts drop leaves when they change; whoever reopens it all the same wants it.
        if *why == Dropped::DoesNotApply {
            continue;
        }
        let named = |stored: &&StoredTask| stored.task.key.as_deref() == Some(key);
        let Some(stored) = ground.tasks.iter().find(named) else {
            continue;
        };
        // Read again: an earlier one may have unlocked it, and its date may have moved.
        if let Some(stored) = tasks::lock(tx, stored.task.id).await?
            && !stored.task.status.is_done()
        {
            Box::pin(waive_task::waive(tx, deal, &stored, &why.to_string())).await?;
        }
    }
    Ok(())
}
