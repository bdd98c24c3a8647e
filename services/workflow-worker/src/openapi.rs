//! This service's OpenAPI document, and the door of its operation.

use platform::http::{
    openapi::{Door, finish, print},
    permission::ViewDeals,
};
use utoipa::OpenApi;

use crate::routes::workflow;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "workflow-worker",
        description = "The long-running processes of deals and notifications."
    ),
    paths(workflow::get)
)]
struct Document;

/// The permissions of each operation, as its handler asks for them.
const DOORS: &[(&str, Door)] = &[("getDealWorkflow", Door::needs::<ViewDeals>())];

/// The document as it is committed.
///
/// # Errors
/// When an operation has no door.
pub fn document() -> anyhow::Result<String> {
    print(&finish(Document::openapi(), DOORS)?)
}
