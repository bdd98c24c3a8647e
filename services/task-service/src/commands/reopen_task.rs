//! Reopening a finished task, alone or with what was built on it.

use std::collections::BTreeMap;

use domain::{
    permission::Permission,
    rejection::Rejection,
    task::{Dependents, Task, reopen},
};
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{
    Loaded, Outcome, Step, follow_completion, load_task_exclusively, require_workable, take_steps,
};
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

    let steps = Step::each(&all, changes);
    take_steps(tx, &deal.zone, &steps, Some(&reason)).await?;
    let reopened = steps
        .iter()
        .find(|step| step.change.task.id == task_id)
        .ok_or(Rejection::NotFound)?;
    // The dates of all that were reopened together are counted at once.
    if !deal.status.is_terminal() && steps.iter().any(|step| step.details.has_followers()) {
        follow_completion::count(tx, &deal, &reopened.change.task).await?;
    }
    Outcome::of(tx, &deal.zone, &reopened.change, &reopened.details).await
}
