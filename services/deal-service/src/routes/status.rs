//! `/api/deals/{id}/activate` and its like: a deal's way from status to status.

use actix_web::{HttpResponse, web};
use domain::{
    deal::{DealStatus, OpenTasks, may_steer},
    text,
};
use platform::{
    client::ServiceClient,
    db::{Db, Idempotency, Tx},
    error::Result,
    http::{
        Access as _, Authorized, Json, JsonOrEmpty, PathId, Routes,
        permission::{ManageDeals, ManageOrganization},
    },
};

use super::{
    answers::DealAnswer,
    bodies::{ActivateBody, CancelBody, CloseBody, HoldBody, ReopenBody, ResumeBody},
    deals::changed,
};
use crate::{
    commands::{
        activate_deal, cancel_deal, close_deal, hold_deal, reopen_deal,
        resume_deal::{self, DueDates},
    },
    repository::{access, deals},
    task_service,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .post("/api/deals/{id}/activate", activate)
        .post("/api/deals/{id}/hold", hold)
        .post("/api/deals/{id}/resume", resume)
        .post("/api/deals/{id}/close", close)
        .post("/api/deals/{id}/cancel", cancel)
        .post("/api/deals/{id}/reopen", reopen)
}

/// DRAFT → ACTIVE: work begins.
///
/// **Permissions**: its creator with create_deals, or manage_tasks. **Rejections**: 400 on each `keyDates.<key>` that the
/// template needs and that has no date; `DEAL_STATUS_CONFLICT`.
#[utoipa::path(post, path = "/api/deals/{id}/activate", operation_id = "activateDeal", tag = "deals", params(("id" = Uuid, Path)),
    request_body = Option<ActivateBody>, responses((status = 200, description = "The deal as it is now", body = DealAnswer)))]
pub(crate) async fn activate(
    caller: Authorized<ManageDeals>,
    id: PathId,
    idempotency: Idempotency,
    body: JsonOrEmpty<ActivateBody>,
    db: web::Data<Db>,
    tasks: web::Data<ServiceClient>,
) -> Result<HttpResponse> {
    if let Some(replayed) = db.replay(&caller, &idempotency, &body.raw).await? {
        return Ok(replayed);
    }
    let deal = db
        .read(&caller, async |tx| {
            let seen = deals::get(tx, id.0).await?;
            may_steer(&access::actor(tx), seen.relation)?;
            Ok(seen.deal)
        })
        .await?;
    // Asked of the deal's own template version, and only where it matters.
    let template = deal.template.filter(|_| deal.status == DealStatus::Draft);
    let required = match template {
        Some(template) => {
            task_service::required_anchors(&tasks, caller.caller(), template.id).await?
        }
        None => Vec::new(),
    };
    db.once(&caller, &idempotency, &body.raw, async |tx| {
        changed(&activate_deal::run(tx, id.0, &required).await?)
    })
    .await
}

/// ACTIVE → ON_HOLD: deadlines pause, reminders stop.
///
/// **Permissions**: its creator with create_deals, or manage_tasks. **Rejections**: `DEAL_STATUS_CONFLICT`.
#[utoipa::path(post, path = "/api/deals/{id}/hold", operation_id = "holdDeal", tag = "deals", params(("id" = Uuid, Path)),
    request_body = Option<HoldBody>, responses((status = 200, description = "The deal as it is now", body = DealAnswer)))]
pub(crate) async fn hold(
    caller: Authorized<ManageDeals>,
    id: PathId,
    idempotency: Idempotency,
    body: JsonOrEmpty<HoldBody>,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    let reason = body.value.reason.as_deref().map(text::reason).transpose()?;
    db.once(&caller, &idempotency, &body.raw, async |tx: &mut Tx| {
        changed(&hold_deal::run(tx, id.0, reason.as_deref()).await?)
    })
    .await
}

/// ON_HOLD → ACTIVE: deadlines run again, moved by the days held if so wished.
///
/// **Permissions**: its creator with create_deals, or manage_tasks. **Rejections**: `DEAL_STATUS_CONFLICT`.
#[utoipa::path(post, path = "/api/deals/{id}/resume", operation_id = "resumeDeal", tag = "deals", params(("id" = Uuid, Path)),
    request_body = Option<ResumeBody>, responses((status = 200, description = "The deal as it is now", body = DealAnswer)))]
pub(crate) async fn resume(
    caller: Authorized<ManageDeals>,
    id: PathId,
    idempotency: Idempotency,
    body: JsonOrEmpty<ResumeBody>,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    let due_dates = if body.value.shift_due_dates {
        DueDates::Shift
    } else {
        DueDates::Keep
    };
    db.once(&caller, &idempotency, &body.raw, async |tx: &mut Tx| {
        changed(&resume_deal::run(tx, id.0, due_dates).await?)
    })
    .await
}

/// ACTIVE → CLOSED.
///
/// **Permissions**: its creator with create_deals, or manage_tasks, which `force` needs. **Rejections**:
/// `DEAL_STATUS_CONFLICT`, `PLAN_PENDING`, `PLAN_FAILED`, `DEAL_TASKS_OPEN`.
#[utoipa::path(post, path = "/api/deals/{id}/close", operation_id = "closeDeal", tag = "deals", params(("id" = Uuid, Path)),
    request_body = Option<CloseBody>, responses((status = 200, description = "The deal as it is now", body = DealAnswer)))]
pub(crate) async fn close(
    caller: Authorized<ManageDeals>,
    id: PathId,
    idempotency: Idempotency,
    body: JsonOrEmpty<CloseBody>,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    let open_tasks = if body.value.force {
        OpenTasks::Force
    } else {
        OpenTasks::Refuse
    };
    db.once(&caller, &idempotency, &body.raw, async |tx: &mut Tx| {
        changed(&close_deal::run(tx, id.0, open_tasks).await?)
    })
    .await
}

/// DRAFT, ACTIVE or ON_HOLD → CANCELLED.
///
/// **Permissions**: its creator with create_deals, or manage_tasks. **Rejections**: `DEAL_STATUS_CONFLICT`.
#[utoipa::path(post, path = "/api/deals/{id}/cancel", operation_id = "cancelDeal", tag = "deals", params(("id" = Uuid, Path)),
    request_body = CancelBody, responses((status = 200, description = "The deal as it is now", body = DealAnswer)))]
pub(crate) async fn cancel(
    caller: Authorized<ManageDeals>,
    id: PathId,
    idempotency: Idempotency,
    body: Json<CancelBody>,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    let reason = text::reason(&body.value.reason)?;
    db.once(&caller, &idempotency, &body.raw, async |tx: &mut Tx| {
        changed(&cancel_deal::run(tx, id.0, &reason).await?)
    })
    .await
}

/// CLOSED or CANCELLED → ACTIVE. A draft that was cancelled is a draft again.
///
/// **Permissions**: ADMIN. **Rejections**: `DEAL_STATUS_CONFLICT`.
#[utoipa::path(post, path = "/api/deals/{id}/reopen", operation_id = "reopenDeal", tag = "deals", params(("id" = Uuid, Path)),
    request_body = Option<ReopenBody>, responses((status = 200, description = "The deal as it is now", body = DealAnswer)))]
pub(crate) async fn reopen(
    caller: Authorized<ManageOrganization>,
    id: PathId,
    idempotency: Idempotency,
    body: JsonOrEmpty<ReopenBody>,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    let reason = body.value.reason.as_deref().map(text::reason).transpose()?;
    db.once(&caller, &idempotency, &body.raw, async |tx: &mut Tx| {
        changed(&reopen_deal::run(tx, id.0, reason.as_deref()).await?)
    })
    .await
}
