//! This service's OpenAPI document, generated from its handler.

use platform::http::openapi;
use utoipa::OpenApi;

use crate::routes::{self, workflow};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "workflow-worker",
        description = "The long-running processes of deals and notifications."
    ),
    paths(workflow::get)
)]
struct Document;

/// The document as it is committed.
///
/// # Errors
/// When an operation has no route, or a route no operation.
pub fn document() -> anyhow::Result<String> {
    openapi::print(&openapi::finish(
        Document::openapi(),
        &routes::documented(),
    )?)
}
