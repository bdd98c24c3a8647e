//! Read models: what task-service has told of plans, milestones, tasks and key dates.
//!
//! Written by the consumer alone. Each row carries the version it comes from and never goes back to an
//! older one, so a rebuild beside the running consumer does no harm.

use anyhow::Context as _;
use contracts::{field, v1};
use domain::{deal::PlanState, task::TaskStatus};
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use time::Date;
use uuid::Uuid;

/// A milestone of a deal's plan.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub(crate) struct MilestoneView {
    pub(crate) id: Uuid,
    pub(crate) key: Option<String>,
    pub(crate) title: String,
    /// In plain words, where the template has them.
    pub(crate) buyer_title: Option<String>,
    pub(crate) position: i32,
    pub(crate) completed_at: Option<time::OffsetDateTime>,
}

/// A task of a deal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskView {
    pub(crate) id: Uuid,
    pub(crate) milestone_id: Option<Uuid>,
    pub(crate) title: String,
    /// In plain words, where the template has them.
    pub(crate) buyer_title: Option<String>,
    pub(crate) status: TaskStatus,
    pub(crate) owner_role: Option<String>,
    pub(crate) assignee_id: Option<Uuid>,
    pub(crate) due_date: Option<Date>,
    pub(crate) completed_on: Option<Date>,
    pub(crate) buyer_visible: bool,
    /// The tasks it waits for, done or not.
    pub(crate) depends_on: Vec<Uuid>,
}

#[derive(FromQueryResult)]
struct TaskRow {
    id: Uuid,
    milestone_id: Option<Uuid>,
    title: String,
    buyer_title: Option<String>,
    status: String,
    owner_role: Option<String>,
    assignee_id: Option<Uuid>,
    due_date: Option<Date>,
    completed_on: Option<Date>,
    buyer_visible: bool,
    depends_on: Vec<Uuid>,
}

/// A key date of a deal.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub(crate) struct KeyDateView {
    pub(crate) key: String,
    pub(crate) title: String,
    pub(crate) date: Option<Date>,
    pub(crate) state: String,
}

#[derive(FromQueryResult)]
struct PlanRow {
    state: String,
}

