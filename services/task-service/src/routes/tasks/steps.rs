//! The steps of a task: given to somebody, done, waived, reopened.

use actix_web::{HttpResponse, web};
use domain::{rejection::Rejection, task::Dependents};
use platform::{
    db::{Idempotency, Reply},
    error::{Problem, Result},
    http::{
        Authorized, Body, Routes,
        body::{Json, JsonOrEmpty},
        path::PathId,
        permission::{AssignTasks, CompleteTasks, ManageTasks},
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::bodies::optional_date;
use crate::{
    commands::{
        assign_task,
        complete_task::{self, CompleteTask},
        finish_task::Series,
        reopen_task, waive_task,
    },
    services::Services,
    views::TaskView,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .post("/api/tasks/{id}/assign", assign)
        .post("/api/tasks/{id}/complete", complete)
        .post("/api/tasks/{id}/waive", waive)
        .post("/api/tasks/{id}/reopen", reopen)
}

/// Whom to give a task.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssignBody {
    /// The user; null unassigns the task.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    assignee_id: Option<Uuid>,
}

impl Body for AssignBody {}

/// What comes with a completion.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CompleteBody {
    #[schema(max_length = 1000)]
    note: Option<String>,
    /// When it was really done, `YYYY-MM-DD`; default today.
    #[schema(format = "date")]
    completed_on: Option<String>,
}

impl Body for CompleteBody {
    fn check(&self) -> Result<(), Rejection> {
        optional_date("completedOn", self.completed_on.as_deref()).map(drop)
    }
}

/// What came of a completion.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CompleteAnswer {
    task: TaskView,
    /// The tasks that became free, as far as the caller may see them.
    unlocked: Vec<Uuid>,
    /// The milestone that this completed.
    milestone_completed: Option<Uuid>,
    /// What should have been looked at; nothing was refused for it.
    warnings: Vec<String>,
}

/// Why a task is waived.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WaiveBody {
    #[schema(max_length = 1000)]
    reason: String,
    /// Of repeating work: whether this one alone is waived, so that the next one comes. By default the series ends.
    #[serde(default)]
    only_this: bool,
}

impl Body for WaiveBody {
    fn check(&self) -> Result<(), Rejection> {
        domain::text::reason(&self.reason).map(drop)
    }
}

/// Why a task is reopened.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ReopenTaskBody)]
pub(crate) struct ReopenBody {
    #[schema(max_length = 1000)]
    reason: String,
    /// Whether tasks that were completed after it are reopened as well.
    #[serde(default)]
    cascade: bool,
}

impl Body for ReopenBody {
    fn check(&self) -> Result<(), Rejection> {
        domain::text::reason(&self.reason).map(drop)
    }
}

/// Assigns a task to somebody, or unassigns it with `null`. The same assignee again changes nothing.
///
/// **Permissions**: `assign_tasks` in deals the caller sees, or `manage_tasks`. Rejections: `NOT_FOUND`, `FORBIDDEN`,
/// `UNKNOWN_REFERENCE` of `assigneeId`, `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE`.
#[utoipa::path(
    post,
    path = "/api/tasks/{id}/assign",
    operation_id = "assignTask",
    tag = "tasks",
    params(("id" = Uuid, Path, description = "The task")),
    request_body = AssignBody,
    responses((status = 200, description = "The task", body = TaskView)),
)]
pub(crate) async fn assign(
    caller: Authorized<AssignTasks>,
    id: PathId,
    idempotency: Idempotency,
    body: Json<AssignBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    services
        .db
        .once(&caller, &idempotency, &body.raw, async |tx| {
            assign_task::run(tx, id.0, body.value.assignee_id)
                .await?
                .reply()
        })
        .await
}

/// Completes a task, and unlocks what waited for it alone.
///
/// **Permissions**: its assignee; `manage_tasks` for any; `assign_tasks` for an unassigned one. Rejections: `NOT_FOUND`,
/// `FORBIDDEN`, `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE`, `TASK_BLOCKED`.
#[utoipa::path(
    post,
    path = "/api/tasks/{id}/complete",
    operation_id = "completeTask",
    tag = "tasks",
    params(("id" = Uuid, Path, description = "The task")),
    request_body = CompleteBody,
    responses(
        (status = 200, description = "Completed", body = CompleteAnswer, headers(("ETag" = String, description = "The entity tag of the task."))),
        (status = 409, description = "DEAL_NOT_ACTIVE, TASK_ALREADY_DONE or TASK_BLOCKED", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn complete(
    caller: Authorized<CompleteTasks>,
    id: PathId,
    idempotency: Idempotency,
    body: JsonOrEmpty<CompleteBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let command = CompleteTask {
        task_id: id.0,
        note: body.value.note,
        completed_on: optional_date("completedOn", body.value.completed_on.as_deref())?,
    };
    services
        .db
        .once(&caller, &idempotency, &body.raw, async |tx| {
            let completed = complete_task::run(tx, &command).await?;
            let version = completed.task.version;
            let answer = CompleteAnswer {
                task: completed.task,
                unlocked: completed.unlocked,
                milestone_completed: completed.milestone_completed,
                warnings: completed.warnings,
            };
            Ok(Reply::ok(&answer)?.version(version))
        })
        .await
}

/// Waives a task: it will not be done, and nobody waits for it any more. Of repeating work no further one comes, unless
/// `onlyThis`.
///
/// **Permissions**: `manage_tasks`. Rejections: `NOT_FOUND`, `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE`.
#[utoipa::path(
    post,
    path = "/api/tasks/{id}/waive",
    operation_id = "waiveTask",
    tag = "tasks",
    params(("id" = Uuid, Path, description = "The task")),
    request_body = WaiveBody,
    responses((status = 200, description = "The task", body = TaskView)),
)]
pub(crate) async fn waive(
    caller: Authorized<ManageTasks>,
    id: PathId,
    idempotency: Idempotency,
    body: Json<WaiveBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let series = if body.value.only_this {
        Series::GoesOn
    } else {
        Series::Ends
    };
    services
        .db
        .once(&caller, &idempotency, &body.raw, async |tx| {
            waive_task::run(tx, id.0, &body.value.reason, series)
                .await?
                .reply()
        })
        .await
}

/// Reopens a completed or waived task, and re-blocks what waits for it.
///
/// **Permissions**: `manage_tasks`. Rejections: `NOT_FOUND`, `DEAL_NOT_ACTIVE`, `TASK_NOT_DONE`, `TASK_DEPENDENT_DONE`
/// unless `cascade`.
#[utoipa::path(
    post,
    path = "/api/tasks/{id}/reopen",
    operation_id = "reopenTask",
    tag = "tasks",
    params(("id" = Uuid, Path, description = "The task")),
    request_body = ReopenBody,
    responses((status = 200, description = "The task", body = TaskView)),
)]
pub(crate) async fn reopen(
    caller: Authorized<ManageTasks>,
    id: PathId,
    idempotency: Idempotency,
    body: Json<ReopenBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let dependents = if body.value.cascade {
        Dependents::Reopen
    } else {
        Dependents::Refuse
    };
    services
        .db
        .once(&caller, &idempotency, &body.raw, async |tx| {
            reopen_task::run(tx, id.0, &body.value.reason, dependents)
                .await?
                .reply()
        })
        .await
}
