//! HTTP in, a question to a workflow, HTTP out.

pub(crate) mod workflow;

use actix_web::web::ServiceConfig;

/// Every route of this service.
pub(crate) fn configure(config: &mut ServiceConfig) {
    workflow::configure(config);
}
