//! Tasks.

use actix_web::{HttpResponse, web};
use contracts::field;
use domain::{party::PartyRole, rejection::Rejection, task::Dependents};
use platform::{
    db::{Idempotency, Reply},
    error::{Problem, Result},
    http::{
        Authorized, Body, Routes,
        body::{Json, JsonOrEmpty},
        conditional::Conditional,
        merge_patch::MergePatch,
        page::Page,
        path::PathId,
        permission::{AssignTasks, CompleteTasks, ManageTasks, ViewDeals},
        query::Query,
        validate::Fields,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    commands::{
        assign_task,
        complete_task::{self, CompleteTask},
        create_task::{self, CreateTask, DueInput, TaskFields},
        delete_task, edit_task, reopen_task, waive_task,
    },
    queries::{
        get_task::{self, TaskWithDependencies},
        list_tasks::{self, ListTasks},
        why_blocked::{self, WhyBlocked},
    },
    repository::tasks::StoredTask,
    rules::DueRule,
    services::Services,
    views::TaskView,
};

/// Most tasks that a new one may wait for.
const DEPENDS_ON_MAX: usize = 100;

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/tasks", list)
        .post("/api/tasks", create)
        .get("/api/tasks/{id}", read)
        .put("/api/tasks/{id}", replace)
        .patch("/api/tasks/{id}", change)
        .delete("/api/tasks/{id}", remove)
        .post("/api/tasks/{id}/assign", assign)
        .post("/api/tasks/{id}/complete", complete)
        .post("/api/tasks/{id}/waive", waive)
        .post("/api/tasks/{id}/reopen", reopen)
        .get("/api/tasks/{id}/why-blocked", explain)
}

/// A new task.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateTaskBody {
    deal_id: Uuid,
    #[schema(max_length = 200)]
    title: String,
    #[schema(max_length = 10000)]
    description: Option<String>,
    milestone_id: Option<Uuid>,
    /// The part that owns it, such as `buyer_agent`.
    owner_role: Option<String>,
    assignee_id: Option<Uuid>,
    /// `YYYY-MM-DD`; not together with `dueRule`.
    #[schema(format = "date")]
    due_date: Option<String>,
    due_rule: Option<DueRule>,
    /// The tasks it waits for.
    #[serde(default)]
    depends_on: Vec<Uuid>,
    #[serde(default)]
    buyer_visible: bool,
}

impl Body for CreateTaskBody {
    fn check(&self) -> Result<(), Rejection> {
        self.read().map(drop)
    }
}

/// The writable fields of a task.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TaskBody {
    #[schema(max_length = 200)]
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 10000)]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    milestone_id: Option<Uuid>,
    /// The part that owns it, such as `buyer_agent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner_role: Option<String>,
    /// `YYYY-MM-DD`; a date set here no longer follows a rule. Not together with `dueRule`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date")]
    due_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_rule: Option<DueRule>,
    #[serde(default)]
    buyer_visible: bool,
    /// The version that this replaces, unless `If-Match` names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
}

impl Body for TaskBody {
    fn check(&self) -> Result<(), Rejection> {
        self.read().map(drop)
    }
}

/// Whom to give a task.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AssignBody {
    /// The user; null takes the task away.
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
        .read(&caller, async |tx| list_tasks::run(tx, &query.0).await)
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
/// **Permissions**: whoever sees the task. Rejections: `NOT_FOUND`.
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
            edit_task::run(tx, id.0, |_| Ok(fields.clone()), expected).await
        })
        .await?;
    Ok(Reply::ok(&outcome.task)?
        .version(outcome.task.version)
        .into_response())
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
            let fields = |stored: &StoredTask| {
                let patched = TaskBody::of(stored, &patch)?;
                Ok(patched.read()?)
            };
            edit_task::run(tx, id.0, fields, expected).await
        })
        .await?;
    Ok(Reply::ok(&outcome.task)?
        .version(outcome.task.version)
        .into_response())
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

/// Gives a task to somebody, or takes it away with `null`. The same assignee again changes nothing.
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
            let outcome = assign_task::run(tx, id.0, body.value.assignee_id).await?;
            Ok(Reply::ok(&outcome.task)?.version(outcome.task.version))
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

/// Waives a task: it will not be done, and nobody waits for it any more.
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
    services
        .db
        .once(&caller, &idempotency, &body.raw, async |tx| {
            let outcome = waive_task::run(tx, id.0, &body.value.reason).await?;
            Ok(Reply::ok(&outcome.task)?.version(outcome.task.version))
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
            let outcome = reopen_task::run(tx, id.0, &body.value.reason, dependents).await?;
            Ok(Reply::ok(&outcome.task)?.version(outcome.task.version))
        })
        .await
}

