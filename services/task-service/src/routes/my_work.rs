//! `/api/tasks/mine`: what the caller has to do and follows up.

use actix_web::{HttpResponse, web};
use domain::{rejection::Rejection, search::SearchText, work::Bucket};
use platform::{
    error::Result,
    http::{Authorized, Routes, permission::ViewDeals, query::Query as Parameters},
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    queries::my_work::{self, Filters, MyWork},
    services::Services,
};

/// Most tasks of one bucket in one answer.
const BUCKET_ITEMS_MAX: u32 = 100;
/// Tasks of one bucket, unless the caller says how many.
const BUCKET_ITEMS_DEFAULT: u32 = 50;

pub(super) fn routes() -> Routes {
    Routes::default().get("/api/tasks/mine", read)
}

/// What the list is narrowed to.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct MyWorkQuery {
    /// Tasks of this bucket alone (overdue, today, week, later or waiting); the others are counted.
    #[param(pattern = "^(overdue|today|week|later|waiting)$")]
    bucket: Option<String>,
    /// Tasks of this deal.
    deal_id: Option<Uuid>,
    /// Tasks that the closing hangs on, or the others.
    critical: Option<bool>,
    /// Words of a title or of a deal's name.
    #[param(min_length = 1, max_length = 100)]
    q: Option<String>,
    /// How many of each bucket: 1 to 100, 50 by default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

impl MyWorkQuery {
    fn filters(&self) -> Result<Filters, Rejection> {
        Ok(Filters {
            bucket: self.bucket.as_deref().map(bucket).transpose()?,
            deal_id: self.deal_id,
            critical: self.critical,
            text: self
                .q
                .as_deref()
                .map(|text| SearchText::parse("q", text))
                .transpose()?,
        })
    }

    fn limit(&self) -> Result<u32, Rejection> {
        let limit = self.limit.unwrap_or(BUCKET_ITEMS_DEFAULT);
        if (1..=BUCKET_ITEMS_MAX).contains(&limit) {
            return Ok(limit);
        }
        let message = format!("limit is 1 to {BUCKET_ITEMS_MAX}");
        Err(Rejection::field("limit", "range", message))
    }
}

fn bucket(text: &str) -> Result<Bucket, Rejection> {
    Bucket::parse(text).ok_or_else(|| {
        let words = Bucket::ALL.map(Bucket::as_str).join(", ");
        Rejection::field("bucket", "one_of", format!("bucket must be one of {words}"))
    })
}

/// The caller's own open tasks by urgency, and those of others that the caller follows up, in deals that are not over.
///
/// Somebody follows up what the part asks for that they play in the deal; where no user plays it, coordinators and
/// administrators do. **Permissions**: any of `view_own_deals`, `view_deals`, `view_all_deals`.
#[utoipa::path(
    get,
    path = "/api/tasks/mine",
    operation_id = "getMyWork",
    tag = "tasks",
    params(MyWorkQuery),
    responses((status = 200, description = "What there is to do", body = MyWork)),
)]
pub(crate) async fn read(
    caller: Authorized<ViewDeals>,
    query: Parameters<MyWorkQuery>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let (filters, limit) = (query.0.filters()?, query.0.limit()?);
    let work = services
        .db
        .read(&caller, async |tx| my_work::run(tx, &filters, limit).await)
        .await?;
    Ok(HttpResponse::Ok().json(work))
}
