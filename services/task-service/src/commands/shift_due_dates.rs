//! Moving the due dates of open tasks by the days that a deal was on hold.

use domain::task::{Due, TaskEdit, TaskState};
use platform::{db::Tx, error::Result};
use time::Duration;
use uuid::Uuid;

use super::{Step, take_steps};
use crate::repository::{deals, tasks};

/// Moves them. They no longer follow their rules, which know nothing of the hold.
pub(crate) async fn run(tx: &mut Tx, deal_id: Uuid, days: u32) -> Result<()> {
    let deal = deals::lock_exclusively(tx, deal_id).await?;
    deal.status.require_dates_movable()?;
    let moment = deal.moment(tx.now());
    let all = tasks::lock_of_deal(tx, deal_id).await?;
    let mut steps = Vec::new();
    for stored in all.iter().filter(|stored| !stored.task.status.is_done()) {
        if let Some(due) = later(stored.task.due, days) {
            let edit = edit(&stored.task, due);
            steps.push(Step::of(stored, stored.task.edit(edit, &moment)?));
        }
    }
    let reason = format!("the deal was on hold for {days} days");
    take_steps(tx, &deal.zone, &steps, Some(&reason)).await
}

fn later(due: Option<Due>, days: u32) -> Option<Due> {
    let due = due.filter(|_| days > 0)?;
    let date = due.date.checked_add(Duration::days(i64::from(days)))?;
    Some(Due { date, ..due })
}

fn edit(task: &TaskState, due: Due) -> TaskEdit {
    TaskEdit {
        title: task.title.clone(),
        description: task.description.clone(),
        milestone_id: task.milestone_id,
        owner_role: task.owner_role,
        due: Some(due),
        buyer_visible: task.buyer_visible,
    }
}
