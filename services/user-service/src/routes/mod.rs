//! HTTP in, command or query, HTTP out.

pub mod auth;
pub mod jwks;

use actix_web::web::ServiceConfig;

/// Every route of this service.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(jwks::jwks)
        .service(auth::sign_up)
        .service(auth::log_in)
        .service(auth::refresh)
        .service(auth::log_out)
        .service(auth::me);
}
