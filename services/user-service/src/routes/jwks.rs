//! The public keys of access tokens.

use actix_web::{HttpResponse, http::header, web};
use platform::http::Routes;

use crate::{secrets::signing_keys::JwkSet, services::Services};

pub(super) fn routes() -> Routes {
    Routes::default().get("/.well-known/jwks.json", jwks)
}

/// The public keys with which access tokens are verified.
///
/// A new key is here before it signs, and a retired one until its last token is over.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    operation_id = "getJwks",
    tag = "identity",
    responses((status = 200, description = "The keys", body = JwkSet))
)]
pub(crate) async fn jwks(services: web::Data<Services>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=60"))
        .json(services.keys.published())
}
