//! Access tokens: what user-service signs and every service verifies for itself.
//!
//! One algorithm, one type, one issuer, one audience. The claims `orgId` and `role` are for clients to
//! look at; nothing here decides by them.
//!
//! Checking a signature costs about as much as all other work on a small request, and one client sends the same token
//! again and again: what was verified is remembered for a moment. Whether the session is live is still checked for
//! every request.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use moka::sync::Cache;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::jwks::{Jwks, KeyLookup};
use crate::config::Common;

/// The only algorithm that is signed with and accepted.
pub const ALGORITHM: Algorithm = Algorithm::EdDSA;

/// The header's `typ` of access tokens (RFC 9068), so that no other token of ours passes for one.
pub const ACCESS_TOKEN_TYPE: &str = "at+jwt";

/// How long a verified token is remembered, at most until it expires. A withdrawn key is accepted no longer than this.
const REMEMBERED_TTL: Duration = Duration::from_secs(30);
/// How many verified tokens are remembered; beyond, the least used are verified again.
const REMEMBERED_MAX: u64 = 10_000;
/// A longer token is not ours.
const TOKEN_BYTES_MAX: usize = 4096;

/// What an access token says.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AccessClaims {
    /// The user.
    pub user_id: Uuid,
    /// The user's organization when the token was made.
    pub org_id: Uuid,
    /// The user's role when the token was made.
    pub role: String,
    /// The sign-in session.
    pub sid: Uuid,
    /// Who signed it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// Until when it holds, in seconds since 1970.
    pub exp: i64,
    /// When it was signed, in seconds since 1970.
    pub iat: i64,
}

/// Why a token does not identify anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRefused {
    /// It is forged, expired, meant for somebody else, or not a token at all.
    Invalid,
    /// It may be good, but the public keys cannot be had at the moment.
    KeysUnavailable,
}

/// Verifies access tokens with user-service's published keys.
#[derive(Clone, Debug)]
pub struct TokenVerifier {
    keys: Arc<Jwks>,
    validation: Arc<Validation>,
    verified: Cache<Box<str>, Arc<AccessClaims>>,
}

impl TokenVerifier {
    /// A verifier that fetches keys from the address in the settings when it first needs them.
    pub fn new(common: &Common) -> anyhow::Result<Self> {
        let keys = Jwks::remote(common.jwks_url.as_str())?;
        Ok(Self::with_keys(
            keys,
            &common.jwt_issuer,
            &common.jwt_audience,
        ))
    }

    /// A verifier with given keys.
    pub fn with_keys(keys: Jwks, issuer: &str, audience: &str) -> Self {
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.leeway = 0;
        Self {
            keys: Arc::new(keys),
            validation: Arc::new(validation),
            verified: Cache::builder()
                .max_capacity(REMEMBERED_MAX)
                .time_to_live(REMEMBERED_TTL)
                .build(),
        }
    }

    /// What the token says, where it was verified a moment ago and holds now.
    pub fn known(&self, token: &str) -> Option<Arc<AccessClaims>> {
        let claims = self.verified.get(token)?;
        (claims.exp > OffsetDateTime::now_utc().unix_timestamp()).then_some(claims)
    }

    /// What the token says, if it is one of ours and holds now.
    pub async fn verify(&self, token: &str) -> Result<Arc<AccessClaims>, TokenRefused> {
        if let Some(claims) = self.known(token) {
            return Ok(claims);
        }
        let claims = Arc::new(self.check(token).await?);
        self.verified.insert(token.into(), Arc::clone(&claims));
        Ok(claims)
    }

