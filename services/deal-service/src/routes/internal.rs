//! Routes for the other services, which the gateway never proxies.

use actix_web::{HttpResponse, web};
use platform::{
    auth::{InternalCaller, callers},
    db::{Db, ServiceScope},
    error::Result,
    http::{Authorized, PathId, Routes, permission::ViewDeals},
};

use crate::{queries::plan_input, repository::deals};

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/internal/deals/{id}/plan-input", plan_input)
        .get("/internal/deals/{id}/visibility", visibility)
}

/// What a plan is made from. For task-service, in the deal's organization.
async fn plan_input(
    caller: InternalCaller<callers::TaskService>,
    id: PathId,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    let scope = ServiceScope {
        organization_id: caller.organization_id,
        on_behalf_of: caller.on_behalf_of,
        request_id: Some(caller.request_id),
        ..ServiceScope::default()
    };
    let input = db
        .service(&scope, async |tx| plan_input::run(tx, id.0).await)
        .await?;
    Ok(HttpResponse::Ok().json(input))
}

/// 204 when the caller may see the deal, else 404. With the caller's own token.
async fn visibility(
    caller: Authorized<ViewDeals>,
    id: PathId,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    db.read(&caller, async |tx| deals::get(tx, id.0).await)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
