//! Tasks: reading, locking and writing them.

use anyhow::Context as _;
use domain::{
    party::PartyRole,
    task::{Details, StoredTask, TaskState},
    zone::Zone,
};
use platform::{
    db::{Sight, Tx},
    error::Result,
};
use sea_orm::{FromQueryResult, Value as SqlValue};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{
    deals::{self, Deal, DealRow},
    task_row::{TaskRow, bare, prefixed_by_r, prefixed_by_t, task_columns, task_table},
};

/// The task, if the caller may see it.
pub(crate) async fn find(tx: &Tx, id: Uuid) -> Result<Option<StoredTask>> {
    let row: Option<TaskRow> = tx
        .first(
            concat!(
                "SELECT ",
                task_columns!(),
                " FROM tasks t WHERE t.organization_id = $1 AND t.id = $2 AND t.deleted_at IS NULL"
            ),
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    row.map(TaskRow::restore).transpose()
}

/// A task with the name of its deal and the tasks at the other ends of its dependencies.
#[derive(Debug)]
pub(crate) struct SeenTask {
    pub(crate) task: StoredTask,
    pub(crate) deal_name: String,
    /// What it waits for, done or not, in the plan's order.
    pub(crate) waits_for: Vec<NeighbourRecord>,
    /// What waits for it, in the plan's order.
    pub(crate) waiting: Vec<NeighbourRecord>,
}

/// What is known of a task at the other end of a dependency.
#[derive(Debug, Deserialize)]
pub(crate) struct NeighbourRecord {
    pub(crate) id: Uuid,
    pub(crate) title: String,
    pub(crate) owner_role: Option<String>,
    pub(crate) status: String,
    pub(crate) assignee_id: Option<Uuid>,
}

#[derive(FromQueryResult)]
struct SeenTaskRow {
    #[sea_orm(nested)]
    task: TaskRow,
    deal_name: String,
    waits_for: Value,
    waiting: Value,
}

/// The tasks that dependencies lead to, as JSON. `d` is a dependency, `n` the neighbour.
macro_rules! neighbours {
    ($from:literal, $to:literal) => {
        concat!(
            "(SELECT coalesce(jsonb_agg(jsonb_build_object('id', n.id, 'title', n.title, 'owner_role', n.owner_role,
                       'status', n.status, 'assignee_id', n.assignee_id) ORDER BY n.position, n.id), '[]')
                FROM dependencies d JOIN tasks n ON n.organization_id = d.organization_id AND n.id = d.",
            $to,
            " WHERE d.organization_id = t.organization_id AND n.deleted_at IS NULL AND d.",
            $from,
            " = t.id)"
        )
    };
}

/// The task with its neighbours, if the caller may see it; neighbours that the caller does not see are left out.
pub(crate) async fn find_with_neighbours(tx: &Tx, id: Uuid) -> Result<Option<SeenTask>> {
    let row: Option<SeenTaskRow> = tx
        .first(
            concat!(
                "SELECT ",
                task_columns!(),
                ", (SELECT e.name FROM ctx.deals e
                     WHERE e.organization_id = t.organization_id AND e.id = t.deal_id) AS deal_name, ",
                neighbours!("task_id", "depends_on_id"),
                " AS waits_for, ",
                neighbours!("depends_on_id", "task_id"),
                " AS waiting FROM tasks t
                  WHERE t.organization_id = $1 AND t.id = $2 AND t.deleted_at IS NULL"
            ),
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let read =
        |neighbours| serde_json::from_value(neighbours).context("read the neighbours of a task");
    Ok(Some(SeenTask {
        task: row.task.restore()?,
        deal_name: row.deal_name,
        waits_for: read(row.waits_for)?,
        waiting: read(row.waiting)?,
    }))
}

/// An answer about a task is replayed to callers who see the task; a task deleted since is still the caller's.
pub(crate) const SIGHTS: &[Sight] = &[Sight {
    address: "/api/tasks/",
    find: "SELECT id FROM tasks WHERE organization_id = $1 AND id = $2",
}];

