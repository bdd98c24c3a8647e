//! Assigning a task to somebody, or removing its assignee.

use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{
    Loaded, Outcome, batch::Batch, load_task, require_assigning, require_sight, require_workable,
    unknown_reference,
};
use crate::repository::deals;

/// Who else could do it.
const MAY_ASSIGN: [domain::permission::Permission; 2] = [
    domain::permission::Permission::AssignTasks,
    domain::permission::Permission::ManageTasks,
];

/// Assigns the task; `None` removes the assignee. The same assignee again is no change. Rejections: `NOT_FOUND`,
/// `FORBIDDEN`, `UNKNOWN_REFERENCE` of `assigneeId`, `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE`.
pub(crate) async fn run(tx: &mut Tx, task_id: Uuid, assignee_id: Option<Uuid>) -> Result<Outcome> {
    let loaded = load_task(tx, task_id, &MAY_ASSIGN).await?;
    require_assigning(tx, &loaded.deal)?;
    require_assignee(tx, loaded.stored.task.deal_id, assignee_id).await?;
    require_workable(tx, &loaded).await?;
    let Loaded { deal, stored } = loaded;
    let change = stored.task.assign(assignee_id)?;
    require_sight(tx, &change.task)?;
    let details = stored.details.clone();
    let mut batch = Batch::new(stored.task.deal_id, &deal.zone);
    batch.change(stored, change.clone(), None);
    batch.save(tx).await?;
    Outcome::of(tx, &deal.zone, &change, &details).await
}

/// Refuses an assignee who is not active or would not see the deal: `UNKNOWN_REFERENCE` of `assigneeId`.
pub(super) async fn require_assignee(
    tx: &Tx,
    deal_id: Uuid,
    assignee_id: Option<Uuid>,
) -> Result<()> {
    match assignee_id {
        Some(id) if !deals::may_be_assigned(tx, id, deal_id).await? => {
            Err(unknown_reference("assigneeId"))
        }
        _ => Ok(()),
    }
}
