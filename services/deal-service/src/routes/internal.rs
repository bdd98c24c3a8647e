//! Routes for the other services, which the gateway never proxies.

use actix_web::{
    HttpResponse,
    web::{self, ServiceConfig},
};
use platform::{
    auth::InternalCaller,
    db::{Db, ServiceScope},
    error::Result,
    http::{Authorized, PathId, permission::ViewDeals},
};

use crate::{queries::plan_input, repository::deals};

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .route("/internal/deals/{id}/plan-input", web::get().to(plan_input))
        .route("/internal/deals/{id}/visibility", web::get().to(visibility));
}

/// What a plan is made from. For services, in the deal's organization.
async fn plan_input(caller: InternalCaller, id: PathId, db: web::Data<Db>) -> Result<HttpResponse> {
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
