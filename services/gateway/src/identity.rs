//! Whose token came with a request.
//!
//! Checking a signature costs about as much as all the rest of the gateway's work, and one client sends the
//! same token again and again: what was verified is remembered for a moment, by each worker for itself. Whether
//! the session still lives is asked for every request all the same.

use std::{
    cell::RefCell,
    collections::HashMap,
    rc::Rc,
    time::{Duration, Instant},
};

use actix_web::http::header::HeaderMap;
use domain::rejection::Rejection;
use platform::{
    auth::{AccessClaims, TokenVerifier, token::TokenRefused},
    error::Error,
    http::bearer,
};
use time::OffsetDateTime;

/// For how long a verified token is remembered, at most until it expires.
const REMEMBERED_FOR: Duration = Duration::from_secs(30);
/// How many are remembered.
const REMEMBERED_MAX: usize = 4_096;

/// Verifies the tokens of a worker's requests.
pub struct Tokens {
    verifier: TokenVerifier,
    verified: RefCell<HashMap<String, Verified>>,
}

struct Verified {
    claims: Rc<AccessClaims>,
    at: Instant,
}

impl Tokens {
    /// Nothing is remembered yet.
    pub fn new(verifier: TokenVerifier) -> Self {
        Self {
            verifier,
            verified: RefCell::default(),
        }
    }

    /// What the request's token says, where it was verified a moment ago.
    pub fn known(&self, headers: &HeaderMap) -> Option<Rc<AccessClaims>> {
        self.remembered(bearer(headers)?)
    }

    /// What the request's token says.
    ///
    /// # Errors
    /// 401 without a valid token; 503 while the keys to check it cannot be had.
    pub async fn identify(&self, headers: &HeaderMap) -> Result<Rc<AccessClaims>, Error> {
        let token = bearer(headers).ok_or(Rejection::Unauthenticated)?;
        if let Some(claims) = self.remembered(token) {
            return Ok(claims);
        }
        match self.verifier.verify(token).await {
            Ok(claims) => Ok(self.remember(token, claims)),
            Err(TokenRefused::Invalid) => Err(Rejection::Unauthenticated.into()),
            Err(TokenRefused::KeysUnavailable) => {
                Err(Error::unavailable("the public keys of access tokens"))
            }
        }
    }

    fn remembered(&self, token: &str) -> Option<Rc<AccessClaims>> {
        let verified = self.verified.borrow();
        let Verified { claims, at } = verified.get(token)?;
        let holds = claims.exp > OffsetDateTime::now_utc().unix_timestamp();
        (holds && at.elapsed() < REMEMBERED_FOR).then(|| Rc::clone(claims))
    }

    fn remember(&self, token: &str, claims: AccessClaims) -> Rc<AccessClaims> {
        let claims = Rc::new(claims);
        let mut verified = self.verified.borrow_mut();
        if verified.len() >= REMEMBERED_MAX {
            verified.clear();
        }
        let entry = Verified {
            claims: Rc::clone(&claims),
            at: Instant::now(),
        };
        verified.insert(token.to_owned(), entry);
        claims
    }
}
