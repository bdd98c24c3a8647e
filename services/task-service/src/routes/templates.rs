//! `/api/templates`: the plans that deals are made from, the shipped ones and an organization's own.

use actix_web::{HttpResponse, web};
use platform::{
    db::{Idempotency, Reply, Tx},
    error::Result,
    http::{
        Authorized, Body, Conditional, Json, JsonOrEmpty, MergePatch, Page, PathId, Query, Routes,
        permission::{ManageTasks, ViewTemplates},
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    commands::{create_template, publish_template, replace_template},
    parsing,
    queries::{
        get_template::{self, TemplateView},
        list_templates::{self, ListTemplates, TemplateSummary},
        validate_template::{self, TemplateFindings},
    },
    repository::templates::StoredTemplate,
    services::Services,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/templates", list)
        .post("/api/templates", create)
        .get("/api/templates/{id}", read)
        .put("/api/templates/{id}", replace)
        .patch("/api/templates/{id}", change)
        .post("/api/templates/{id}/publish", publish)
        .post("/api/templates/{id}/validate", validate)
}

/// A template as it is sent.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateBody {
    /// YAML, at most 256 KiB.
    #[schema(max_length = 262_144)]
    source: String,
}

impl Body for TemplateBody {}

/// A template as PUT replaces it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutTemplateBody {
    /// YAML, at most 256 KiB. Its key stays.
    #[schema(max_length = 262_144)]
    source: String,
    /// Needed without `If-Match`.
    version: Option<i64>,
}

impl Body for PutTemplateBody {}

/// A source to look over; without one it is the stored one.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ValidateTemplateBody {
    /// YAML, at most 256 KiB.
    #[schema(max_length = 262_144)]
    source: Option<String>,
}

impl Body for ValidateTemplateBody {}

/// Publishing takes no fields.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(crate) struct PublishTemplateBody {}

impl Body for PublishTemplateBody {}

/// The templates that deals can be made from, by key and version.
///
/// **Permissions**: everybody but buyers.
#[utoipa::path(
    get,
    path = "/api/templates",
    operation_id = "listTemplates",
    tag = "templates",
    params(ListTemplates),
    responses((status = 200, description = "A page of templates", body = Page<TemplateSummary>)),
)]
pub(crate) async fn list(
    caller: Authorized<ViewTemplates>,
    query: Query<ListTemplates>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let page = services
        .db
        .read(&caller, async |tx| {
            list_templates::run(tx, &services.cursors, &query.0).await
        })
        .await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Adds a draft: the next version under its key.
///
/// **Permissions**: manage_tasks. **Rejections**: `TEMPLATE_INVALID`.
#[utoipa::path(
    post,
    path = "/api/templates",
    operation_id = "createTemplate",
    tag = "templates",
    request_body = TemplateBody,
    responses((status = 201, description = "Created", body = TemplateView)),
)]
pub(crate) async fn create(
    caller: Authorized<ManageTasks>,
    idempotency: Idempotency,
    body: Json<TemplateBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    services
        .db
        .once(&caller, &idempotency, &body.raw, async |tx: &mut Tx| {
            let stored = create_template::run(tx, &body.value.source).await?;
            let view = TemplateView::of(tx, &stored).await?;
            let location = format!("/api/templates/{}", view.id());
            Ok(Reply::created(location, &view)?.version(view.version()))
        })
        .await
}

/// One version of a template.
///
/// **Permissions**: everybody but buyers. **Rejections**: `NOT_FOUND`.
#[utoipa::path(
    get,
    path = "/api/templates/{id}",
    operation_id = "getTemplate",
    tag = "templates",
    params(("id" = uuid::Uuid, Path, description = "The template")),
    responses(
        (status = 200, description = "The template", body = TemplateView),
        (status = 304, description = "The client has this version"),
    ),
)]
pub(crate) async fn read(
    caller: Authorized<ViewTemplates>,
    id: PathId,
    conditional: Conditional,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let view = services
        .db
        .read(&caller, async |tx| get_template::run(tx, id.0).await)
        .await?;
    Ok(conditional.respond(view.version(), &view))
}

