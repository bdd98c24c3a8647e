//! What the other services ask, with their own tokens. Not in the OpenAPI document, not behind the gateway.

use actix_web::{HttpResponse, web};
use domain::{deal::PlanState, rejection::Rejection};
use platform::{
    auth::{InternalCaller, callers::WorkflowWorker, service_token::Callers},
    db::ServiceScope,
    error::Result,
    http::{Authorized, Routes, body::Json, path::PathId, permission::ManageDeals},
};
use serde_json::json;
use uuid::Uuid;

use crate::{
    commands::{
        apply_plan::{self, Applied},
        mark_overdue, revise_plan,
    },
    queries::{
        check_facts::{self, CheckFacts},
        plan_preview::{self, PreviewPlan},
        worklist,
    },
    repository::{milestones, templates},
    services::Services,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .post("/internal/plans/preview", preview)
        .post("/internal/plans/check-facts", check_template_facts)
        .post("/internal/deals/{id}/plan", apply)
        .get(
            "/internal/templates/{id}/required-anchors",
            list_required_anchors,
        )
        .get("/internal/deals/{id}/worklist", read_worklist)
        .post("/internal/tasks/{id}/overdue", mark)
        .post("/internal/milestones/{id}/check", check)
}

/// The plan that a template would give a new deal, or a draft. deal-service passes the caller's own token on.
async fn preview(
    caller: Authorized<ManageDeals>,
    body: Json<PreviewPlan>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let preview = services
        .db
        .read(&caller, async |tx| plan_preview::run(tx, &body.value).await)
        .await?;
    Ok(HttpResponse::Ok().json(preview))
}

/// Whether these facts may be written of a deal that was made from this template: refused by `facts.<name>`, answered as
/// they are to be written.
/// deal-service passes the caller's own token on.
async fn check_template_facts(
    caller: Authorized<ManageDeals>,
    body: Json<CheckFacts>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let checked = services
        .db
        .read(&caller, async |tx| check_facts::run(tx, &body.value).await)
        .await?;
    Ok(HttpResponse::Ok().json(checked))
}

/// Applies a deal's template, once. A plan that cannot be made is recorded, and answered 409.
async fn apply(
    caller: InternalCaller<WorkflowWorker>,
    id: PathId,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let input = services
        .plan_input(caller.organization_id, id.0, Some(&caller.request_id))
        .await?;
    let applied = services
        .db
        .service(&scope(&caller), async |tx| {
            apply_plan::run(tx, id.0, &input).await
        })
        .await?;
    let applied = catch_up(&caller, id.0, applied, &services).await?;
    if applied.plan.state == PlanState::Failed {
        let reason = applied.plan.failure.unwrap_or_default();
        return Err(Rejection::PlanFailed { reason }.into());
    }
    Ok(HttpResponse::Ok().json(answer(&applied)))
}

/// Follows facts that changed between the request to deal-service and the commit of the plan: their events came before
/// there was a plan to revise.
async fn catch_up(
    caller: &InternalCaller<WorkflowWorker>,
    deal_id: Uuid,
    applied: Applied,
    services: &Services,
) -> Result<Applied> {
    let request_id = Some(caller.request_id.as_str());
    let now = services
        .plan_input(caller.organization_id, deal_id, request_id)
        .await?;
    if applied.plan.state == PlanState::Failed || now.version <= applied.plan.deal_version {
        return Ok(applied);
    }
    services
        .db
        .service(&scope(caller), async |tx| {
            revise_plan::run(tx, deal_id, &now).await?;
            apply_plan::run(tx, deal_id, &now).await
        })
        .await
}

fn answer(applied: &Applied) -> serde_json::Value {
    let milestones: Vec<serde_json::Value> = applied
        .milestones
        .iter()
        .map(|milestone| {
            json!({
                "id": milestone.id,
                "key": milestone.key,
                "title": milestone.title,
                "position": milestone.position,
                "tasks": apply_plan::tasks_of(applied, milestone.id),
            })
        })
        .collect();
    json!({
        "planId": applied.plan.id,
        "state": applied.plan.state.as_str(),
        "milestones": milestones,
    })
}

/// The anchors without which no deal of this template version becomes active. A published version never changes, so
/// deal-service may ask before it locks the deal. It passes the caller's own token on.
async fn list_required_anchors(
    caller: Authorized<ManageDeals>,
    id: PathId,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let required: Vec<String> = services
        .db
        .read(&caller, async |tx| {
            let stored = templates::find(tx, id.0).await?;
            let template = stored.ok_or(Rejection::NotFound)?.parsed(tx).await?;
            Ok(template.required_anchors().map(str::to_owned).collect())
        })
        .await?;
    Ok(HttpResponse::Ok().json(json!({ "requiredAnchors": required })))
}

/// The state of a deal, for its workflow.
async fn read_worklist(
    caller: InternalCaller<WorkflowWorker>,
    id: PathId,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let worklist = services
        .db
        .read_service(&scope(&caller), async |tx| worklist::run(tx, id.0).await)
        .await?;
    Ok(HttpResponse::Ok().json(worklist))
}

/// Marks a task OVERDUE whose due instant has passed. Again, or too early, it changes nothing.
async fn mark(
    caller: InternalCaller<WorkflowWorker>,
    id: PathId,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let status = services
        .db
        .service(&scope(&caller), async |tx| {
            mark_overdue::run(tx, id.0).await
        })
        .await?;
    Ok(HttpResponse::Ok().json(json!({ "status": status.as_str() })))
}

/// Whether every task of a milestone is done. Its last task has recorded that already.
async fn check(
    caller: InternalCaller<WorkflowWorker>,
    id: PathId,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let milestone = services
        .db
        .read_service(&scope(&caller), async |tx| {
            Ok(milestones::find(tx, id.0)
                .await?
                .ok_or(Rejection::NotFound)?)
        })
        .await?;
    Ok(HttpResponse::Ok().json(json!({ "completed": milestone.is_completed() })))
}

fn scope<C: Callers>(caller: &InternalCaller<C>) -> ServiceScope {
    ServiceScope {
        organization_id: caller.organization_id,
        on_behalf_of: caller.on_behalf_of,
        cause_event_id: None,
        request_id: Some(caller.request_id.clone()),
        traceparent: caller.traceparent.clone(),
    }
}
