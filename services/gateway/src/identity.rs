//! Whose token came with a request.

use std::sync::Arc;

use actix_web::http::header::HeaderMap;
use domain::rejection::Rejection;
use platform::{
    auth::{AccessClaims, TokenVerifier, token::TokenRefused},
    error::Error,
    http::bearer,
};

/// What the request's token says, where it was verified a moment ago.
pub fn known(verifier: &TokenVerifier, headers: &HeaderMap) -> Option<Arc<AccessClaims>> {
    verifier.known(bearer(headers)?)
}

/// What the request's token says.
///
/// # Errors
/// 401 without a valid token; 503 while the keys to check it cannot be had.
pub async fn identify(
    verifier: &TokenVerifier,
    headers: &HeaderMap,
) -> Result<Arc<AccessClaims>, Error> {
    let token = bearer(headers).ok_or(Rejection::Unauthenticated)?;
    verifier
        .verify(token)
        .await
        .map_err(|refused| match refused {
            TokenRefused::Invalid => Rejection::Unauthenticated.into(),
            TokenRefused::KeysUnavailable => Error::unavailable("the public keys of access tokens"),
        })
}
