//! HTTP in, a question to a workflow, HTTP out.

pub(crate) mod workflow;

use actix_web::web;
use platform::{client::ServiceClient, http::Routes};

use self::workflow::TemporalPages;
use crate::temporal::Temporal;

/// Every route of this service, with what its handler works with.
pub(crate) fn all(deals: &ServiceClient, temporal: &Temporal, pages: &TemporalPages) -> Routes {
    documented()
        .data(web::Data::new(deals.clone()))
        .data(web::Data::new(temporal.clone()))
        .data(web::Data::new(pages.clone()))
}

/// Every route of this service.
pub(crate) fn documented() -> Routes {
    workflow::routes()
}
