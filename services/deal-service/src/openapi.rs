//! This service's OpenAPI document, generated from its handlers.

use platform::http::openapi;
use utoipa::OpenApi;

use crate::routes::{self, audit, deals, parties, search, status, views};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "deal-service",
        description = "Deals, their parties, and what people see of them."
    ),
    paths(
        deals::list,
        deals::create,
        deals::get,
        deals::put,
        deals::patch,
        deals::delete,
        parties::list,
        parties::add,
        parties::get,
        parties::put,
        parties::patch,
        parties::remove,
        status::activate,
        status::hold,
        status::resume,
        status::close,
        status::cancel,
        status::reopen,
        views::summary,
        views::timeline,
        views::activity,
        search::find,
        audit::list,
        audit::export::export,
    )
)]
struct Document;

/// The document as it is committed.
pub fn document() -> anyhow::Result<String> {
    openapi::print(&openapi::finish(
        Document::openapi(),
        &routes::documented(),
    )?)
}
