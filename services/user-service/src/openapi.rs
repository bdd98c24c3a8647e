//! The OpenAPI document of this service, generated from its handlers.

use platform::http::{
    openapi::{self, Door},
    permission::SignedIn,
};
use utoipa::OpenApi;

use crate::routes;

/// Who may come in by which operation; the gateway's route table derives from it.
const DOORS: &[(&str, Door)] = &[
    ("getJwks", Door::Public),
    ("signUp", Door::Public),
    ("logIn", Door::Public),
    ("refresh", Door::Public),
    ("logOut", Door::needs::<SignedIn>()),
    ("getMe", Door::needs::<SignedIn>()),
];

#[derive(OpenApi)]
#[openapi(
    info(title = "Haushavn user-service", description = "Identity and notifications"),
    paths(
        routes::jwks::jwks,
        routes::auth::sign_up,
        routes::auth::log_in,
        routes::auth::refresh,
        routes::auth::log_out,
        routes::auth::me,
    ),
    tags((name = "identity", description = "Organizations, users, sign-in"))
)]
struct Document;

/// The document as it is committed; the gateway merges it with those of the other services.
pub fn document() -> anyhow::Result<String> {
    openapi::print(&openapi::finish(Document::openapi(), DOORS)?)
}
