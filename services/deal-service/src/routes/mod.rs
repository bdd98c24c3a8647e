//! HTTP in, command or query, HTTP out. Each handler's arguments are its whole contract.

pub(crate) mod answers;
pub(crate) mod audit;
pub(crate) mod bodies;
pub(crate) mod deals;
mod internal;
pub(crate) mod parties;
pub(crate) mod search;
pub(crate) mod status;
pub(crate) mod views;

use actix_web::web;
use platform::http::{Cursors, Routes};

use crate::services::Services;

/// Every route of this service, with what its handlers work with.
pub(crate) fn all(services: &Services) -> Routes {
    documented()
        .data(web::Data::new(services.db.clone()))
        .data(web::Data::new(services.auditor.clone()))
        .data(web::Data::new(services.exports.clone()))
        .data(web::Data::new(services.cache.clone()))
        .data(web::Data::new(services.keys.clone()))
        .data(web::Data::new(Cursors::new(&services.keys)))
        .data(web::Data::new(services.tasks.clone()))
}

/// Every route of this service.
pub(crate) fn documented() -> Routes {
    deals::routes()
        .and(parties::routes())
        .and(status::routes())
        .and(views::routes())
        .and(search::routes())
        .and(audit::routes())
        .and(internal::routes())
}
