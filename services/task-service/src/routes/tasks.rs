//! Tasks.

pub(super) mod bodies;
pub(crate) mod steps;

use actix_web::{HttpResponse, web};
use domain::{rejection::Rejection, task::StoredTask};
use platform::{
    db::{Idempotency, Reply},
    error::Result,
    http::{
        Authorized, Routes,
        body::Json,
        conditional::Conditional,
        merge_patch::MergePatch,
        page::Page,
        path::PathId,
        permission::{AssignTasks, ViewDeals},
        query::Query,
    },
};

use self::bodies::{CreateTaskBody, TaskBody};
use super::whole_plan;
use crate::{
    commands::{
        create_task, delete_task,
        edit_task::{self, Locking},
    },
    queries::{
        get_task::{self, TaskWithDependencies},
        list_tasks::{self, ListTasks},
        why_blocked::{self, WhyBlocked},
    },
    repository::tasks,
    services::Services,
    views::TaskView,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/tasks", list)
        .post("/api/tasks", create)
        .get("/api/tasks/{id}", read)
        .put("/api/tasks/{id}", replace)
        .patch("/api/tasks/{id}", change)
        .delete("/api/tasks/{id}", remove)
        .get("/api/tasks/{id}/why-blocked", explain)
        .and(steps::routes())
}

/// Lists tasks; without any filter the caller's own open ones, leaving out deals that are over.
///
/// **Permissions**: any of `view_own_deals`, `view_deals`, `view_all_deals`; the list holds what the caller sees.
#[utoipa::path(
    get,
    path = "/api/tasks",
    operation_id = "listTasks",
    tag = "tasks",
    params(ListTasks),
    responses((status = 200, description = "A page of tasks", body = Page<TaskView>)),
)]
pub(crate) async fn list(
    caller: Authorized<ViewDeals>,
    query: Query<ListTasks>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let page = services
        .db
        .read(&caller, async |tx| {
            list_tasks::run(tx, &services.cursors, &query.0).await
        })
        .await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Adds a task to a deal.
///
/// **Permissions**: `assign_tasks` in deals the caller sees, or `manage_tasks`. Rejections: `DEAL_NOT_ACTIVE`,
/// `UNKNOWN_REFERENCE`.
#[utoipa::path(
    post,
    path = "/api/tasks",
    operation_id = "createTask",
    tag = "tasks",
    request_body = CreateTaskBody,
    responses((status = 201, description = "The task", body = TaskView)),
)]
pub(crate) async fn create(
    caller: Authorized<AssignTasks>,
    idempotency: Idempotency,
    body: Json<CreateTaskBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let command = body.value.read()?;
    services
        .db
        .once(&caller, &idempotency, &body.raw, async |tx| {
            let outcome = create_task::run(tx, &command).await?;
            let location = format!("/api/tasks/{}", outcome.task.id);
            Ok(Reply::created(location, &outcome.task)?.version(outcome.task.version))
        })
        .await
}

/// One task with what it waits for and what waits for it.
///
/// **Permissions**: any view of the task. Rejections: `NOT_FOUND`.
#[utoipa::path(
    get,
    path = "/api/tasks/{id}",
    operation_id = "getTask",
    tag = "tasks",
    params(("id" = Uuid, Path, description = "The task")),
    responses(
        (status = 200, description = "The task", body = TaskWithDependencies),
        (status = 304, description = "The client has this version"),
    ),
)]
pub(crate) async fn read(
    caller: Authorized<ViewDeals>,
    id: PathId,
    conditional: Conditional,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let task = services
        .db
        .read(&caller, async |tx| get_task::run(tx, id.0).await)
        .await?;
    let neighbours = (&task.dependencies, &task.dependents);
    conditional.respond_beside(task.task.version, &neighbours, &task)
}

/// Replaces a task's writable fields.
///
/// **Permissions**: `assign_tasks` in deals the caller sees, or `manage_tasks`. Rejections: `NOT_FOUND`, `FORBIDDEN`,
/// `VERSION_MISMATCH`, `VERSION_CONFLICT`, `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE` for a new due date.
#[utoipa::path(
    put,
    path = "/api/tasks/{id}",
    operation_id = "replaceTask",
    tag = "tasks",
    params(("id" = Uuid, Path, description = "The task")),
    request_body = TaskBody,
    responses((status = 200, description = "The task", body = TaskView)),
)]
pub(crate) async fn replace(
    caller: Authorized<AssignTasks>,
    id: PathId,
    conditional: Conditional,
    body: Json<TaskBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let expected = conditional.expected_version(body.value.version)?;
    let fields = body.value.read()?;
    let outcome = services
        .db
        .write(&caller, async |tx| {
            let locking = Locking::of(body.value.gives_rule());
            edit_task::run(tx, id.0, |_| Ok(fields.clone()), expected, locking).await
        })
        .await?;
    Ok(outcome.reply()?.into_response())
}

/// Changes some of a task's writable fields (JSON merge patch).
///
/// **Permissions** and rejections as for PUT.
#[utoipa::path(
    patch,
    path = "/api/tasks/{id}",
    operation_id = "patchTask",
    tag = "tasks",
    params(("id" = Uuid, Path, description = "The task")),
    request_body(content = TaskBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The task", body = TaskView)),
)]
pub(crate) async fn change(
    caller: Authorized<AssignTasks>,
    id: PathId,
    conditional: Conditional,
    patch: MergePatch,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let expected = conditional.expected_or_any(patch.version()?);
    let outcome = services
        .db
        .write(&caller, async |tx| {
            let fields = |stored: &StoredTask| TaskBody::patched(stored, &patch);
            let locking = Locking::of(patch.raw().get("dueRule").is_some());
            edit_task::run(tx, id.0, fields, expected, locking).await
        })
        .await?;
    Ok(outcome.reply()?.into_response())
}

/// Deletes a task that nobody has started. What waited for it waits for what it waited for.
///
/// **Permissions**: `assign_tasks` in deals the caller sees, or `manage_tasks`. Rejections: `NOT_FOUND`, `FORBIDDEN`,
/// `VERSION_MISMATCH`, `DEAL_NOT_ACTIVE`, `TASK_STARTED`.
#[utoipa::path(
    delete,
    path = "/api/tasks/{id}",
    operation_id = "deleteTask",
    tag = "tasks",
    params(("id" = Uuid, Path, description = "The task")),
    responses((status = 204, description = "Deleted")),
)]
pub(crate) async fn remove(
    caller: Authorized<AssignTasks>,
    id: PathId,
    conditional: Conditional,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let expected = conditional.expected_or_any(None);
    services
        .db
        .write(&caller, async |tx| {
            delete_task::run(tx, id.0, expected).await
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Who holds a task up, since when, and when it could be free at the earliest.
///
/// **Permissions**: any view of the task. Rejections: `NOT_FOUND`.
#[utoipa::path(
    get,
    path = "/api/tasks/{id}/why-blocked",
    operation_id = "whyBlocked",
    tag = "tasks",
    params(("id" = Uuid, Path, description = "The task")),
    responses((status = 200, description = "What it waits for", body = WhyBlocked)),
)]
pub(crate) async fn explain(
    caller: Authorized<ViewDeals>,
    id: PathId,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let reader = services
        .db
        .read(&caller, async |tx| {
            tasks::find(tx, id.0).await?.ok_or(Rejection::NotFound)?;
            Ok(tx.actor().clone())
        })
        .await?;
    let why = services
        .db
        .read_service(&whole_plan(&reader), async |tx| {
            why_blocked::run(tx, id.0, &reader).await
        })
        .await?;
    Ok(HttpResponse::Ok().json(why))
}
