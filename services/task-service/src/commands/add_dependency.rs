//! Making a task wait for another one.

use std::collections::BTreeMap;

use domain::{permission::Permission, plan::Graph, rejection::Rejection, task::Prerequisite};
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{Loaded, Outcome, Step, load_task_exclusively, take_steps, unknown_reference};
use crate::{
    repository::{
        dependencies::{self, Dependency},
        tasks::{self, Details},
    },
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
    let edge = Dependency {
        task_id,
        depends_on_id,
    };
    dependencies::insert(tx, stored.task.deal_id, &[edge]).await?;
    let mut depends_on = stored.details.depends_on.clone();
    depends_on.push(depends_on_id);
    depends_on.sort_unstable();
    let step = Step {
        stored: &stored,
        change,
        details: Details {
            depends_on,
            ..stored.details.clone()
        },
    };
    take_steps(tx, &deal.zone, std::slice::from_ref(&step), None).await?;
    Outcome::of(tx, &deal.zone, &step.change, &step.details).await
}
