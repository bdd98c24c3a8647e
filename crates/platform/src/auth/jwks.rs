//! The public keys of access tokens, fetched from user-service and kept.
//!
//! A key id that is not known is looked for again at most every five seconds, so that a rotation is noticed at once and
//! a flood of forged tokens causes no flood of fetches. Known keys stay valid while user-service is unavailable.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, JwkSet},
};
use tokio::sync::Mutex;

use crate::config::KEEP_ALIVE_BETWEEN_SERVICES;

/// Between two fetches.
const FETCH_INTERVAL_MIN: Duration = Duration::from_secs(5);
/// After this long the keys are fetched again, so that a withdrawn key stops working.
const AGE_MAX: Duration = Duration::from_secs(300);
/// A fetch takes no longer.
const FETCH_TIMEOUT: Duration = Duration::from_secs(2);

/// What a search for a key found.
#[derive(Debug)]
pub enum KeyLookup {
    /// The key.
    Found(Arc<DecodingKey>),
    /// User-service does not publish such a key.
    Unknown,
    /// No keys could be had so far.
    Unavailable,
}

/// A set of public keys by key id.
#[derive(Debug)]
pub struct Jwks {
    known: RwLock<Known>,
    source: Option<Source>,
}

#[derive(Debug, Default)]
struct Known {
    keys: HashMap<String, Arc<DecodingKey>>,
    fetched_at: Option<Instant>,
}

#[derive(Debug)]
struct Source {
    url: String,
    client: reqwest::Client,
    attempted_at: Mutex<Option<Instant>>,
}

impl Jwks {
    /// Keys that are fetched from an address when they are first needed.
    pub fn remote(url: &str) -> anyhow::Result<Self> {
        crate::tls::ensure_provider();
        let client = reqwest::Client::builder()
            .pool_idle_timeout(KEEP_ALIVE_BETWEEN_SERVICES)
            .timeout(FETCH_TIMEOUT)
            .build()
            .context("failed to make the HTTP client for public keys")?;
        Ok(Self {
            known: RwLock::default(),
            source: Some(Source {
                url: url.to_owned(),
                client,
                attempted_at: Mutex::new(None),
            }),
        })
    }

    /// Keys that never change.
    pub fn fixed(keys: impl IntoIterator<Item = (String, DecodingKey)>) -> Self {
        let keys = keys
            .into_iter()
            .map(|(id, key)| (id, Arc::new(key)))
            .collect();
        Self {
            known: RwLock::new(Known {
                keys,
                fetched_at: None,
            }),
            source: None,
        }
    }

    /// The key with this id; fetches the keys when it is unknown or they are old.
    pub async fn key(&self, key_id: &str) -> KeyLookup {
        let Some(source) = &self.source else {
            return self.found(key_id).unwrap_or(KeyLookup::Unknown);
        };
        let present = self.found(key_id);
        if present.is_some() && !self.is_old() {
            return present.unwrap_or(KeyLookup::Unknown);
        }
        self.refresh(source).await;
        match self.found(key_id) {
            Some(found) => found,
            None if self.was_fetched() => KeyLookup::Unknown,
            None => KeyLookup::Unavailable,
        }
    }

    /// Fetches the keys unless that was tried just now. Concurrent callers wait for the result.
    async fn refresh(&self, source: &Source) {
        let mut attempted_at = source.attempted_at.lock().await;
        if attempted_at.is_some_and(|at| at.elapsed() < FETCH_INTERVAL_MIN) {
            return;
        }
        let fetched = fetch(source).await;
        // Set after the fetch: a request that is cancelled while it fetches must not keep the others from trying.
        *attempted_at = Some(Instant::now());
        match fetched {
            Ok(keys) => {
                let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
                *known = Known {
                    keys,
                    fetched_at: Some(Instant::now()),
                };
            }
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the public keys of access tokens cannot be fetched; the known ones serve on"
                );
            }
        }
    }

    fn found(&self, key_id: &str) -> Option<KeyLookup> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.keys.get(key_id).cloned().map(KeyLookup::Found)
    }

    fn is_old(&self) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.fetched_at.is_none_or(|at| at.elapsed() > AGE_MAX)
    }

    fn was_fetched(&self) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.fetched_at.is_some()
    }
}