/// Whether the deal's plan is made; `None` before anything was told of it.
pub(crate) async fn plan_state(tx: &Tx, deal_id: Uuid) -> Result<Option<PlanState>> {
    let row: Option<PlanRow> = tx
        .first(
            "SELECT state FROM plan_view WHERE organization_id = $1 AND deal_id = $2",
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    let state = row.map(|row| PlanState::parse(&row.state).context("an unknown state of a plan"));
    Ok(state.transpose()?)
}

/// The deal's milestones, in order.
pub(crate) async fn milestones(tx: &Tx, deal_id: Uuid) -> Result<Vec<MilestoneView>> {
    tx.all(
        "SELECT id, key, title, buyer_title, position, completed_at FROM milestone_view
          WHERE organization_id = $1 AND deal_id = $2 ORDER BY position, id",
        [tx.actor().organization_id.into(), deal_id.into()],
    )
    .await
}

/// The deal's tasks, in the plan's order.
pub(crate) async fn tasks(tx: &Tx, deal_id: Uuid) -> Result<Vec<TaskView>> {
    let rows: Vec<TaskRow> = tx
        .all(
            "SELECT id, milestone_id, title, buyer_title, status, owner_role, assignee_id, due_date, completed_on,
                    buyer_visible, depends_on
               FROM task_view WHERE organization_id = $1 AND deal_id = $2 AND NOT is_deleted ORDER BY position, id",
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    rows.into_iter().map(TaskRow::restore).collect()
}

impl TaskRow {
    fn restore(self) -> Result<TaskView> {
        Ok(TaskView {
            id: self.id,
            milestone_id: self.milestone_id,
            title: self.title,
            buyer_title: self.buyer_title,
            status: TaskStatus::parse(&self.status).context("an unknown status of a task")?,
            owner_role: self.owner_role,
            assignee_id: self.assignee_id,
            due_date: self.due_date,
            completed_on: self.completed_on,
            buyer_visible: self.buyer_visible,
            depends_on: self.depends_on,
        })
    }
}

/// The key dates that buyers are shown, in order.
pub(crate) async fn buyer_key_dates(tx: &Tx, deal_id: Uuid) -> Result<Vec<KeyDateView>> {
    tx.all(
        "SELECT key, title, date, state FROM key_date_view
          WHERE organization_id = $1 AND deal_id = $2 AND buyer_visible ORDER BY date, position",
        [tx.actor().organization_id.into(), deal_id.into()],
    )
    .await
}

/// The state of one key date; `None` before its first event.
pub(crate) async fn key_date_state(tx: &Tx, deal_id: Uuid, key: &str) -> Result<Option<String>> {
    #[derive(FromQueryResult)]
    struct Row {
        state: String,
    }
    let row: Option<Row> = tx
        .first(
            "SELECT state FROM key_date_view WHERE organization_id = $1 AND deal_id = $2 AND key = $3",
            [
                tx.actor().organization_id.into(),
                deal_id.into(),
                key.into(),
            ],
        )
        .await?;
    Ok(row.map(|row| row.state))
}

/// Locks a deal's row, as every projection does at its end, and forgets everything that was told of the deal.
pub(crate) async fn clear(tx: &Tx, deal_id: Uuid) -> Result<()> {
    let organization_id = tx.actor().organization_id;
    tx.run(
        "UPDATE deals SET closing_date = (initial_key_dates ->> 'closing_date')::date, closing_date_version = 0,
           summary_revision = summary_revision + 1
         WHERE organization_id = $1 AND id = $2",
        [organization_id.into(), deal_id.into()],
    )
    .await?;
    for sql in [
        "DELETE FROM plan_view WHERE organization_id = $1 AND deal_id = $2",
        "DELETE FROM milestone_view WHERE organization_id = $1 AND deal_id = $2",
        "DELETE FROM task_view WHERE organization_id = $1 AND deal_id = $2",
        "DELETE FROM key_date_view WHERE organization_id = $1 AND deal_id = $2",
    ] {
        tx.run(sql, [organization_id.into(), deal_id.into()])
            .await?;
    }
    Ok(())
}

/// Takes over a plan with its milestones.
pub(crate) async fn put_plan(tx: &Tx, event: &v1::PlanEvent) -> Result<()> {
    let deal_id = id("dealId", &event.deal_id)?;
    tx.run(
        "INSERT INTO plan_view (organization_id, deal_id, state, version) VALUES ($1, $2, $3, $4)
         ON CONFLICT (deal_id) DO UPDATE SET state = excluded.state, version = excluded.version
         WHERE plan_view.version < excluded.version",
        [
            tx.actor().organization_id.into(),
            deal_id.into(),
            event.state.clone().into(),
            number(event.version)?.into(),
        ],
    )
    .await?;
    for milestone in &event.milestones {
        put_milestone(tx, milestone).await?;
    }
    Ok(())
}

/// Takes over a milestone.
pub(crate) async fn put_milestone(tx: &Tx, event: &v1::MilestoneEvent) -> Result<()> {
    let completed_at = field::optional_instant("completedAt", event.completed_at.as_deref())
        .map_err(anyhow::Error::from)?;
    tx.run(
        "INSERT INTO milestone_view (id, organization_id, deal_id, key, title, buyer_title, position, is_completed,
           completed_at, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (id) DO UPDATE SET title = excluded.title, buyer_title = excluded.buyer_title,
           position = excluded.position, is_completed = excluded.is_completed, completed_at = excluded.completed_at,
           version = excluded.version
         WHERE milestone_view.version < excluded.version",
        [
            id("milestoneId", &event.milestone_id)?.into(),
            tx.actor().organization_id.into(),
            id("dealId", &event.deal_id)?.into(),
            Some(event.key.clone()).filter(|key| !key.is_empty()).into(),
            event.title.clone().into(),
            event.buyer_title.clone().into(),
            place(event.position)?.into(),
            event.completed.into(),
            completed_at.into(),
            number(event.version)?.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Whether a task is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Present,
    Deleted,
}

/// Takes over a task, and tells that the summary changed: one statement, since tasks come by the dozen.
pub(crate) async fn put_task(tx: &Tx, event: &v1::TaskEvent, presence: Presence) -> Result<()> {
    let depends_on: Result<Vec<Uuid>> = event
        .depends_on
        .iter()
        .map(|text| id("dependsOn", text))
        .collect();
    tx.run(
        "WITH put AS (
         INSERT INTO task_view (id, organization_id, deal_id, milestone_id, key, title, buyer_title, status, owner_role,
           assignee_id, due_date, completed_on, is_blocked, is_overdue, buyer_visible, required, position, depends_on,
           is_deleted, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
         ON CONFLICT (id) DO UPDATE SET milestone_id = excluded.milestone_id, title = excluded.title,
           buyer_title = excluded.buyer_title, status = excluded.status, owner_role = excluded.owner_role,
           assignee_id = excluded.assignee_id, due_date = excluded.due_date, completed_on = excluded.completed_on,
           is_blocked = excluded.is_blocked, is_overdue = excluded.is_overdue, buyer_visible = excluded.buyer_visible,
           required = excluded.required, position = excluded.position, depends_on = excluded.depends_on,
           is_deleted = excluded.is_deleted, version = excluded.version
         WHERE task_view.version < excluded.version)
         UPDATE deals SET summary_revision = summary_revision + 1 WHERE organization_id = $2 AND id = $3",
        [
            id("taskId", &event.task_id)?.into(),
            tx.actor().organization_id.into(),
            id("dealId", &event.deal_id)?.into(),
            optional_id("milestoneId", event.milestone_id.as_deref())?.into(),
            event.key.clone().into(),
            event.title.clone().into(),
            event.buyer_title.clone().into(),
            event.status.clone().into(),
            event.owner_role.clone().into(),
            optional_id("assigneeId", event.assignee_id.as_deref())?.into(),
            optional_date("dueDate", event.due_date.as_deref())?.into(),
            optional_date("completedOn", event.completed_on.as_deref())?.into(),
            event.is_blocked.into(),
            event.is_overdue.into(),
            event.buyer_visible.into(),
            event.required.into(),
            place(event.position)?.into(),
            depends_on?.into(),
            (presence == Presence::Deleted).into(),
            number(event.version)?.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Takes over all key dates of a deal, and its closing date.
pub(crate) async fn put_key_dates(tx: &Tx, event: &v1::KeyDatesEvent) -> Result<()> {
    let deal_id = id("dealId", &event.deal_id)?;
    let version = number(event.version)?;
    let organization_id = tx.actor().organization_id;
    let newer = tx
        .run(
            "UPDATE deals SET closing_date = $3, closing_date_version = $4
              WHERE organization_id = $1 AND id = $2 AND closing_date_version < $4",
            [
                organization_id.into(),
                deal_id.into(),
                optional_date("closingDate", event.closing_date.as_deref())?.into(),
                version.into(),
            ],
        )
        .await?;
    if newer == 0 {
        return Ok(());
    }
    let dates: Vec<Value> = event.key_dates.iter().enumerate().map(key_date).collect();
    tx.run(
        "DELETE FROM key_date_view WHERE organization_id = $1 AND deal_id = $2",
        [organization_id.into(), deal_id.into()],
    )
    .await?;
    tx.run(
        "INSERT INTO key_date_view (organization_id, deal_id, key, title, date, state, buyer_visible, position, version)
         SELECT $1, $2, key, title, date, state, buyer_visible, position, $4
           FROM jsonb_to_recordset($3::jsonb) AS t(
             key text, title text, date date, state text, buyer_visible boolean, position integer)",
        [
            organization_id.into(),
            deal_id.into(),
            Value::Array(dates).into(),
            version.into(),
        ],
    )
    .await?;
    Ok(())
}

fn key_date((position, key_date): (usize, &v1::KeyDate)) -> Value {
    json!({
        "key": key_date.key,
        "title": key_date.title,
        "date": key_date.date,
        "state": key_date.state,
        "buyer_visible": key_date.buyer_visible,
        "position": position,
    })
}

fn id(name: &'static str, text: &str) -> Result<Uuid> {
    Ok(field::uuid(name, text).map_err(anyhow::Error::from)?)
}

fn optional_id(name: &'static str, text: Option<&str>) -> Result<Option<Uuid>> {
    text.map(|text| id(name, text)).transpose()
}

fn optional_date(name: &'static str, text: Option<&str>) -> Result<Option<Date>> {
    Ok(field::optional_date(name, text).map_err(anyhow::Error::from)?)
}

fn number(version: u64) -> Result<i64> {
    Ok(i64::try_from(version).context("a version too large")?)
}

fn place(position: u32) -> Result<i32> {
    Ok(i32::try_from(position).context("a position too large")?)
}
