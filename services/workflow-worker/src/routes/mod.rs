//! HTTP in, a question to a workflow, HTTP out.

pub(crate) mod workflow;

use platform::http::Routes;

/// Every route of this service.
pub(crate) fn all() -> Routes {
    workflow::routes()
}