    async fn check(&self, token: &str) -> Result<AccessClaims, TokenRefused> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenRefused::Invalid);
        }
        let header = decode_header(token).map_err(|_| TokenRefused::Invalid)?;
        let typed = header.typ.as_deref() == Some(ACCESS_TOKEN_TYPE);
        let Some(key_id) = header.kid.filter(|_| typed && header.alg == ALGORITHM) else {
            return Err(TokenRefused::Invalid);
        };
        let key = match self.keys.key(&key_id).await {
            KeyLookup::Found(key) => key,
            KeyLookup::Unknown => return Err(TokenRefused::Invalid),
            KeyLookup::Unavailable => return Err(TokenRefused::KeysUnavailable),
        };
        decode::<AccessClaims>(token, &key, &self.validation)
            .map(|data| data.claims)
            .map_err(|_| TokenRefused::Invalid)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use jsonwebtoken::{DecodingKey, EncodingKey, Header, encode};
    use time::OffsetDateTime;

    use super::*;
    use crate::auth::service_token::tests::{private_pem, public_pem};

    fn verifier() -> TokenVerifier {
        let key = DecodingKey::from_ed_pem(public_pem().as_bytes()).unwrap();
        TokenVerifier::with_keys(
            Jwks::fixed([("k1".to_owned(), key)]),
            "haushavn",
            "haushavn-api",
        )
    }

    fn claims() -> AccessClaims {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        AccessClaims {
            user_id: Uuid::from_u128(1),
            org_id: Uuid::from_u128(2),
            role: "ADMIN".to_owned(),
            sid: Uuid::from_u128(3),
            iss: "haushavn".to_owned(),
            aud: "haushavn-api".to_owned(),
            exp: now + 900,
            iat: now,
        }
    }

    fn header() -> Header {
        let mut header = Header::new(ALGORITHM);
        header.typ = Some(ACCESS_TOKEN_TYPE.to_owned());
        header.kid = Some("k1".to_owned());
        header
    }

    fn signed(header: &Header, claims: &impl Serialize) -> String {
        let key = EncodingKey::from_ed_pem(private_pem().as_bytes()).unwrap();
        encode(header, claims, &key).unwrap()
    }

    async fn outcome(token: &str) -> Result<AccessClaims, TokenRefused> {
        verifier().verify(token).await.map(Arc::unwrap_or_clone)
    }

    #[actix_web::test]
    async fn a_token_that_was_verified_is_known_until_it_expires() {
        let verifier = verifier();
        let token = signed(&header(), &claims());
        assert_eq!(verifier.known(&token), None);
        let claims = verifier.verify(&token).await.unwrap();
        assert_eq!(verifier.known(&token), Some(Arc::clone(&claims)));
        let expired = AccessClaims {
            exp: OffsetDateTime::now_utc().unix_timestamp(),
            ..Arc::unwrap_or_clone(claims)
        };
        verifier.verified.insert("it".into(), Arc::new(expired));
        assert_eq!(verifier.known("it"), None);
    }

    #[actix_web::test]
    async fn a_token_of_ours_is_accepted() {
        let claims = claims();
        assert_eq!(outcome(&signed(&header(), &claims)).await, Ok(claims));
    }

    #[actix_web::test]
    async fn wrong_issuer_audience_or_time_is_refused() {
        let past = OffsetDateTime::now_utc().unix_timestamp() - 1;
        let cases = [
            AccessClaims {
                iss: "somebody".to_owned(),
                ..claims()
            },
            AccessClaims {
                aud: "haushavn-internal".to_owned(),
                ..claims()
            },
            AccessClaims {
                exp: past,
                ..claims()
            },
        ];
        for wrong in cases {
            let token = signed(&header(), &wrong);
            assert_eq!(
                outcome(&token).await,
                Err(TokenRefused::Invalid),
                "{wrong:?}"
            );
        }
    }

    #[actix_web::test]
    async fn a_claim_that_is_missing_is_refused() {
        for name in ["exp", "iss", "aud", "sid", "userId"] {
            let mut value = serde_json::to_value(claims()).unwrap();
            value.as_object_mut().unwrap().remove(name);
            assert_eq!(
                outcome(&signed(&header(), &value)).await,
                Err(TokenRefused::Invalid),
                "{name}"
            );
        }
    }

    #[actix_web::test]
    async fn another_algorithm_is_refused_even_with_the_public_key_as_secret() {
        let mut confused = header();
        confused.alg = Algorithm::HS256;
        let key = EncodingKey::from_secret(public_pem().as_bytes());
        let token = encode(&confused, &claims(), &key).unwrap();
        assert_eq!(outcome(&token).await, Err(TokenRefused::Invalid));
    }

    #[actix_web::test]
    async fn an_unsigned_token_is_refused() {
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header =
            part(serde_json::json!({ "alg": "none", "typ": ACCESS_TOKEN_TYPE, "kid": "k1" }));
        let token = format!(
            "{header}.{}.",
            part(serde_json::to_value(claims()).unwrap())
        );
        assert_eq!(outcome(&token).await, Err(TokenRefused::Invalid));
    }

    #[actix_web::test]
    async fn an_unknown_key_another_type_or_a_changed_claim_is_refused() {
        let mut unknown_key = header();
        unknown_key.kid = Some("k2".to_owned());
        let mut other_type = header();
        other_type.typ = Some("JWT".to_owned());
        for header in [unknown_key, other_type] {
            assert_eq!(
                outcome(&signed(&header, &claims())).await,
                Err(TokenRefused::Invalid)
            );
        }
        let token = signed(&header(), &claims());
        let other = signed(
            &header(),
            &AccessClaims {
                role: "BUYER".to_owned(),
                ..claims()
            },
        );
        let parts: Vec<&str> = token.split('.').collect();
        let others: Vec<&str> = other.split('.').collect();
        let mixed = format!("{}.{}.{}", parts[0], others[1], parts[2]);
        assert_eq!(outcome(&mixed).await, Err(TokenRefused::Invalid));
    }

    /// A token of ours with a role so long that it has about this many bytes: three letters take four.
    fn token_of(bytes: usize) -> String {
        let token = |letters| {
            let role = "R".repeat(letters);
            signed(&header(), &AccessClaims { role, ..claims() })
        };
        let others = token(0).len();
        token((bytes - others) / 4 * 3)
    }

    #[actix_web::test]
    async fn a_token_of_more_than_4096_bytes_is_refused_also_with_a_good_signature() {
        let (fits, too_long) = (token_of(4_090), token_of(4_105));
        assert!(fits.len() <= 4_096 && too_long.len() > 4_096);
        assert!(outcome(&fits).await.is_ok());
        assert_eq!(outcome(&too_long).await, Err(TokenRefused::Invalid));
    }

    #[actix_web::test]
    async fn ten_thousand_verified_tokens_are_remembered_and_no_more() {
        let verifier = verifier();
        for number in 0..12_000 {
            let token = format!("token {number}").into_boxed_str();
            verifier.verified.insert(token, Arc::new(claims()));
        }
        verifier.verified.run_pending_tasks();
        assert_eq!(verifier.verified.entry_count(), 10_000);
    }
}
