//! HTTP in, command or query, HTTP out.

pub mod auth;
pub mod internal;
pub mod jwks;
pub mod me;
pub mod notifications;
pub mod organization;
pub mod passwords;
pub mod sessions;
pub mod users;

use actix_web::web;
use platform::http::Routes;

use crate::services::Services;

/// Every route of this service, with what its handlers work with.
pub(crate) fn all(services: &Services) -> Routes {
    documented()
        .data(web::Data::new(services.service_keys.clone()))
        .data(web::Data::new(services.clone()))
}

/// Every route of this service.
pub(crate) fn documented() -> Routes {
    jwks::routes()
        .and(auth::routes())
        .and(sessions::routes())
        .and(passwords::routes())
        .and(me::routes())
        .and(users::routes())
        .and(organization::routes())
        .and(notifications::routes())
        .and(internal::routes())
}
