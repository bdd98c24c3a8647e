//! Comments on tasks.

use actix_web::{HttpResponse, web};
use contracts::field::instant_text;
use domain::rejection::Rejection;
use platform::{
    db::{Idempotency, Reply},
    error::Result,
    http::{
        Authorized, Body, Routes,
        body::Json,
        page::{Cut, Page},
        path::{PathId, PathIds},
        permission::ViewDeals,
        query::Query,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::PageQuery;
use crate::{
    commands::add_comment::{self, Visibility},
    repository::{
        comments::{self, Comment},
        tasks,
    },
    services::Services,
    views::created_at,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/tasks/{id}/comments", list)
        .post("/api/tasks/{id}/comments", add)
        .get("/api/tasks/{id}/comments/{commentId}", read)
}

/// A comment to write.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CommentBody {
    #[schema(max_length = 10000)]
    body: String,
    /// INTERNAL (not for clients) or SHARED.
    #[schema(example = "INTERNAL", pattern = "^(INTERNAL|SHARED)$")]
    visibility: String,
}

impl Body for CommentBody {
    fn check(&self) -> Result<(), Rejection> {
        self.visibility().map(drop)
    }
}

impl CommentBody {
    fn visibility(&self) -> Result<Visibility, Rejection> {
        match self.visibility.as_str() {
            "INTERNAL" => Ok(Visibility::Internal),
            "SHARED" => Ok(Visibility::Shared),
            _ => {
                let message = "visibility must be INTERNAL or SHARED";
                Err(Rejection::field("visibility", "one_of", message))
            }
        }
    }
}

/// A comment.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Comment)]
pub(crate) struct CommentView {
    id: Uuid,
    task_id: Uuid,
    author_id: Uuid,
    body: String,
    /// INTERNAL or SHARED.
    visibility: String,
    #[schema(format = "date-time")]
    created_at: Option<String>,
}

impl From<Comment> for CommentView {
    fn from(comment: Comment) -> Self {
        Self {
            id: comment.id,
            task_id: comment.task_id,
            author_id: comment.author_id,
            body: comment.body,
            visibility: comment.visibility,
            created_at: created_at(comment.id).map(instant_text),
        }
    }
}

/// The comments on a task, oldest first; clients read the shared ones.
///
/// **Permissions**: everybody who sees the task. Rejections: `NOT_FOUND`.
#[utoipa::path(
    get,
    path = "/api/tasks/{id}/comments",
    operation_id = "listComments",
    tag = "tasks",
    params(("id" = Uuid, Path, description = "The task"), PageQuery),
    responses((status = 200, description = "A page of comments", body = Page<CommentView>)),
)]
pub(crate) async fn list(
    caller: Authorized<ViewDeals>,
    id: PathId,
    query: Query<PageQuery>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let (limit, cursor) = (query.0.limit, query.0.cursor.as_deref());
    let cursors = &services.cursors;
    let page = services
        .db
        .read(&caller, async |tx| {
            let cut: Cut<Uuid> = cursors.cut(tx, "comments", &id.0, limit, cursor)?;
            tasks::find(tx, id.0).await?.ok_or(Rejection::NotFound)?;
            let comments = comments::of_task(tx, id.0, cut.after, cut.fetch()).await?;
            cut.page_in_bytes(comments, |comment| comment.body.len(), |comment| comment.id)
        })
        .await?;
    Ok(HttpResponse::Ok().json(page.map(CommentView::from)))
}

/// One comment.
///
/// **Permissions**: everybody who sees the task; clients read shared ones only. Rejections: `NOT_FOUND`.
#[utoipa::path(
    get,
    path = "/api/tasks/{id}/comments/{commentId}",
    operation_id = "getComment",
    tag = "tasks",
    params(
        ("id" = Uuid, Path, description = "The task"),
        ("commentId" = Uuid, Path, description = "The comment"),
    ),
    responses((status = 200, description = "The comment", body = CommentView)),
)]
pub(crate) async fn read(
    caller: Authorized<ViewDeals>,
    ids: PathIds,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let comment = services
        .db
        .read(&caller, async |tx| {
            tasks::find(tx, ids.0).await?.ok_or(Rejection::NotFound)?;
            let comment = comments::find(tx, ids.0, ids.1).await?;
            Ok(comment.ok_or(Rejection::NotFound)?)
        })
        .await?;
    Ok(HttpResponse::Ok().json(CommentView::from(comment)))
}

/// Writes a comment.
///
/// **Permissions**: everybody who sees the task; clients write shared ones only. Rejections: `NOT_FOUND`, `FORBIDDEN`.
#[utoipa::path(
    post,
    path = "/api/tasks/{id}/comments",
    operation_id = "addComment",
    tag = "tasks",
    params(("id" = Uuid, Path, description = "The task")),
    request_body = CommentBody,
    responses((status = 201, description = "The comment", body = CommentView)),
)]
pub(crate) async fn add(
    caller: Authorized<ViewDeals>,
    id: PathId,
    idempotency: Idempotency,
    body: Json<CommentBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let visibility = body.value.visibility()?;
    services
        .db
        .once(&caller, &idempotency, &body.raw, async |tx| {
            let comment = add_comment::run(tx, id.0, &body.value.body, visibility).await?;
            let location = format!("/api/tasks/{}/comments/{}", id.0, comment.id);
            Reply::created(location, &CommentView::from(comment))
        })
        .await
}
