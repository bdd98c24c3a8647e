//! HTTP in, command or query, HTTP out. Each handler's arguments are its whole contract.

pub(crate) mod answers;
pub(crate) mod audit;
pub(crate) mod bodies;
pub(crate) mod deals;
mod internal;
pub(crate) mod parties;
pub(crate) mod status;
pub(crate) mod views;

use actix_web::web::ServiceConfig;

/// Every route of this service.
pub(crate) fn configure(config: &mut ServiceConfig) {
    deals::configure(config);
    parties::configure(config);
    status::configure(config);
    views::configure(config);
    audit::configure(config);
    internal::configure(config);
}
