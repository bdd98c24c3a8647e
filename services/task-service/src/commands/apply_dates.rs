//! Writing computed dates into a deal: its key dates, and the due dates that follow them.
//!
//! What is finished, waived or pinned keeps its date; the engine has seen to that.

use domain::{
    cascade::PlannedDates,
    task::{Change, Due, Moment},
};
use platform::{db::Tx, error::Result};

use super::{Step, take_steps};
use crate::{
    history,
    planning::{Ground, task_name},
    repository::{
        deals::Deal,
        key_dates::{self, KeyDates},
        tasks::StoredTask,
    },
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
            let change = rescheduled(stored, planned, &moment)?;
            Some(Step::of(stored, change))
        })
        .collect();
    take_steps(tx, &deal.zone, &steps, Some(reason)).await?;
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

/// The step that brings a task to where its rule has it; `None` for one that keeps its due date.
fn rescheduled(stored: &StoredTask, planned: &PlannedDates, moment: &Moment<'_>) -> Option<Change> {
    let task = &stored.task;
    if task.status.is_done() || task.due_pinned {
        return None;
    }
    let planned = planned.task(&task_name(stored))?;
    let due = planned.due.map(|date| Due {
        date,
        time_of_day: planned.time_of_day,
    });
    task.reschedule(due, planned.shift_days, moment).ok()
}
