//! Reopening a finished task, alone or with what was built on it.

use std::collections::BTreeMap;

use domain::{
    cascade::Step,
    permission::Permission,
    rejection::Rejection,
    task::{Change, Dependents, StoredTask, Task, reopen},
};
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{Loaded, Outcome, batch, follow_up, load_task_exclusively, require_workable};
use crate::repository::{dependencies, tasks};

/// Reopens the task and re-blocks what waits for it. Rejections: `NOT_FOUND`, `DEAL_NOT_ACTIVE`,
/// `TASK_NOT_DONE`, `TASK_DEPENDENT_DONE`, and of `reason`.
pub(crate) async fn run(
    tx: &mut Tx,
    task_id: Uuid,
    reason: &str,
    dependents: Dependents,
) -> Result<Outcome> {
    let reason = domain::text::reason(reason)?;
    let loaded = load_task_exclusively(tx, task_id, &[Permission::ManageTasks]).await?;
    require_workable(tx, &loaded).await?;
    let Loaded { deal, stored } = loaded;
    let all = tasks::lock_of_deal(tx, stored.task.deal_id).await?;
    let waits_for = dependencies::waits_for(tx, stored.task.deal_id).await?;
    let by_id: BTreeMap<Uuid, Task> = all
        .iter()
        .map(|stored| (stored.task.id, stored.task.clone()))
        .collect();
    let moment = deal.moment(tx.now());
    let changes = reopen(task_id, &by_id, &waits_for, dependents, &moment)?;
    let reopened: Change = changes
        .iter()
        .find(|change| change.task.id == task_id)
        .cloned()
        .ok_or(Rejection::NotFound)?;
    // The dates of all that were reopened together are counted at once.
    let steps = steps(all, changes);
    follow_up::save(tx, &deal, steps, &reopened.task, Some(&reason)).await?;
    Outcome::of(tx, &deal.zone, &reopened, &stored.details).await
}

/// The steps that these changes are, of the tasks that they change.
fn steps(all: Vec<StoredTask>, changes: Vec<Change>) -> Vec<Step> {
    let mut by_id: BTreeMap<Uuid, StoredTask> = all
        .into_iter()
        .map(|stored| (stored.task.id, stored))
        .collect();
    changes
        .into_iter()
        .filter_map(|change| Some(batch::step(by_id.remove(&change.task.id)?, change)))
        .collect()
}
