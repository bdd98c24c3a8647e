//! Making a task wait for another one.

use std::collections::BTreeMap;

use domain::{
    cascade::Step,
    permission::Permission,
    plan::Graph,
    rejection::Rejection,
    task::{Details, Prerequisite},
};
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{Loaded, Outcome, batch::Batch, load_task_exclusively, unknown_reference};
use crate::{
    repository::{dependencies, tasks},
    sight::Sight,
    views::TaskView,
};

/// Adds the dependency; one that is there already is no change. The deal is locked exclusively, so of two
/// additions that would close a cycle together the second one sees the first. Rejections: `NOT_FOUND`,
/// `UNKNOWN_REFERENCE` of `dependsOnId`, `TASK_DEPENDENCY_CYCLE`, `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE`.
pub(crate) async fn run(tx: &mut Tx, task_id: Uuid, depends_on_id: Uuid) -> Result<Outcome> {
    let Loaded { deal, stored } =
        load_task_exclusively(tx, task_id, &[Permission::ManageTasks]).await?;
    let prerequisite = tasks::find(tx, depends_on_id)
        .await?
        .filter(|other| other.task.deal_id == stored.task.deal_id)
        .ok_or_else(|| unknown_reference("dependsOnId"))?;
    let mut waits_for: BTreeMap<Uuid, Vec<Uuid>> = BTreeMap::new();
    for edge in dependencies::of_deal(tx, stored.task.deal_id).await? {
        waits_for
            .entry(edge.task_id)
            .or_default()
            .push(edge.depends_on_id);
    }
    let graph: Graph<Uuid> = waits_for.into_iter().collect();
    if let Some(cycle) = graph.cycle_closed_by(&task_id, &depends_on_id) {
        return Err(Rejection::TaskDependencyCycle { path: cycle.path }.into());
    }
    deal.status.require_active()?;
    if stored.details.depends_on.contains(&depends_on_id) {
        let sight = Sight::of(tx, [stored.task.deal_id]).await?;
        let task = TaskView::stored(&stored, tx.actor(), &sight);
        return Ok(Outcome { task });
    }
    let change = stored
        .task
        .add_dependency(Prerequisite::of(prerequisite.task.status))?;
    let mut depends_on = stored.details.depends_on.clone();
    depends_on.push(depends_on_id);
    depends_on.sort_unstable();
    let details = Details {
        depends_on,
        ..stored.details.clone()
    };
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