/// Replaces the source of a draft.
///
/// **Permissions**: manage_tasks. **Rejections**: `NOT_FOUND`, `TEMPLATE_INVALID`, `VERSION_MISMATCH`,
/// `VERSION_CONFLICT`, `TEMPLATE_PUBLISHED`.
#[utoipa::path(
    put,
    path = "/api/templates/{id}",
    operation_id = "replaceTemplate",
    tag = "templates",
    params(("id" = uuid::Uuid, Path, description = "The template")),
    request_body = PutTemplateBody,
    responses((status = 200, description = "The template as it is now", body = TemplateView)),
)]
pub(crate) async fn replace(
    caller: Authorized<ManageTasks>,
    id: PathId,
    conditional: Conditional,
    body: Json<PutTemplateBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let expected = conditional.expected_version(body.value.version)?;
    let source = |_: &StoredTemplate| Ok(body.value.source.clone());
    let reply = services
        .db
        .write(&caller, async |tx| {
            // A source that is wrong by itself is refused before the template is looked for.
            parsing::of_source(tx, &body.value.source).await?;
            let stored = replace_template::run(tx, id.0, source, expected).await?;
            answer(tx, &stored).await
        })
        .await?;
    Ok(reply.into_response())
}

/// Changes a draft (JSON merge patch).
///
/// **Permissions**: manage_tasks. **Rejections**: as of PUT.
#[utoipa::path(
    patch,
    path = "/api/templates/{id}",
    operation_id = "patchTemplate",
    tag = "templates",
    params(("id" = uuid::Uuid, Path, description = "The template")),
    request_body(content = TemplateBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The template as it is now", body = TemplateView)),
)]
pub(crate) async fn change(
    caller: Authorized<ManageTasks>,
    id: PathId,
    conditional: Conditional,
    patch: MergePatch,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let expected = conditional.expected_or_any(patch.version()?);
    let source = |present: &StoredTemplate| {
        let body = TemplateBody {
            source: present.source.clone(),
        };
        Ok(patch.apply(&body)?.source)
    };
    let reply = services
        .db
        .write(&caller, async |tx| {
            let stored = replace_template::run(tx, id.0, source, expected).await?;
            answer(tx, &stored).await
        })
        .await?;
    Ok(reply.into_response())
}

/// Publishes a draft: from now on deals are made from it, and it never changes.
///
/// **Permissions**: manage_tasks. **Rejections**: `NOT_FOUND`, `VERSION_MISMATCH`, `TEMPLATE_PUBLISHED`.
#[utoipa::path(
    post,
    path = "/api/templates/{id}/publish",
    operation_id = "publishTemplate",
    tag = "templates",
    params(("id" = uuid::Uuid, Path, description = "The template")),
    request_body = Option<PublishTemplateBody>,
    responses((status = 200, description = "The template as it is now", body = TemplateView)),
)]
pub(crate) async fn publish(
    caller: Authorized<ManageTasks>,
    id: PathId,
    idempotency: Idempotency,
    conditional: Conditional,
    body: JsonOrEmpty<PublishTemplateBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let expected = conditional.expected_or_any(None);
    services
        .db
        .once(&caller, &idempotency, &body.raw, async |tx: &mut Tx| {
            let stored = publish_template::run(tx, id.0, expected).await?;
            answer(tx, &stored).await
        })
        .await
}

/// Reports every mistake of a source: cycles, unknown anchors, tasks that can never start. Writes nothing.
///
/// **Permissions**: everybody but buyers. **Rejections**: `NOT_FOUND`.
#[utoipa::path(
    post,
    path = "/api/templates/{id}/validate",
    operation_id = "validateTemplate",
    tag = "templates",
    params(("id" = uuid::Uuid, Path, description = "The template")),
    request_body = Option<ValidateTemplateBody>,
    responses((status = 200, description = "What was found", body = TemplateFindings)),
)]
pub(crate) async fn validate(
    caller: Authorized<ViewTemplates>,
    id: PathId,
    body: JsonOrEmpty<ValidateTemplateBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let source = body.value.source.as_deref();
    let findings = services
        .db
        .read(&caller, async |tx| {
            validate_template::run(tx, id.0, source).await
        })
        .await?;
    Ok(HttpResponse::Ok().json(findings))
}

/// 200 with the template as it is now and its `ETag`.
async fn answer(tx: &Tx, stored: &StoredTemplate) -> Result<Reply> {
    Ok(Reply::ok(&TemplateView::of(tx, stored).await?)?.version(stored.version))
}
