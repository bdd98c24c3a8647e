//! Which task waits for which.

use std::collections::{BTreeMap, BTreeSet};

use domain::rejection::Blocker;
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use uuid::Uuid;

use super::tasks::require_all;

/// One dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult)]
pub(crate) struct Dependency {
    /// The task that waits.
    pub(crate) task_id: Uuid,
    /// The task that it waits for.
    pub(crate) depends_on_id: Uuid,
}

/// Every dependency of a deal.
pub(crate) async fn of_deal(tx: &Tx, deal_id: Uuid) -> Result<Vec<Dependency>> {
    tx.all(
        "SELECT task_id, depends_on_id FROM dependencies
          WHERE organization_id = $1 AND deal_id = $2 ORDER BY task_id, depends_on_id",
        [tx.actor().organization_id.into(), deal_id.into()],
    )
    .await
}

/// What each task of a deal waits for, done or not; tasks that wait for nothing are left out.
pub(crate) async fn waits_for(tx: &Tx, deal_id: Uuid) -> Result<BTreeMap<Uuid, BTreeSet<Uuid>>> {
    let mut waits_for: BTreeMap<Uuid, BTreeSet<Uuid>> = BTreeMap::new();
    for edge in of_deal(tx, deal_id).await? {
        let others = waits_for.entry(edge.task_id).or_default();
        others.insert(edge.depends_on_id);
    }
    Ok(waits_for)
}

/// Adds dependencies in one statement.
pub(crate) async fn insert(tx: &Tx, deal_id: Uuid, dependencies: &[Dependency]) -> Result<()> {
    if dependencies.is_empty() {
        return Ok(());
    }
    let rows: Value = dependencies
        .iter()
        .map(|edge| json!({"task_id": edge.task_id, "depends_on_id": edge.depends_on_id}))
        .collect();
    let added = tx
        .run(
            "INSERT INTO dependencies (organization_id, deal_id, task_id, depends_on_id)
             SELECT $1, $2, task_id, depends_on_id
               FROM jsonb_to_recordset($3::jsonb) AS r(task_id uuid, depends_on_id uuid)",
            [
                tx.actor().organization_id.into(),
                deal_id.into(),
                rows.into(),
            ],
        )
        .await?;
    require_all(added, dependencies.len())
}

/// Removes dependencies in one statement.
pub(crate) async fn delete(tx: &Tx, deal_id: Uuid, dependencies: &[Dependency]) -> Result<()> {
    if dependencies.is_empty() {
        return Ok(());
    }
    let (tasks, others): (Vec<Uuid>, Vec<Uuid>) = dependencies
        .iter()
        .map(|edge| (edge.task_id, edge.depends_on_id))
        .unzip();
    let removed = tx
        .run(
            "DELETE FROM dependencies d USING unnest($3::uuid[], $4::uuid[]) AS r(task_id, depends_on_id)
              WHERE d.organization_id = $1 AND d.deal_id = $2 AND d.task_id = ANY($3)
                AND d.task_id = r.task_id AND d.depends_on_id = r.depends_on_id",
            [
                tx.actor().organization_id.into(),
                deal_id.into(),
                tasks.into(),
                others.into(),
            ],
        )
        .await?;
    require_all(removed, dependencies.len())
}

#[derive(FromQueryResult)]
struct BlockerRow {
    id: Option<Uuid>,
    title: Option<String>,
    owner_role: Option<String>,
}

/// Those of these tasks that are open. If the caller cannot see one, only its owner's part.
pub(crate) async fn blockers(tx: &Tx, depends_on: &[Uuid]) -> Result<Vec<Blocker>> {
    let rows: Vec<BlockerRow> = tx
        .all(
            "SELECT t.id, t.title, o.owner_role
               FROM ctx.task_owners($2) o
               LEFT JOIN tasks t ON t.organization_id = $1 AND t.id = o.id
              WHERE o.status NOT IN ('COMPLETED', 'WAIVED')
              ORDER BY t.position, t.id",
            [
                tx.actor().organization_id.into(),
                depends_on.to_vec().into(),
            ],
        )
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| Blocker {
            id: row.id,
            title: row.title,
            owner_role: row.owner_role,
        })
        .collect())
}
