//! Following up what others are to do: the log of who asked, and the day on which to ask again.

use actix_web::{HttpResponse, web};
use contracts::field::{date_text, instant_text};
use domain::{follow_up::Channel, rejection::Rejection};
use platform::{
    db::{Idempotency, Reply},
    error::Result,
    http::{
        Authorized, Body, Routes,
        body::Json,
        page::{Cut, Page},
        path::{PathId, PathIds},
        permission::{AssignTasks, ViewDealActivity},
        query::Query,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{PageQuery, tasks::bodies::optional_date};
use crate::{
    commands::{
        chase_task::{self, ChaseTask},
        put_off_task,
    },
    repository::{
        chases::{self, Chase},
        tasks,
    },
    services::Services,
    views::{TaskView, created_at},
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/tasks/{id}/chases", list)
        .post("/api/tasks/{id}/chases", chase)
        .get("/api/tasks/{id}/chases/{chaseId}", read)
        .post("/api/tasks/{id}/follow-up", put_off)
}

/// How somebody was asked for a task.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChaseBody {
    /// PHONE, EMAIL, TEXT, IN_PERSON or OTHER.
    #[schema(example = "PHONE", pattern = "^(PHONE|EMAIL|TEXT|IN_PERSON|OTHER)$")]
    channel: String,
    /// What was said.
    #[schema(max_length = 1000)]
    note: Option<String>,
    /// Whether an answer came.
    #[serde(default)]
    replied: bool,
    /// When to ask again, `YYYY-MM-DD`, after today; without it no day is set any more.
    #[schema(format = "date")]
    follow_up_on: Option<String>,
}

impl Body for ChaseBody {
    fn check(&self) -> Result<(), Rejection> {
        optional_date("followUpOn", self.follow_up_on.as_deref())?;
        self.channel().map(drop)
    }
}

impl ChaseBody {
    fn channel(&self) -> Result<Channel, Rejection> {
        Channel::parse(&self.channel).ok_or_else(|| {
            let words: Vec<&str> = Channel::ALL.iter().map(|known| known.as_str()).collect();
            let message = format!("channel must be one of {}", words.join(", "));
            Rejection::field("channel", "one_of", message)
        })
    }
}

/// When to ask for a task again.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FollowUpBody {
    /// `YYYY-MM-DD`, after today and within 366 days; null takes the day off.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required, format = "date")]
    follow_up_on: Option<String>,
}

impl Body for FollowUpBody {
    fn check(&self) -> Result<(), Rejection> {
        optional_date("followUpOn", self.follow_up_on.as_deref()).map(drop)
    }
}

/// That somebody asked for a task.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Chase)]
pub(crate) struct ChaseView {
    id: Uuid,
    task_id: Uuid,
    /// Who asked.
    author_id: Uuid,
    /// PHONE, EMAIL, TEXT, IN_PERSON or OTHER.
    channel: &'static str,
    /// What was said.
    note: Option<String>,
    /// Whether an answer came.
    replied: bool,
    /// When to ask again, as it was settled then.
    #[schema(format = "date")]
    follow_up_on: Option<String>,
    #[schema(format = "date-time")]
    created_at: Option<String>,
}

impl From<Chase> for ChaseView {
    fn from(chase: Chase) -> Self {
        Self {
            id: chase.id,
            task_id: chase.task_id,
            author_id: chase.author_id,
            channel: chase.channel.as_str(),
            note: chase.note,
            replied: chase.replied,
            follow_up_on: chase.follow_up_on.map(date_text),
            created_at: created_at(chase.id).map(instant_text),
        }
    }
}