/// Who holds a task up, since when, and when it could be free at the earliest.
///
/// **Permissions**: whoever sees the task. Rejections: `NOT_FOUND`.
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
    let why = services
        .db
        .read(&caller, async |tx| why_blocked::run(tx, id.0).await)
        .await?;
    Ok(HttpResponse::Ok().json(why))
}

impl CreateTaskBody {
    fn read(&self) -> Result<CreateTask, Rejection> {
        let mut fields = Fields::new();
        fields.at_most("dependsOn", self.depends_on.len(), DEPENDS_ON_MAX);
        let fields = read_fields(
            fields,
            TaskParts {
                title: &self.title,
                description: self.description.as_deref(),
                milestone_id: self.milestone_id,
                owner_role: self.owner_role.as_deref(),
                due_date: self.due_date.as_deref(),
                due_rule: self.due_rule.as_ref(),
                buyer_visible: self.buyer_visible,
            },
        )?;
        Ok(CreateTask {
            deal_id: self.deal_id,
            fields,
            assignee_id: self.assignee_id,
            depends_on: self.depends_on.clone(),
        })
    }
}

impl TaskBody {
    fn read(&self) -> Result<TaskFields, Rejection> {
        read_fields(
            Fields::new(),
            TaskParts {
                title: &self.title,
                description: self.description.as_deref(),
                milestone_id: self.milestone_id,
                owner_role: self.owner_role.as_deref(),
                due_date: self.due_date.as_deref(),
                due_rule: self.due_rule.as_ref(),
                buyer_visible: self.buyer_visible,
            },
        )
    }

    /// The task as a client would write it, with a patch applied. A patch that gives one kind of due date
    /// takes the other kind away.
    fn of(stored: &StoredTask, patch: &MergePatch) -> Result<Self> {
        let task = &stored.task;
        let (mut due_date, mut due_rule) = match edit_task::present_due(stored) {
            DueInput::Never => (None, None),
            DueInput::On(date) => (Some(field::date_text(date)), None),
            DueInput::Rule(rule) => (None, Some(rule)),
        };
        if patch.raw().get("dueDate").is_some() {
            due_rule = None;
        }
        if patch.raw().get("dueRule").is_some() {
            due_date = None;
        }
        patch.apply(&Self {
            title: task.title.clone(),
            description: task.description.clone(),
            milestone_id: task.milestone_id,
            owner_role: task.owner_role.map(|role| role.as_str().to_owned()),
            due_date,
            due_rule,
            buyer_visible: task.buyer_visible,
            version: None,
        })
    }
}

struct TaskParts<'a> {
    title: &'a str,
    description: Option<&'a str>,
    milestone_id: Option<Uuid>,
    owner_role: Option<&'a str>,
    due_date: Option<&'a str>,
    due_rule: Option<&'a DueRule>,
    buyer_visible: bool,
}

fn read_fields(mut fields: Fields, parts: TaskParts<'_>) -> Result<TaskFields, Rejection> {
    fields.text("title", parts.title, 1..=domain::text::TITLE_LENGTH_MAX);
    if let Some(description) = parts.description {
        fields.prose(
            "description",
            description,
            0..=domain::text::DESCRIPTION_LENGTH_MAX,
        );
    }
    let owner_role = parts.owner_role.map(PartyRole::parse);
    fields.check(
        owner_role != Some(None),
        "ownerRole",
        "one_of",
        "must be a part in a deal, such as buyer_agent",
    );
    fields.check(
        parts.due_date.is_none() || parts.due_rule.is_none(),
        "dueRule",
        "exclusive",
        "cannot stand beside dueDate",
    );
    let due_date = read_date(&mut fields, "dueDate", parts.due_date);
    fields.finish()?;
    Ok(TaskFields {
        title: parts.title.to_owned(),
        description: parts.description.map(str::to_owned),
        milestone_id: parts.milestone_id,
        owner_role: owner_role.flatten(),
        due: match (due_date, parts.due_rule) {
            (_, Some(rule)) => DueInput::Rule(rule.clone()),
            (Some(date), None) => DueInput::On(date),
            (None, None) => DueInput::Never,
        },
        buyer_visible: parts.buyer_visible,
    })
}

/// Reads a date; a problem with it is noted.
fn read_date(fields: &mut Fields, field: &str, text: Option<&str>) -> Option<time::Date> {
    let parsed = field::date("date", text?);
    fields.check(
        parsed.is_ok(),
        field,
        "format",
        "must be a date, YYYY-MM-DD",
    );
    let date = parsed.ok();
    let countable = date.is_none_or(domain::dates::is_countable);
    fields.check(
        countable,
        field,
        "range",
        "lies outside the years that can be counted",
    );
    date
}

fn optional_date(field: &str, text: Option<&str>) -> Result<Option<time::Date>, Rejection> {
    let mut fields = Fields::new();
    let date = read_date(&mut fields, field, text);
    fields.finish()?;
    Ok(date)
}
