//! Moving the due dates of open tasks by the days that a deal was on hold.
//!
//! Where a task follows a rule, the days are kept beside the rule, so that the task follows later moves of its anchor as
//! well; where it follows none, or somebody set the date by hand, the date itself moves.

use std::collections::BTreeSet;

use domain::{
    cascade::{Shifting, revise},
    rejection::Rejection,
};
use platform::{
    db::Tx,
    error::{Error, Result},
};
use uuid::Uuid;

use super::{Step, apply_dates, change_scope::Scope, take_steps};
use crate::{
    planning::{DateInputs, Ground, task_name},
    repository::{
        deals::{self, Deal},
        tasks::{self, StoredTask},
    },
};

/// Moves them. Rejections: `NOT_FOUND`, and `DEAL_STATUS_CONFLICT` for a deal that is over.
pub(crate) async fn run(tx: &mut Tx, deal_id: Uuid, days: u32) -> Result<()> {
    let deal = deals::lock_exclusively(tx, deal_id).await?;
    deals::due_dates_moved(tx, deal_id).await?;
    deal.status.require_open()?;
    if days == 0 {
        return Ok(());
    }
    let reason = match days {
        1 => "the deal was on hold for 1 day".to_owned(),
        days => format!("the deal was on hold for {days} days"),
    };
    let ground = match Ground::lock(tx, deal_id, &deal.zone, None).await {
        // Without a plan there are no rules yet.
        Err(Error::Rejected(Rejection::PlanPending)) => {
            let tasks = tasks::lock_of_deal(tx, deal_id).await?;
            let open = tasks.iter().filter(|stored| !stored.task.status.is_done());
            return postpone(tx, &deal, open, days, &reason).await;
        }
        ground => ground?,
    };
    let open: Vec<&StoredTask> = ground
        .tasks
        .iter()
        .filter(|stored| !stored.task.status.is_done())
        .collect();
    let names: BTreeSet<String> = open.iter().map(|stored| task_name(stored)).collect();
    let before = ground.compute(&deal.zone);
    let (names, before) = (&names, &before);
    let of_kind = |kind: Shifting| {
        let is_of_kind =
            move |stored: &&StoredTask| before.shifting(&task_name(stored), names) == kind;
        open.iter().copied().filter(is_of_kind)
    };
    postpone(tx, &deal, of_kind(Shifting::Date), days, &reason).await?;
    let by_rule: Vec<String> = of_kind(Shifting::Rule).map(task_name).collect();
    let mut ground = Ground::lock(tx, deal_id, &deal.zone, None).await?;
    for name in by_rule {
        let shift_days = ground.shift_days.entry(name).or_default();
        *shift_days = shift_days.saturating_add(days);
    }
    let planned = ground.compute(&deal.zone);
    apply_dates::run(tx, &deal, &ground, &planned, &reason).await?;
    // Instances of repeating work that would now come after the end of their series.
    let revision = revise(before, &planned);
    if !revision.is_empty() {
        let scope = Scope {
            deal: &deal,
            deal_id,
            key_dates: &DateInputs::new(),
            // Nothing begins to apply because time has passed.
            parties: &[],
            reason: &reason,
        };
        Box::pin(scope.follow(tx, &ground, &revision)).await?;
    }
    Ok(())
}

/// Moves the dates themselves. The tasks are open.
async fn postpone(
    tx: &mut Tx,
    deal: &Deal,
    tasks: impl Iterator<Item = &StoredTask>,
    days: u32,
    reason: &str,
) -> Result<()> {
    let moment = deal.moment(tx.now());
    let steps = tasks
        .map(|stored| Ok(Step::of(stored, stored.task.postpone(days, &moment)?)))
        .collect::<Result<Vec<_>>>()?;
    take_steps(tx, &deal.zone, &steps, Some(reason)).await
}