/// Who asked for a task, when and how, newest first.
///
/// **Permissions**: `view_deals` or `view_all_deals`, of who sees the task. Rejections: `NOT_FOUND`.
#[utoipa::path(
    get,
    path = "/api/tasks/{id}/chases",
    operation_id = "listChases",
    tag = "tasks",
    params(("id" = Uuid, Path, description = "The task"), PageQuery),
    responses((status = 200, description = "A page of the log", body = Page<ChaseView>)),
)]
pub(crate) async fn list(
    caller: Authorized<ViewDealActivity>,
    id: PathId,
    query: Query<PageQuery>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let (limit, cursor) = (query.0.limit, query.0.cursor.as_deref());
    let cursors = &services.cursors;
    let page = services
        .db
        .read(&caller, async |tx| {
            let cut: Cut<Uuid> = cursors.cut(tx, "chases", &id.0, limit, cursor)?;
            tasks::find(tx, id.0).await?.ok_or(Rejection::NotFound)?;
            let chases = chases::of_task(tx, id.0, cut.after, cut.fetch()).await?;
            let bytes_of = |chase: &Chase| chase.note.as_ref().map_or(0, String::len);
            cut.page_in_bytes(chases, bytes_of, |chase| chase.id)
        })
        .await?;
    Ok(HttpResponse::Ok().json(page.map(ChaseView::from)))
}

/// One entry of the log.
///
/// **Permissions**: `view_deals` or `view_all_deals`, of who sees the task. Rejections: `NOT_FOUND`.
#[utoipa::path(
    get,
    path = "/api/tasks/{id}/chases/{chaseId}",
    operation_id = "getChase",
    tag = "tasks",
    params(
        ("id" = Uuid, Path, description = "The task"),
        ("chaseId" = Uuid, Path, description = "The entry"),
    ),
    responses((status = 200, description = "The entry", body = ChaseView)),
)]
pub(crate) async fn read(
    caller: Authorized<ViewDealActivity>,
    ids: PathIds,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let chase = services
        .db
        .read(&caller, async |tx| {
            tasks::find(tx, ids.0).await?.ok_or(Rejection::NotFound)?;
            let chase = chases::find(tx, ids.0, ids.1).await?;
            Ok(chase.ok_or(Rejection::NotFound)?)
        })
        .await?;
    Ok(HttpResponse::Ok().json(ChaseView::from(chase)))
}

/// Records that the caller asked for a task, and when to ask again. A task that no part follows up is the caller's to
/// follow up from now on.
///
/// **Permissions**: `assign_tasks` in deals the caller sees, or `manage_tasks`. Rejections: `NOT_FOUND`, `FORBIDDEN`,
/// `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE`.
#[utoipa::path(
    post,
    path = "/api/tasks/{id}/chases",
    operation_id = "chaseTask",
    tag = "tasks",
    params(("id" = Uuid, Path, description = "The task")),
    request_body = ChaseBody,
    responses((status = 201, description = "The entry of the log", body = ChaseView)),
)]
pub(crate) async fn chase(
    caller: Authorized<AssignTasks>,
    id: PathId,
    idempotency: Idempotency,
    body: Json<ChaseBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let command = ChaseTask {
        task_id: id.0,
        channel: body.value.channel()?,
        note: body.value.note,
        replied: body.value.replied,
        follow_up_on: optional_date("followUpOn", body.value.follow_up_on.as_deref())?,
    };
    services
        .db
        .once(&caller, &idempotency, &body.raw, async |tx| {
            let chase = chase_task::run(tx, &command).await?;
            let location = format!("/api/tasks/{}/chases/{}", id.0, chase.id);
            Reply::created(location, &ChaseView::from(chase))
        })
        .await
}

/// Sets the day on which to ask for a task again, or takes it off with `null`. When the task is due stays as it is.
///
/// **Permissions**: `assign_tasks` in deals the caller sees, or `manage_tasks`. Rejections: `NOT_FOUND`, `FORBIDDEN`,
/// `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE`.
#[utoipa::path(
    post,
    path = "/api/tasks/{id}/follow-up",
    operation_id = "followUpTask",
    tag = "tasks",
    params(("id" = Uuid, Path, description = "The task")),
    request_body = FollowUpBody,
    responses((status = 200, description = "The task", body = TaskView)),
)]
pub(crate) async fn put_off(
    caller: Authorized<AssignTasks>,
    id: PathId,
    idempotency: Idempotency,
    body: Json<FollowUpBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let day = optional_date("followUpOn", body.value.follow_up_on.as_deref())?;
    services
        .db
        .once(&caller, &idempotency, &body.raw, async |tx| {
            put_off_task::run(tx, id.0, day).await?.reply()
        })
        .await
}
