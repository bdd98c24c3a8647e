//! One task with its neighbours: what it waits for, and what waits for it.

use domain::{party::PartyRole, rejection::Rejection, task::StoredTask};
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    repository::tasks,
    sight::Sight,
    views::{TaskView, is_staff},
};

/// A task with its neighbours.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskWithDependencies {
    #[serde(flatten)]
    pub(crate) task: TaskView,
    /// What it waits for, done or not.
    pub(crate) dependencies: Vec<Neighbour>,
    /// What waits for it.
    pub(crate) dependents: Vec<Neighbour>,
    /// The draft of the e-mail that goes with it. Not for clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email_draft: Option<EmailDraft>,
}

/// A mail to look over and send.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct EmailDraft {
    /// The part that it is for; `null` for everybody in the deal.
    to: Option<&'static str>,
    subject: String,
    body: &'static str,
}

/// A task at the other end of a dependency, or of several in a row. If the caller may not see it, only its owner's
/// part.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Neighbour {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) title: Option<String>,
    pub(crate) owner_role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) assignee_id: Option<Uuid>,
}

#[derive(FromQueryResult)]
struct NeighbourRow {
    is_prerequisite: bool,
    id: Option<Uuid>,
    title: Option<String>,
    owner_role: Option<String>,
    status: Option<String>,
    assignee_id: Option<Uuid>,
}

/// Reads the task. Rejections: `NOT_FOUND`.
pub(crate) async fn run(tx: &Tx, id: Uuid) -> Result<TaskWithDependencies> {
    if is_staff(tx.actor()) {
        for_staff(tx, id).await
    } else {
        for_clients(tx, id).await
    }
}

/// Who sees a task as staff sees all tasks of its deal: one statement answers everything.
async fn for_staff(tx: &Tx, id: Uuid) -> Result<TaskWithDependencies> {
    let seen = tasks::find_with_neighbours(tx, id)
        .await?
        .ok_or(Rejection::NotFound)?;
    Ok(TaskWithDependencies {
        email_draft: email_draft(&seen.task, &seen.deal_name),
        task: TaskView::stored(&seen.task, tx.actor(), &Sight::All),
        dependencies: seen.waits_for.into_iter().map(Neighbour::from).collect(),
        dependents: seen.waiting.into_iter().map(Neighbour::from).collect(),
    })
}

async fn for_clients(tx: &Tx, id: Uuid) -> Result<TaskWithDependencies> {
    let stored = tasks::find(tx, id).await?.ok_or(Rejection::NotFound)?;
    let rows: Vec<NeighbourRow> = tx
        .all(
            "WITH edge AS (
               SELECT d.depends_on_id AS other_id, true AS is_prerequisite FROM dependencies d
                WHERE d.organization_id = $1 AND d.task_id = $2
               UNION ALL
               SELECT d.task_id, false FROM dependencies d
                WHERE d.organization_id = $1 AND d.depends_on_id = $2)
             SELECT e.is_prerequisite, t.id, t.title, o.owner_role, t.status, t.assignee_id
               FROM edge e
               JOIN ctx.task_owners(ARRAY(SELECT other_id FROM edge)) o ON o.id = e.other_id
               LEFT JOIN tasks t ON t.organization_id = $1 AND t.id = e.other_id
              ORDER BY t.position, e.other_id",
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    let sight = Sight::of(tx, [stored.task.deal_id]).await?;
    let (prerequisites, dependents): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| row.is_prerequisite);
    Ok(TaskWithDependencies {
        email_draft: None,
        task: TaskView::stored(&stored, tx.actor(), &sight),
        dependencies: prerequisites.into_iter().map(Neighbour::from).collect(),
        dependents: dependents.into_iter().map(Neighbour::from).collect(),
    })
}

fn email_draft(stored: &StoredTask, deal_name: &str) -> Option<EmailDraft> {
    let email = stored.details.template_fields.email?;
    let draft = email.template.draft(email.client);
    Some(EmailDraft {
        to: draft.to.map(PartyRole::as_str),
        subject: format!("{} ({deal_name})", draft.subject),
        body: draft.body,
    })
}

/// One of the tasks that a task waits for. Rejections: `NOT_FOUND`.
pub(crate) async fn dependency(tx: &Tx, id: Uuid, depends_on_id: Uuid) -> Result<Neighbour> {
    let stored = tasks::find(tx, id).await?.ok_or(Rejection::NotFound)?;
    if !stored.details.depends_on.contains(&depends_on_id) {
        return Err(Rejection::NotFound.into());
    }
    let row: Option<NeighbourRow> = tx
        .first(
            "SELECT true AS is_prerequisite, t.id, t.title, o.owner_role, t.status, t.assignee_id
               FROM ctx.task_owners(ARRAY[$2::uuid]) o
               LEFT JOIN tasks t ON t.organization_id = $1 AND t.id = o.id",
            [tx.actor().organization_id.into(), depends_on_id.into()],
        )
        .await?;
    Ok(row.ok_or(Rejection::NotFound)?.into())
}

impl From<tasks::NeighbourRecord> for Neighbour {
    fn from(record: tasks::NeighbourRecord) -> Self {
        Self {
            id: Some(record.id),
            title: Some(record.title),
            owner_role: record.owner_role,
            status: Some(record.status),
            assignee_id: record.assignee_id,
        }
    }
}

impl From<NeighbourRow> for Neighbour {
    fn from(row: NeighbourRow) -> Self {
        Self {
            id: row.id,
            title: row.title,
            owner_role: row.owner_role,
            status: row.status,
            assignee_id: row.assignee_id,
        }
    }
}
