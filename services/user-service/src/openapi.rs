//! The OpenAPI document of this service, generated from its handlers.

use platform::http::openapi;
use utoipa::OpenApi;

use crate::routes;

#[derive(OpenApi)]
#[openapi(
    info(title = "Haushavn user-service", description = "Identity and notifications"),
    paths(
        routes::jwks::jwks,
        routes::auth::sign_up,
        routes::auth::log_in,
        routes::auth::refresh,
        routes::auth::accept_invitation,
        routes::auth::verify_email,
        routes::auth::resend_verification,
        routes::auth::log_out,
        routes::me::get,
        routes::me::patch,
        routes::sessions::list,
        routes::sessions::end,
        routes::passwords::forgot,
        routes::passwords::reset,
        routes::passwords::change,
        routes::users::list,
        routes::users::invite,
        routes::users::get,
        routes::users::put,
        routes::users::patch,
        routes::users::disable,
        routes::organization::get,
        routes::organization::put,
        routes::organization::patch,
        routes::notifications::list,
        routes::notifications::undelivered,
        routes::notifications::resend,
        routes::notifications::mark_read,
        routes::notifications::mark_all_read,
        routes::notifications::get_preferences,
        routes::notifications::put_preferences,
        routes::notifications::patch_preferences,
    ),
    tags(
        (name = "identity", description = "Sign-up, sign-in, passwords"),
        (name = "users", description = "The people of an organization"),
        (name = "organization", description = "The tenant and its settings"),
        (name = "notifications", description = "Notices to people, and how they get them")
    )
)]
struct Document;

/// The document as it is committed; the gateway merges it with those of the other services.
pub fn document() -> anyhow::Result<String> {
    openapi::print(&openapi::finish(
        Document::openapi(),
        &routes::documented(),
    )?)
}
