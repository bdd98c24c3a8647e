//! HTTP in, command or query, HTTP out.

pub mod auth;
pub mod internal;
pub mod jwks;
pub mod notifications;
pub mod organization;
pub mod passwords;
pub mod users;

use actix_web::web::ServiceConfig;

/// Every route of this service.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(jwks::jwks)
        .service(auth::sign_up)
        .service(auth::log_in)
        .service(auth::refresh)
        .service(auth::log_out)
        .service(auth::me)
        .service(auth::accept_invitation)
        .service(passwords::forgot)
        .service(passwords::reset)
        .service(passwords::change)
        .service(users::list)
        .service(users::invite)
        .service(users::get)
        .service(users::put)
        .service(users::patch)
        .service(users::disable)
        .service(organization::get)
        .service(organization::put)
        .service(organization::patch)
        .service(notifications::list)
        .service(notifications::mark_all_read)
        .service(notifications::get_preferences)
        .service(notifications::put_preferences)
        .service(notifications::patch_preferences)
        .service(notifications::mark_read)
        .service(internal::session)
        .service(internal::notify)
        .service(internal::deliver)
        .service(internal::give_up);
}
