//! `/api/search`: one field to find deals, tasks and people by. It is answered here because this service holds all three:
//! deals, parties, and the read model of tasks.

use actix_web::{HttpResponse, web};
use domain::search::SearchText;
use platform::{
    db::Db,
    error::Result,
    http::{Authorized, Fields, Query as Parameters, Routes, permission::ViewDeals},
};
use serde::Deserialize;

use crate::queries::search::{self, SearchResults};

/// Most results of one kind.
const RESULTS_MAX: u32 = 20;
/// Results of one kind, unless the caller says how many.
const RESULTS_DEFAULT: u32 = 6;

pub(super) fn routes() -> Routes {
    Routes::default().get("/api/search", find)
}

/// What to search for.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// Words of a name, an address or a title: each may be a part of one, with fewer than three letters its beginning.
    #[param(min_length = 1, max_length = 100, example = "maple")]
    q: String,
    /// How many of each kind: 1 to 20, 6 by default.
    #[param(minimum = 1, maximum = 20)]
    limit: Option<u32>,
}

/// Finds deals by name or address, tasks by title, and people by name, of each kind the best few.
///
/// If nothing has all the words, similar names are found. **Permissions**: any of the view permissions; the caller
/// finds what it sees. Users are found by staff; clients find the parties of their deals.
#[utoipa::path(get, path = "/api/search", operation_id = "search", tag = "search", params(SearchQuery),
    responses((status = 200, description = "What was found", body = SearchResults)))]
pub(crate) async fn find(
    caller: Authorized<ViewDeals>,
    query: Parameters<SearchQuery>,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    let text = SearchText::parse("q", &query.0.q)?;
    let limit = query.0.limit.unwrap_or(RESULTS_DEFAULT);
    let mut fields = Fields::new();
    fields.range("limit", limit, 1..=RESULTS_MAX);
    fields.finish()?;
    let found = db
        .read(&caller, async |tx| search::run(tx, &text, limit).await)
        .await?;
    Ok(HttpResponse::Ok().json(found))
}
