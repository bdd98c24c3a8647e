//! Plans of deals.

use actix_web::{HttpResponse, web};
use platform::{
    error::Result,
    http::{Authorized, Routes, path::PathId, permission::ViewDeals},
};

use crate::{
    queries::deal_plan::{self, PlanView},
    services::Services,
};

pub(super) fn routes() -> Routes {
    Routes::default().get("/api/deals/{id}/plan", read)
}

/// A deal's milestones with their tasks, in order, as far as the caller sees them.
///
/// **Permissions**: everybody who sees the deal. Rejections: `NOT_FOUND`.
#[utoipa::path(
    get,
    path = "/api/deals/{id}/plan",
    operation_id = "getPlan",
    tag = "plans",
    params(("id" = uuid::Uuid, Path, description = "The deal")),
    responses((status = 200, description = "The plan", body = PlanView)),
)]
pub(crate) async fn read(
    caller: Authorized<ViewDeals>,
    id: PathId,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let plan = services
        .db
        .read(&caller, async |tx| deal_plan::run(tx, id.0).await)
        .await?;
    Ok(HttpResponse::Ok().json(plan))
}
