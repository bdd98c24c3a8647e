//! Moving the due dates of open tasks by the days that a deal was on hold.
//!
//! Where a task follows a rule, the days are kept beside the rule, so that the task follows later moves of its anchor as
//! well; where it follows none, or somebody set the date by hand, the date itself moves.

use std::collections::BTreeSet;

use domain::{
    cascade::{Because, Follow, Shifting, WorkingPlan},
    rejection::Rejection,
};
use platform::{
    db::Tx,
    error::{Error, Result},
};
use uuid::Uuid;

use super::{batch::Batch, write_dates};
use crate::{
    planning::Ground,
    repository::{deals, tasks},
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
    let moment = deal.moment(tx.now());
    let mut batch = Batch::new(deal_id, &deal.zone);
    let mut ground = match Ground::lock(tx, deal_id, &deal.zone, None).await {
        // Without a plan there are no rules yet.
        Err(Error::Rejected(Rejection::PlanPending)) => {
            let tasks = tasks::lock_of_deal(tx, deal_id).await?;
            for stored in tasks.into_iter().filter(|it| !it.task.status.is_done()) {
                let change = stored.task.postpone(days, &moment)?;
                batch.change(stored, change, Some(&reason));
            }
            batch.save(tx).await?;
            return Ok(());
        }
        ground => ground?,
    };
    let open = ground.plan.tasks.iter();
    let open = open.filter(|stored| !stored.task.status.is_done());
    let open: Vec<(Uuid, String)> = open.map(|it| (it.task.id, it.name())).collect();
    let names: BTreeSet<String> = open.iter().map(|(_, name)| name.clone()).collect();
    let before = ground.compute(&deal.zone);
    let mut by_date = Vec::new();
    for (id, name) in open {
        match before.shifting(&name, &names) {
            Shifting::Date => by_date.push(id),
            Shifting::Rule => {
                let shift_days = ground.plan.shift_days.entry(name).or_default();
                *shift_days = shift_days.saturating_add(days);
            }
            Shifting::Follows => {}
        }
    }
    let mut working = WorkingPlan::new(ground.plan.clone(), moment);
    for id in by_date {
        working.change(id, |task| task.postpone(days, &moment))?;
    }
    let because = Because {
        by: tx.actor().user_id,
        reason: &reason,
    };
    let settled = working.settle(&before, Follow::Present, because, true)?;
    write_dates::write(tx, &deal, &ground, settled, batch, &reason).await?;
    Ok(())
}
