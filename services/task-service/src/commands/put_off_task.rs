//! Setting the day on which to ask for a task again, or taking it off. When the task is due stays as it is.

use domain::{cascade::Step, follow_up, permission::Permission, task::Details};
use platform::{db::Tx, error::Result};
use time::Date;
use uuid::Uuid;

use super::{Loaded, Outcome, batch::Batch, load_task, require_assigning};
use crate::repository::chases;

/// Who may.
const MAY_PUT_OFF: [Permission; 2] = [Permission::AssignTasks, Permission::ManageTasks];

/// Sets the day; `None` takes it off, and the same day again is no change. A task that no part follows up is the
/// caller's to follow up from now on. Rejections: `NOT_FOUND`, `FORBIDDEN`, `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE`, and
/// of `followUpOn`.
pub(crate) async fn run(tx: &mut Tx, task_id: Uuid, follow_up_on: Option<Date>) -> Result<Outcome> {
    let Loaded { deal, stored } = load_task(tx, task_id, &MAY_PUT_OFF).await?;
    require_assigning(tx, &deal)?;
    deal.status.require_active()?;
    let mut change = stored.task.put_off()?;
    let mut details = stored.details.clone();
    if follow_up_on == details.follow_up_on {
        change = domain::task::Change::none(&stored.task);
    } else {
        let today = deal.moment(tx.now()).today();
        let day = follow_up_on.map(|date| follow_up::day(date, today));
        let follow_up_on = day.transpose()?;
        let parts = chases::own_parts(tx, stored.task.deal_id).await?;
        details = Details {
            chased_by: Some(follow_up::follower(details.chased_by.as_deref(), &parts)),
            follow_up_on,
            ..details
        };
    }
    let mut batch = Batch::new(stored.task.deal_id, &deal.zone);
    let step = Step {
        before: Some(stored),
        change: change.clone(),
        details: details.clone(),
    };
    batch.add(step, None);
    batch.save(tx).await?;
    Outcome::of(tx, &deal.zone, &change, &details).await
}