async fn fetch(source: &Source) -> anyhow::Result<HashMap<String, Arc<DecodingKey>>> {
    let response = source
        .client
        .get(&source.url)
        .send()
        .await?
        .error_for_status()?;
    let set: JwkSet = response
        .json()
        .await
        .context("failed to read the key set")?;
    Ok(usable(&set))
}

/// The Ed25519 keys of a set; others are for somebody else.
fn usable(set: &JwkSet) -> HashMap<String, Arc<DecodingKey>> {
    set.keys
        .iter()
        .filter(|jwk| {
            matches!(&jwk.algorithm, AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519)
        })
        .filter_map(|jwk| {
            let key = DecodingKey::from_jwk(jwk).ok()?;
            Some((jwk.common.key_id.clone()?, Arc::new(key)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::service_token::tests::public_pem;

    #[test]
    fn only_ed25519_keys_with_an_id_are_used() {
        let set: JwkSet = serde_json::from_value(serde_json::json!({ "keys": [
            { "kty": "OKP", "crv": "Ed25519", "kid": "good", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
            { "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
            { "kty": "oct", "kid": "secret", "k": "aGF1c2hhdm4" }
        ] }))
        .unwrap();
        let keys = usable(&set);
        assert_eq!(keys.keys().collect::<Vec<_>>(), ["good"]);
    }

    #[actix_web::test]
    async fn without_user_service_nobody_is_called_a_forger() {
        let keys = Jwks::remote("http://127.0.0.1:1/.well-known/jwks.json").unwrap();
        assert!(matches!(keys.key("k1").await, KeyLookup::Unavailable));
    }

    /// Keys of these ids that were fetched from here so long ago.
    fn known(url: &str, ids: &[&str], age: Duration) -> Jwks {
        let key = DecodingKey::from_ed_pem(public_pem().as_bytes()).unwrap();
        let keys = Jwks::remote(url).unwrap();
        *keys.known.write().unwrap() = Known {
            keys: ids
                .iter()
                .map(|id| ((*id).to_owned(), Arc::new(key.clone())))
                .collect(),
            fetched_at: Instant::now().checked_sub(age),
        };
        keys
    }

    #[actix_web::test]
    async fn after_five_minutes_a_key_that_is_published_no_longer_is_refused() {
        let published = actix_web::HttpServer::new(|| {
            let nothing = || async { actix_web::HttpResponse::Ok().body(r#"{"keys": []}"#) };
            actix_web::App::new().default_service(actix_web::web::to(nothing))
        });
        let published = published.workers(1).bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", published.addrs()[0]);
        actix_web::rt::spawn(published.disable_signals().run());
        let young = known(&url, &["withdrawn"], AGE_MAX - Duration::from_secs(60));
        assert!(matches!(young.key("withdrawn").await, KeyLookup::Found(_)));
        let old = known(&url, &["withdrawn"], AGE_MAX + Duration::from_secs(1));
        assert!(matches!(old.key("withdrawn").await, KeyLookup::Unknown));
    }

    #[actix_web::test]
    async fn keys_that_are_old_serve_on_where_the_fetch_is_not_answered_within_two_seconds() {
        // Takes connections into its queue and never answers.
        let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", deaf.local_addr().unwrap());
        let keys = known(&url, &["k1"], AGE_MAX + Duration::from_secs(1));
        tokio::time::pause();
        let asked = tokio::time::Instant::now();
        let found = tokio::time::timeout(Duration::from_secs(3_600), keys.key("k1")).await;
        assert!(matches!(found, Ok(KeyLookup::Found(_))), "{found:?}");
        assert_eq!(asked.elapsed().as_secs(), FETCH_TIMEOUT.as_secs());
    }
}
