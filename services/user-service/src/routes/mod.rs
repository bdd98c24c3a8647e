//! HTTP in, command or query, HTTP out.

pub mod auth;
pub mod internal;
pub mod jwks;
pub mod notifications;
pub mod organization;
pub mod passwords;
pub mod users;

use platform::http::Routes;

/// Every route of this service.
pub(crate) fn all() -> Routes {
    jwks::routes()
        .and(auth::routes())
        .and(passwords::routes())
        .and(users::routes())
        .and(organization::routes())
        .and(notifications::routes())
        .and(internal::routes())
}
