//! The header `Authorization` and the access token in it, and ids in paths. Nobody here has a private key.

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use futures::executor::block_on;
use jsonwebtoken::DecodingKey;
use platform::{
    auth::{TokenVerifier, jwks::Jwks, token::TokenRefused},
    http::{bearer, path::parse_id},
};

use crate::cost::Allowance;

const ALLOWANCE: Allowance = Allowance {
    memory: (20_000, 16),
    steps: (300, 2),
};

/// The public key of RFC 8037, whose private key is known, but not to a fuzzer's inputs.
const PUBLIC_KEY: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

fn verifier() -> TokenVerifier {
    let key = DecodingKey::from_ed_components(PUBLIC_KEY).expect("a key");
    let keys = Jwks::fixed([("k1".to_owned(), key)]);
    TokenVerifier::with_keys(keys, "haushavn", "haushavn-api")
}

pub(crate) fn run(input: &[u8]) {
    let verifier = verifier();
    let text = String::from_utf8_lossy(input);
    let refused = ALLOWANCE.hold(text.as_bytes(), || block_on(verifier.verify(&text)));
    assert_eq!(refused, Err(TokenRefused::Invalid), "{text}");
    if let Some(id) = parse_id(&text) {
        assert_eq!(id.hyphenated().to_string(), text);
    }
    let Ok(value) = HeaderValue::from_bytes(input) else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, value);
    if let Some(token) = bearer(&headers) {
        assert!(!token.is_empty() && text.contains(token));
    }
}
