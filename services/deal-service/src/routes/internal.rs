//! Routes for the other services, which the gateway never proxies.

use actix_web::{HttpResponse, web};
use domain::{deal::DealView, permission::Role};
use platform::{
    auth::{InternalCaller, callers},
    db::{Db, ServiceScope},
    error::Result,
    http::{Authorized, PathId, Routes, permission::ViewDeals},
};
use serde::Serialize;

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
        .read_service(&scope, async |tx| plan_input::run(tx, id.0).await)
        .await?;
    Ok(HttpResponse::Ok().json(input))
}

/// How much of a deal the caller sees, by its session as it is now, and not by its token.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sight {
    /// Everything but the audit log; a client sees less.
    sees_as_staff: bool,
    is_administrator: bool,
}

/// How the caller sees the deal; 404 when it does not. With the caller's own token.
async fn visibility(
    caller: Authorized<ViewDeals>,
    id: PathId,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    let sight = db
        .read(&caller, async |tx| {
            let seen = deals::get(tx, id.0).await?;
            Ok(Sight {
                sees_as_staff: seen.view == DealView::Staff,
                is_administrator: tx.actor().role == Role::Admin,
            })
        })
        .await?;
    Ok(HttpResponse::Ok().json(sight))
}
