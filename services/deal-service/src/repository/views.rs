//! Read models: what is known here of plans, milestones, tasks and key dates. Written by [`super::projection`].

use anyhow::Context as _;
use domain::{deal::PlanState, task::TaskStatus};
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
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

/// The state of the deal's plan; `None` before the first event of it.
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
            "SELECT id, milestone_id, title, status, owner_role, assignee_id, due_date, completed_on,
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
