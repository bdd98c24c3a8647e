//! What waits for what.

use actix_web::{HttpResponse, web};
use platform::{
    db::{Idempotency, Reply},
    error::Result,
    http::{
        Authorized, Body, Routes,
        body::Json,
        path::{PathId, PathIds},
        permission::{ManageTasks, ViewDeals},
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    commands::{add_dependency, remove_dependency},
    queries::get_task::{self, Neighbour, TaskWithDependencies},
    services::Services,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .post("/api/tasks/{id}/dependencies", add)
        .get("/api/tasks/{id}/dependencies/{dependsOnId}", read)
        .delete("/api/tasks/{id}/dependencies/{dependsOnId}", remove)
}

/// A task to wait for.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DependencyBody {
    depends_on_id: Uuid,
}

impl Body for DependencyBody {}

/// Makes a task wait for another one of the same deal. One that is there already changes nothing.
///
/// **Permissions**: `manage_tasks`. Rejections: `NOT_FOUND`, `UNKNOWN_REFERENCE` of `dependsOnId`,
/// `TASK_DEPENDENCY_CYCLE` with the path, `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE`.
#[utoipa::path(
    post,
    path = "/api/tasks/{id}/dependencies",
    operation_id = "addDependency",
    tag = "tasks",
    params(("id" = Uuid, Path, description = "The task that is to wait")),
    request_body = DependencyBody,
    responses((status = 201, description = "The task", body = TaskWithDependencies)),
)]
pub(crate) async fn add(
    caller: Authorized<ManageTasks>,
    id: PathId,
    idempotency: Idempotency,
    body: Json<DependencyBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let depends_on_id = body.value.depends_on_id;
    services
        .db
        .once(&caller, &idempotency, &body.raw, async |tx| {
            add_dependency::run(tx, id.0, depends_on_id).await?;
            let task = get_task::run(tx, id.0).await?;
            let location = format!("/api/tasks/{}/dependencies/{depends_on_id}", id.0);
            Ok(Reply::created(location, &task)?.version(task.task.version))
        })
        .await
}

/// What a task waits for, as GET of the task shows it among its `dependencies`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Dependency)]
pub(crate) struct DependencyView {
    /// The task that waits.
    task_id: Uuid,
    /// The task that it waits for.
    depends_on_id: Uuid,
    /// What the caller sees of that.
    #[serde(flatten)]
    task: Neighbour,
}

/// One task that a task waits for.
///
/// **Permissions**: everybody who sees the task. Rejections: `NOT_FOUND`, also where it does not wait for that one.
#[utoipa::path(
    get,
    path = "/api/tasks/{id}/dependencies/{dependsOnId}",
    operation_id = "getDependency",
    tag = "tasks",
    params(
        ("id" = Uuid, Path, description = "The task that waits"),
        ("dependsOnId" = Uuid, Path, description = "The task that it waits for"),
    ),
    responses((status = 200, description = "The dependency", body = DependencyView)),
)]
pub(crate) async fn read(
    caller: Authorized<ViewDeals>,
    ids: PathIds,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let task = services
        .db
        .read(&caller, async |tx| {
            get_task::dependency(tx, ids.0, ids.1).await
        })
        .await?;
    Ok(HttpResponse::Ok().json(DependencyView {
        task_id: ids.0,
        depends_on_id: ids.1,
        task,
    }))
}

/// Makes a task wait for another one no longer.
///
/// **Permissions**: `manage_tasks`. Rejections: `NOT_FOUND`, `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE`.
#[utoipa::path(
    delete,
    path = "/api/tasks/{id}/dependencies/{dependsOnId}",
    operation_id = "removeDependency",
    tag = "tasks",
    params(
        ("id" = Uuid, Path, description = "The task that waits"),
        ("dependsOnId" = Uuid, Path, description = "The task that it waits for"),
    ),
    responses((status = 204, description = "Removed")),
)]
pub(crate) async fn remove(
    caller: Authorized<ManageTasks>,
    ids: PathIds,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    services
        .db
        .write(&caller, async |tx| {
            remove_dependency::run(tx, ids.0, ids.1).await
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