/// Locks the deal of a task against a change of its status. `NOT_FOUND` if the caller cannot see the task.
pub(crate) async fn lock_deal(tx: &Tx, id: Uuid) -> Result<Deal> {
    let row: Option<DealRow> = tx
        .first(
            "SELECT d.* FROM tasks t CROSS JOIN LATERAL ctx.lock_deal(t.deal_id) d
              WHERE t.organization_id = $1 AND t.id = $2 AND t.deleted_at IS NULL",
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    deals::of(row)
}

/// As [`lock_deal`], for a change of dependencies or of many tasks at once.
pub(crate) async fn lock_deal_exclusively(tx: &Tx, id: Uuid) -> Result<Deal> {
    let row: Option<DealRow> = tx
        .first(
            "SELECT d.* FROM tasks t CROSS JOIN LATERAL ctx.lock_deal_exclusively(t.deal_id) d
              WHERE t.organization_id = $1 AND t.id = $2 AND t.deleted_at IS NULL",
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    deals::of(row)
}

/// As [`lock_deal`], for the end of the task: exclusively where dates follow from that. A lock that is shared first and
/// made exclusive later would stop two that finish at once.
pub(crate) async fn lock_deal_to_finish(tx: &Tx, id: Uuid) -> Result<Deal> {
    let row: Option<DealRow> = tx
        .first(
            "SELECT d.* FROM tasks t CROSS JOIN LATERAL (
               SELECT * FROM ctx.lock_deal_exclusively(t.deal_id)
                WHERE t.followed OR t.template_fields -> 'followUp' = 'true'::jsonb
               UNION ALL
               SELECT * FROM ctx.lock_deal(t.deal_id)
                WHERE NOT t.followed AND t.template_fields -> 'followUp' IS DISTINCT FROM 'true'::jsonb) d
              WHERE t.organization_id = $1 AND t.id = $2 AND t.deleted_at IS NULL",
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    deals::of(row)
}

/// The task, locked. `None` if the caller may not change it, or if it has been deleted just now.
pub(crate) async fn lock(tx: &Tx, id: Uuid) -> Result<Option<StoredTask>> {
    let row: Option<TaskRow> = tx
        .first(
            concat!(
                "SELECT ",
                task_columns!(),
                " FROM tasks t WHERE t.organization_id = $1 AND t.id = $2 AND t.deleted_at IS NULL FOR UPDATE"
            ),
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    row.map(TaskRow::restore).transpose()
}

/// Every task of a deal that the caller may see, in the plan's order.
pub(crate) async fn of_deal(tx: &Tx, deal_id: Uuid) -> Result<Vec<StoredTask>> {
    let rows: Vec<TaskRow> = tx
        .all(
            concat!(
                "SELECT ",
                task_columns!(),
                " FROM tasks t WHERE t.organization_id = $1 AND t.deal_id = $2 AND t.deleted_at IS NULL
                  ORDER BY t.position, t.id"
            ),
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    rows.into_iter().map(TaskRow::restore).collect()
}

/// Every task of a deal, locked in id order. The deal is locked exclusively before.
pub(crate) async fn lock_of_deal(tx: &Tx, deal_id: Uuid) -> Result<Vec<StoredTask>> {
    let rows: Vec<TaskRow> = tx
        .all(
            concat!(
                "SELECT ",
                task_columns!(),
                " FROM tasks t WHERE t.organization_id = $1 AND t.deal_id = $2 AND t.deleted_at IS NULL
                  ORDER BY t.id FOR UPDATE"
            ),
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    rows.into_iter().map(TaskRow::restore).collect()
}

/// At most `limit` open tasks of a part in a deal that are nobody's, locked in id order. The deal is locked exclusively
/// before.
pub(crate) async fn lock_unassigned(
    tx: &Tx,
    deal_id: Uuid,
    role: PartyRole,
    limit: usize,
) -> Result<Vec<StoredTask>> {
    let rows: Vec<TaskRow> = tx
        .all(
            concat!(
                "SELECT ",
                task_columns!(),
                " FROM tasks t WHERE t.organization_id = $1 AND t.deal_id = $2 AND t.deleted_at IS NULL
                   AND t.assignee_id IS NULL AND t.owner_role = $3 AND t.status NOT IN ('COMPLETED', 'WAIVED')
                  ORDER BY t.id LIMIT $4 FOR UPDATE"
            ),
            [
                tx.actor().organization_id.into(),
                deal_id.into(),
                role.as_str().into(),
                rows_at_most(limit)?.into(),
            ],
        )
        .await?;
    rows.into_iter().map(TaskRow::restore).collect()
}

fn rows_at_most(limit: usize) -> Result<i64> {
    Ok(i64::try_from(limit).map_err(anyhow::Error::from)?)
}

/// What waits for this task, locked in id order so that two prerequisites that finish at the same instant
/// count one after the other.
pub(crate) async fn lock_dependents(tx: &Tx, id: Uuid) -> Result<Vec<StoredTask>> {
    let rows: Vec<TaskRow> = tx
        .all(
            concat!(
                "SELECT ",
                task_columns!(),
                " FROM tasks t
                  WHERE t.organization_id = $1 AND t.deleted_at IS NULL
                    AND t.id IN (SELECT d.task_id FROM dependencies d
                                  WHERE d.organization_id = $1 AND d.depends_on_id = $2)
                  ORDER BY t.id FOR UPDATE"
            ),
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    rows.into_iter().map(TaskRow::restore).collect()
}

/// A task to be written, with the version that its row must still have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saved<'a> {
    /// The version that was loaded under lock.
    pub(crate) loaded_version: i64,
    /// The new state.
    pub(crate) task: &'a TaskState,
    /// The new details.
    pub(crate) details: &'a Details,
}

/// Writes all columns; `$1` is the organization, `$2` the rows, `$3` their ids. Those of the recordset that
/// are no columns are left out.
///
/// The ids have a condition of their own: PostgreSQL takes a recordset for 100 rows, and for so many it would rather
/// read the whole organization. With the ids it looks each row up by its key.
macro_rules! save_statement {
    () => {
        concat!(
            "UPDATE tasks t SET (",
            task_table!(bare),
            ") = ROW(",
            task_table!(prefixed_by_r),
            ")
               FROM jsonb_populate_recordset(NULL::tasks, $2::jsonb) r
               JOIN jsonb_to_recordset($2::jsonb) AS l(id uuid, loaded_version bigint) ON l.id = r.id
              WHERE t.organization_id = $1 AND t.id = ANY($3) AND t.id = r.id
                AND t.version = l.loaded_version"
        )
    };
}

pub(super) use save_statement;

/// Writes new states of locked tasks in one statement. Fails if the row policies hid one of them.
pub(crate) async fn save(tx: &Tx, zone: &Zone, tasks: &[Saved<'_>]) -> Result<()> {
    let Some(values) = saved_values(zone, tasks)? else {
        return Ok(());
    };
    let organization_id = tx.actor().organization_id.into();
    let values = std::iter::once(organization_id).chain(values);
    let changed = tx.run(save_statement!(), values).await?;
    require_all(changed, tasks.len())
}

/// Writes a finished task and, in the same statement, asks leave to change what waited for it: the database
/// looks whether this session really finished it.
pub(crate) async fn save_finished(tx: &Tx, zone: &Zone, task: Saved<'_>) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Finished {}
    let organization_id = tx.actor().organization_id.into();
    let values = saved_values(zone, &[task])?.into_iter().flatten();
    let finished: Option<Finished> = tx
        .first(
            concat!(
                "WITH finished AS (",
                save_statement!(),
                " RETURNING t.id) SELECT ctx.permit_unlock(id) FROM finished"
            ),
            std::iter::once(organization_id).chain(values),
        )
        .await?;
    require_all(u64::from(finished.is_some()), 1)
}

/// The values `$2` and `$3` of [`save_statement`]; `None` without tasks.
pub(super) fn saved_values(zone: &Zone, tasks: &[Saved<'_>]) -> Result<Option<[SqlValue; 2]>> {
    if tasks.is_empty() {
        return Ok(None);
    }
    let rows: Result<Value> = tasks
        .iter()
        .map(|saved| {
            let mut row = row(zone, saved.task, saved.details)?;
            row["loaded_version"] = saved.loaded_version.into();
            Ok(row)
        })
        .collect();
    let ids: Vec<Uuid> = tasks.iter().map(|saved| saved.task.id).collect();
    Ok(Some([rows?.into(), ids.into()]))
}

fn row(zone: &Zone, task: &TaskState, details: &Details) -> Result<Value> {
    let row = TaskRow::of(task, details, zone)?;
    Ok(serde_json::to_value(row).map_err(anyhow::Error::from)?)
}

/// Adds tasks in one statement. Their milestones exist; dependencies follow.
pub(crate) async fn insert(tx: &Tx, zone: &Zone, tasks: &[(&TaskState, &Details)]) -> Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    let rows: Result<Value> = tasks
        .iter()
        .map(|(task, details)| row(zone, task, details))
        .collect();
    tx.run(
        concat!(
            "INSERT INTO tasks (organization_id, ",
            task_table!(bare),
            ") SELECT $1, ",
            task_table!(prefixed_by_r),
            " FROM jsonb_populate_recordset(NULL::tasks, $2::jsonb) r"
        ),
        [tx.actor().organization_id.into(), rows?.into()],
    )
    .await?;
    Ok(())
}

/// Notes that a rule which somebody made counts from the completion of this task. No transition: nothing of the task
/// changes that anybody reads.
pub(crate) async fn mark_followed(tx: &Tx, anchor: &StoredTask) -> Result<()> {
    if anchor.details.followed {
        return Ok(());
    }
    let marked = tx
        .run(
            "UPDATE tasks SET followed = true WHERE organization_id = $1 AND id = $2",
            [tx.actor().organization_id.into(), anchor.task.id.into()],
        )
        .await?;
    require_all(marked, 1)
}

/// Marks a task as deleted, with the version that its deletion made.
pub(crate) async fn delete(tx: &Tx, loaded_version: i64, task: &TaskState) -> Result<()> {
    let changed = tx
        .run(
            "UPDATE tasks SET deleted_at = clock_timestamp(), version = $4
              WHERE organization_id = $1 AND id = $2 AND version = $3 AND deleted_at IS NULL",
            [
                tx.actor().organization_id.into(),
                task.id.into(),
                loaded_version.into(),
                task.version.into(),
            ],
        )
        .await?;
    require_all(changed, 1)
}

/// The last place in a deal's plan that is taken.
pub(crate) async fn last_position(tx: &Tx, deal_id: Uuid) -> Result<i32> {
    #[derive(FromQueryResult)]
    struct Last {
        position: i32,
    }
    let last: Option<Last> = tx
        .first(
            "SELECT coalesce(max(position), 0) AS position FROM tasks WHERE organization_id = $1 AND deal_id = $2",
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    Ok(last.map_or(0, |last| last.position))
}

pub(crate) fn require_all(changed: u64, expected: usize) -> Result<()> {
    if usize::try_from(changed).is_ok_and(|changed| changed == expected) {
        return Ok(());
    }
    Err(anyhow::anyhow!("{changed} of {expected} locked rows could be changed").into())
}
