//! What people look at: summary, the buyer's timeline, and what happened.

use std::time::Duration;

use actix_web::{HttpResponse, http::header::ContentType, web};
use anyhow::Context as _;
use domain::{deal::DealView, zone::Zone};
use platform::{
    cache::Cache,
    db::Db,
    error::Result,
    http::{
        Access as _, Authorized, Cursors, Cut, Page, PathId, Query as Parameters, Routes,
        permission::{ViewDealActivity, ViewDeals},
    },
};
use serde::Deserialize;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::{
    queries::{
        activity::{self, ActivityItem},
        audit_log::{Auditor, Place},
        buyer_timeline::{self, BuyerTimeline},
        get_summary::{self, Built, DealSummary, Kept},
    },
    repository::deals::{self, Deal},
};

/// How long a summary is kept.
const SUMMARY_TTL: Duration = Duration::from_secs(300);

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/deals/{id}/summary", summary)
        .get("/api/deals/{id}/buyer-timeline", timeline)
        .get("/api/deals/{id}/activity", activity)
}

/// A deal at a glance.
///
/// **Permissions**: any of the view permissions. Buyers get only the tasks that they may see.
#[utoipa::path(get, path = "/api/deals/{id}/summary", operation_id = "getDealSummary", tag = "deals", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The summary", body = DealSummary)))]
pub(crate) async fn summary(
    caller: Authorized<ViewDeals>,
    id: PathId,
    db: web::Data<Db>,
    cache: web::Data<Cache>,
    auditor: web::Data<Auditor>,
) -> Result<HttpResponse> {
    // Whether the caller may see it is decided now; only the work of building it may be saved.
    let seen = db
        .read(&caller, async |tx| deals::get(tx, id.0).await)
        .await?;
    let key = get_summary::key(id.0, seen.view, caller.caller().user_id);
    let kept: Option<Kept> = cache.get_json(&key).await;
    let kept = match kept.filter(|kept| kept.revision == seen.deal.summary_revision) {
        Some(kept) => kept,
        None => {
            let lease = cache.lease(&key).await;
            let built = build(&caller, id.0, &db, &auditor).await?;
            let is_seen_alike = built.view == seen.view;
            let kept = built.into_kept()?;
            // Not cached if the caller's view of the deal has changed since the key was made.
            if is_seen_alike {
                cache.fill(lease, &kept, SUMMARY_TTL).await;
            }
            kept
        }
    };
    let answer = kept.answer(days_to_closing(&seen.deal, kept.closing_date)?);
    Ok(HttpResponse::Ok()
        .content_type(ContentType::json())
        .body(answer))
}

async fn build(
    caller: &Authorized<ViewDeals>,
    id: Uuid,
    db: &Db,
    auditor: &Auditor,
) -> Result<Built> {
    let mut built = db
        .read(caller, async |tx| get_summary::run(tx, id).await)
        .await?;
    if built.view == DealView::Staff {
        let last = auditor
            .read(caller, async |tx| activity::run(tx, id, None, 1).await)
            .await?;
        built.summary.last_activity = last.into_iter().map(|(_, item)| item).next();
    }
    Ok(built)
}

/// Computed for every request: it changes at midnight in the property's time zone, without an event. Counts to the
/// summary's closing date, which may be newer than the deal's.
fn days_to_closing(deal: &Deal, closing: Option<Date>) -> Result<Option<i64>> {
    let zone = Zone::parse(&deal.time_zone).context("a deal's time zone")?;
    let today = zone.local_date(OffsetDateTime::now_utc());
    Ok(closing.map(|closing| (closing - today).whole_days()))
}

/// A deal in plain words, for the person who buys, sells or borrows.
///
/// **Permissions**: any of the view permissions. Staff sees it as the deal's clients do.
#[utoipa::path(get, path = "/api/deals/{id}/buyer-timeline", operation_id = "getBuyerTimeline", tag = "deals",
    params(("id" = Uuid, Path)), responses((status = 200, description = "The timeline", body = BuyerTimeline)))]
pub(crate) async fn timeline(
    caller: Authorized<ViewDeals>,
    id: PathId,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    let timeline = db
        .read(&caller, async |tx| buyer_timeline::run(tx, id.0).await)
        .await?;
    Ok(HttpResponse::Ok().json(timeline))
}

/// How a deal's history is cut.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ActivityQuery {
    /// 1 to 100, 25 by default.
    limit: Option<u32>,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// What happened in a deal, in sentences, newest first.
///
/// **Permissions**: view_deals or view_all_deals.
#[utoipa::path(get, path = "/api/deals/{id}/activity", operation_id = "listDealActivity", tag = "deals",
    params(("id" = Uuid, Path), ActivityQuery), responses((status = 200, description = "A page of what happened", body = Page<ActivityItem>)))]
pub(crate) async fn activity(
    caller: Authorized<ViewDealActivity>,
    id: PathId,
    query: Parameters<ActivityQuery>,
    cursors: web::Data<Cursors>,
    db: web::Data<Db>,
    auditor: web::Data<Auditor>,
) -> Result<HttpResponse> {
    let (limit, cursor) = (query.0.limit, query.0.cursor.as_deref());
    let cut: Cut<Place> = db
        .read(&caller, async |tx| {
            let cut = cursors.cut(tx, "activity", &id.0, limit, cursor)?;
            deals::get(tx, id.0).await?;
            Ok(cut)
        })
        .await?;
    let rows = auditor
        .read(&caller, async |tx| {
            activity::run(tx, id.0, cut.after, cut.fetch()).await
        })
        .await?;
    let page = cut.page(rows, |(place, _)| *place)?;
    Ok(HttpResponse::Ok().json(page.map(|(_, item)| item)))
}
