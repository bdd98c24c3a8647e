//! HTTP in, command or query, HTTP out. Each handler's arguments are its whole contract.

pub(crate) mod answers;
pub(crate) mod audit;
pub(crate) mod bodies;
pub(crate) mod deals;
mod internal;
pub(crate) mod parties;
pub(crate) mod status;
pub(crate) mod views;

use platform::http::Routes;

/// Every route of this service.
pub(crate) fn all() -> Routes {
    deals::routes()
        .and(parties::routes())
        .and(status::routes())
        .and(views::routes())
        .and(audit::routes())
        .and(internal::routes())
}
