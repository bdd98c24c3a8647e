//! Key dates: reading, previewing, moving, explaining.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse, web};
use domain::{cascade::DateInputs, rejection::Rejection, text};
use platform::{
    db::{Reply, Tx},
    error::Result,
    http::{
        Authorized, Body, Routes,
        body::{self, Json},
        conditional::{Conditional, ExpectedVersion},
        merge_patch::MergePatch,
        path::PathId,
        permission::{ManageDeals, ViewDeals},
        validate::Fields,
    },
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Asked, asked, whole_plan};
use crate::{
    commands::move_key_dates::{self, MoveKeyDates},
    planning::parse_dates,
    queries::{
        explain_key_date::{self, ExplainKeyDate, Explanation},
        key_dates::{self, KeyDatesView},
        preview_key_dates::{self, Preview, PreviewKeyDates},
        what_if::{self, ImagineDates, WhatIf},
    },
    services::Services,
    sight::Sight,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/deals/{id}/key-dates", read)
        .put("/api/deals/{id}/key-dates", move_dates)
        .patch("/api/deals/{id}/key-dates", patch_dates)
        .post("/api/deals/{id}/key-dates/preview", preview)
        .get("/api/deals/{id}/key-dates/{key}/explain", explain)
        .post("/api/deals/{id}/what-if", imagine)
}

/// Dates to set, with the reason.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MoveBody {
    /// `YYYY-MM-DD` by key; null clears an anchor's date, and lets a computed date follow its rule again.
    #[schema(value_type = std::collections::HashMap<String, Option<String>>, example = json!({"closing_date": "2026-06-15"}))]
    key_dates: BTreeMap<String, Option<String>>,
    #[schema(max_length = 1000)]
    reason: String,
    /// The version that these were decided on, unless `If-Match` names it.
    version: Option<i64>,
}

impl Body for MoveBody {
    fn check(&self) -> Result<(), Rejection> {
        self.read().map(drop)
    }
}

impl MoveBody {
    /// The dates and the reason.
    fn read(&self) -> Result<(DateInputs, String), Rejection> {
        let mut fields = Fields::new();
        let dates = fields.take(parse_dates(&self.key_dates))?;
        let reason = fields.take(text::reason(&self.reason))?;
        fields.finish()?;
        dates
            .zip(reason)
            .ok_or_else(|| Rejection::required("keyDates"))
    }
}

/// Dates to imagine.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WhatIfBody {
    /// As for PUT.
    #[schema(value_type = std::collections::HashMap<String, Option<String>>, example = json!({"closing_date": "2026-06-15"}))]
    key_dates: BTreeMap<String, Option<String>>,
}

impl Body for WhatIfBody {
    fn check(&self) -> Result<(), Rejection> {
        parse_dates(&self.key_dates).map(drop)
    }
}

/// The key dates of a deal.
///
/// **Permissions**: everybody who sees the deal; clients see the dates meant for them. Rejections: `NOT_FOUND`.
#[utoipa::path(
    get,
    path = "/api/deals/{id}/key-dates",
    operation_id = "getKeyDates",
    tag = "key dates",
    params(("id" = uuid::Uuid, Path, description = "The deal")),
    responses(
        (status = 200, description = "The key dates", body = KeyDatesView),
        (status = 304, description = "The client has this version"),
    ),
)]
pub(crate) async fn read(
    caller: Authorized<ViewDeals>,
    id: PathId,
    conditional: Conditional,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let stored = services
        .db
        .read(&caller, async |tx| key_dates::stored(tx, id.0).await)
        .await?;
    let dates = match stored {
        Some(dates) => dates,
        None => {
            let Asked { input, .. } = asked(&services, &caller, id.0).await?;
            let given = async |tx: &mut Tx| key_dates::run(tx, id.0, input.as_ref()).await;
            services.db.read(&caller, given).await?
        }
    };
    Ok(conditional.respond(dates.version, &dates))
}

/// Moves key dates; what follows them moves in the same transaction.
///
/// **Permissions**: `create_deals` on own deals, or `manage_tasks`. Rejections: `NOT_FOUND`, `FORBIDDEN`,
/// `VERSION_MISMATCH`, `VERSION_CONFLICT`, `DEAL_STATUS_CONFLICT` once the deal is over.
#[utoipa::path(
    put,
    path = "/api/deals/{id}/key-dates",
    operation_id = "moveKeyDates",
    tag = "key dates",
    params(("id" = uuid::Uuid, Path, description = "The deal")),
    request_body = MoveBody,
    responses((status = 200, description = "The key dates", body = KeyDatesView)),
)]
pub(crate) async fn move_dates(
    caller: Authorized<ManageDeals>,
    id: PathId,
    conditional: Conditional,
    body: Json<MoveBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let expected = conditional.expected_version(body.value.version)?;
    apply(&caller, id, &body.value, expected, &services).await
}

