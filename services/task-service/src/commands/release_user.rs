//! Taking the open tasks from a user who can no longer sign in.

use domain::deal::DealStatus;
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{Step, take_steps};
use crate::repository::{deals, tasks};

/// Why, in the history of each task.
const REASON: &str = "the assignee can no longer sign in";

/// Unassigns the tasks, deal by deal. Those of a deal that is over stay as they were.
pub(crate) async fn run(tx: &mut Tx, user_id: Uuid) -> Result<()> {
    #[derive(FromQueryResult)]
    struct DealRow {
        deal_id: Uuid,
    }
    let deals: Vec<DealRow> = tx
        .all(
            "SELECT DISTINCT deal_id FROM tasks
              WHERE organization_id = $1 AND assignee_id = $2 AND deleted_at IS NULL
                AND status NOT IN ('COMPLETED', 'WAIVED')
              ORDER BY deal_id",
            [tx.actor().organization_id.into(), user_id.into()],
        )
        .await?;
    for DealRow { deal_id } in deals {
        let deal = deals::lock_exclusively(tx, deal_id).await?;
        if matches!(deal.status, DealStatus::Closed | DealStatus::Cancelled) {
            continue;
        }
        let all = tasks::lock_of_deal(tx, deal_id).await?;
        let mut steps = Vec::new();
        for stored in &all {
            let is_theirs = stored.task.facts.assignee_id == Some(user_id);
            if is_theirs && !stored.task.status.is_done() {
                steps.push(Step::of(stored, stored.task.assign(None)?));
            }
        }
        take_steps(tx, &deal.zone, &steps, Some(REASON)).await?;
    }
    Ok(())
}