/// Moves key dates, as PUT does: that names only the dates to move as well.
///
/// **Permissions** and rejections as for PUT.
#[utoipa::path(
    patch,
    path = "/api/deals/{id}/key-dates",
    operation_id = "patchKeyDates",
    tag = "key dates",
    params(("id" = uuid::Uuid, Path, description = "The deal")),
    request_body(content = MoveBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The key dates", body = KeyDatesView)),
)]
pub(crate) async fn patch_dates(
    caller: Authorized<ManageDeals>,
    id: PathId,
    conditional: Conditional,
    patch: MergePatch,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let body: MoveBody = body::decode(patch.raw())?;
    let expected = conditional.expected_or_any(body.version);
    apply(&caller, id, &body, expected, &services).await
}

async fn apply(
    caller: &Authorized<ManageDeals>,
    id: PathId,
    body: &MoveBody,
    expected: ExpectedVersion,
    services: &Services,
) -> Result<HttpResponse> {
    let (key_dates, reason) = body.read()?;
    let command = MoveKeyDates {
        deal_id: id.0,
        key_dates,
        reason,
        expected,
    };
    let Asked { input, .. } = asked(services, caller, id.0).await?;
    let dates = services
        .db
        .write(caller, async |tx| {
            let moved = move_key_dates::run(tx, &command, input.as_ref()).await?;
            let sight = Sight::of(tx, [id.0]).await?;
            Ok(KeyDatesView::of(&moved, tx.actor(), &sight))
        })
        .await?;
    Ok(Reply::ok(&dates)?.version(dates.version).into_response())
}

/// What moving key dates would do; writes nothing.
///
/// **Permissions**: as for moving them. Rejections: `NOT_FOUND`, `FORBIDDEN`, `VERSION_CONFLICT`,
/// `DEAL_STATUS_CONFLICT` once the deal is over.
#[utoipa::path(
    post,
    path = "/api/deals/{id}/key-dates/preview",
    operation_id = "previewKeyDates",
    tag = "key dates",
    params(("id" = uuid::Uuid, Path, description = "The deal")),
    request_body = MoveBody,
    responses((status = 200, description = "What would move", body = Preview)),
)]
pub(crate) async fn preview(
    caller: Authorized<ManageDeals>,
    id: PathId,
    body: Json<MoveBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let (key_dates, _) = body.value.read()?;
    let query = PreviewKeyDates {
        deal_id: id.0,
        key_dates,
        version: body.value.version,
    };
    let Asked { input, .. } = asked(&services, &caller, id.0).await?;
    let preview = services
        .db
        .read(&caller, async |tx| {
            preview_key_dates::run(tx, &query, input.as_ref()).await
        })
        .await?;
    Ok(HttpResponse::Ok().json(preview))
}

/// How a key date came about: what it was counted from, each day counted or skipped, the roll, whose rule won.
///
/// **Permissions**: everybody who sees the deal; clients see the dates meant for them. Rejections: `NOT_FOUND`.
#[utoipa::path(
    get,
    path = "/api/deals/{id}/key-dates/{key}/explain",
    operation_id = "explainKeyDate",
    tag = "key dates",
    params(
        ("id" = uuid::Uuid, Path, description = "The deal"),
        ("key" = String, Path, description = "The key of the date"),
    ),
    responses((status = 200, description = "The explanation", body = Explanation)),
)]
pub(crate) async fn explain(
    caller: Authorized<ViewDeals>,
    id: PathId,
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let key = request.match_info().get("key").ok_or(Rejection::NotFound)?;
    let Asked { reader, input } = asked(&services, &caller, id.0).await?;
    let query = ExplainKeyDate {
        deal_id: id.0,
        key,
        reader: &reader,
    };
    let explanation = services
        .db
        .read_service(&whole_plan(&reader), async |tx| {
            explain_key_date::run(tx, &query, input.as_ref()).await
        })
        .await?;
    Ok(HttpResponse::Ok().json(explanation))
}

/// Dates, slack and critical path under other assumptions; writes nothing.
///
/// **Permissions**: everybody who sees the deal; clients see the dates and tasks meant for them. Rejections:
/// `NOT_FOUND`.
#[utoipa::path(
    post,
    path = "/api/deals/{id}/what-if",
    operation_id = "whatIf",
    tag = "key dates",
    params(("id" = uuid::Uuid, Path, description = "The deal")),
    request_body = WhatIfBody,
    responses((status = 200, description = "How it would be", body = WhatIf)),
)]
pub(crate) async fn imagine(
    caller: Authorized<ViewDeals>,
    id: PathId,
    body: Json<WhatIfBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let key_dates = parse_dates(&body.value.key_dates)?;
    let Asked { reader, input } = asked(&services, &caller, id.0).await?;
    let query = ImagineDates {
        deal_id: id.0,
        key_dates: &key_dates,
        reader: &reader,
    };
    let answer = services
        .db
        .read_service(&whole_plan(&reader), async |tx| {
            what_if::run(tx, &query, input.as_ref()).await
        })
        .await?;
    Ok(HttpResponse::Ok().json(answer))
}
