//! Tokens of services among each other: 60 seconds, signed with the calling service's own key.
//!
//! Public keys are configuration, one file a service: no key server has to be trusted. A token names the calling
//! service, the service that it is for, the organization, and the user on whose behalf; no other service accepts it.
//! Each route under `/internal` names the services that may call it, in its handler's type.

use std::{
    collections::HashMap,
    fs,
    future::{Ready, ready},
    io,
    marker::PhantomData,
    sync::Arc,
};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use anyhow::Context as _;
use domain::rejection::Rejection;
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use ring::hmac;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::token::ALGORITHM;
use crate::{
    config::{Env, Secret},
    error::Error,
    http::RequestContext,
};

/// The header's `typ`, so that no access token passes for one of these.
const SERVICE_TOKEN_TYPE: &str = "service+jwt";
/// How long a token holds, in seconds.
const LIFETIME_SECONDS: i64 = 60;
/// How far the clocks of two services may be apart, in seconds.
const CLOCK_SKEW_SECONDS: u64 = 5;
/// How a key ends in PEM.
const PEM_END: &str = "-----END PUBLIC KEY-----";
/// Public keys of one service, at most: the one that it has and the one that it gets.
const KEYS_OF_A_SERVICE_MAX: usize = 2;

/// A service's own private key and the public keys of those it trusts.
#[derive(Clone)]
pub struct ServiceKeys {
    service: &'static str,
    own: Arc<EncodingKey>,
    /// Of the private key, for [`ServiceKeys::derive`].
    root: hmac::Key,
    trusted: Arc<HashMap<String, Vec<DecodingKey>>>,
}

/// What a service token says.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct ServiceClaims {
    /// The calling service.
    pub iss: String,
    /// The called service.
    aud: String,
    /// The organization it acts in.
    pub org_id: Uuid,
    /// The user whose action led to the call, where there is one.
    pub on_behalf_of: Option<Uuid>,
    /// The token's own id.
    pub jti: Uuid,
    iat: i64,
    exp: i64,
}

impl ServiceKeys {
    /// Reads the keys; problems stay in `env` until it is finished. `service` is this service's name, as in
    /// `<service>.pem` at the others.
    ///
    /// `SERVICE_KEY_FILE` is this service's own Ed25519 private key (PKCS 8, PEM), `TRUSTED_SERVICES_DIR`
    /// a directory of `<service>.pem` public keys; while a key is replaced, a file holds both.
    pub fn read(env: &mut Env, service: &'static str) -> Option<Self> {
        let own = env.required_as("SERVICE_KEY_FILE", own_key);
        let trusted = env.required_as("TRUSTED_SERVICES_DIR", trusted_keys);
        let (own, root) = own?;
        Some(Self {
            service,
            own: Arc::new(own),
            root,
            trusted: Arc::new(trusted?),
        })
    }

    /// This service's name.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// A key for another purpose, which all replicas of this service have and nobody else. It changes with the
    /// service's own key.
    pub fn derive(&self, purpose: &str) -> hmac::Key {
        let derived = hmac::sign(&self.root, purpose.as_bytes());
        hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
    }

    /// A fresh token of this service, for one call of the service named `called`.
    pub fn sign(
        &self,
        called: &str,
        organization_id: Uuid,
        on_behalf_of: Option<Uuid>,
    ) -> anyhow::Result<Secret> {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let claims = ServiceClaims {
            iss: self.service.to_owned(),
            aud: called.to_owned(),
            org_id: organization_id,
            on_behalf_of,
            jti: Uuid::now_v7(),
            iat: now,
            exp: now + LIFETIME_SECONDS,
        };
        let mut header = Header::new(ALGORITHM);
        header.typ = Some(SERVICE_TOKEN_TYPE.to_owned());
        header.kid = Some(self.service.to_owned());
        let token =
            encode(&header, &claims, &self.own).context("failed to sign a service token")?;
        Ok(Secret::new(token))
    }

    /// What the token says, if a trusted service signed it for this one and it holds now.
    pub fn verify(&self, token: &str) -> Option<ServiceClaims> {
        let header = decode_header(token).ok()?;
        if header.alg != ALGORITHM || header.typ.as_deref() != Some(SERVICE_TOKEN_TYPE) {
            return None;
        }
        let service = header.kid?;
        let keys = self.trusted.get(&service)?;
        let mut validation = Validation::new(ALGORITHM);
        validation.set_issuer(&[&service]);
        validation.set_audience(&[self.service]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.leeway = CLOCK_SKEW_SECONDS;
        let claims = keys
            .iter()
            .find_map(|key| decode::<ServiceClaims>(token, key, &validation).ok())?
            .claims;
        (claims.exp - claims.iat <= LIFETIME_SECONDS).then_some(claims)
    }
}

impl std::fmt::Debug for ServiceKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let trusted: Vec<&String> = self.trusted.keys().collect();
        formatter
            .debug_struct("ServiceKeys")
            .field("service", &self.service)
            .field("trusted", &trusted)
            .finish_non_exhaustive()
    }
}

fn own_key(file: &str) -> Result<(EncodingKey, hmac::Key), String> {
    let pem = fs::read(file).map_err(|error| format!("cannot be read: {error}"))?;
    let key = EncodingKey::from_ed_pem(&pem)
        .map_err(|_| "must be a file with an Ed25519 private key (PKCS 8, PEM)".to_owned())?;
    Ok((key, root_key(&pem)))
}

/// The same for two files with the same key, however their last lines end.
fn root_key(pem: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, pem.trim_ascii())
}

fn trusted_keys(directory: &str) -> Result<HashMap<String, Vec<DecodingKey>>, String> {
    let unreadable = |error: io::Error| format!("cannot be read: {error}");
    let mut keys = HashMap::new();
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let Some(service) = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".pem"))
        else {
            continue;
        };
        let pem = fs::read_to_string(&path)
            .map_err(|error| format!("{service}.pem cannot be read: {error}"))?;
        let of_service = public_keys(&pem)
            .ok_or_else(|| format!("{service}.pem must be an Ed25519 public key (PEM), or two"))?;
        keys.insert(service.to_owned(), of_service);
    }
    Ok(keys)
}

/// The keys of a file: one, or while it is replaced the former and the next.
fn public_keys(pem: &str) -> Option<Vec<DecodingKey>> {
    let blocks: Vec<&str> = pem
        .split_inclusive(PEM_END)
        .map(str::trim)
        .filter(|block| !block.is_empty())
        .collect();
    let keys: Option<Vec<DecodingKey>> = blocks
        .iter()
        .map(|block| DecodingKey::from_ed_pem(block.as_bytes()).ok())
        .collect();
    keys.filter(|keys| (1..=KEYS_OF_A_SERVICE_MAX).contains(&keys.len()))
}

/// The services that may call a route. Implemented by the unit types in [`callers`].
pub trait Callers: 'static {
    /// Their names.
    const SERVICES: &'static [&'static str];
}

/// Who may call a route under `/internal`, as types: `InternalCaller<callers::TaskService>`.
pub mod callers {
    use super::Callers;

    macro_rules! callers {
        ($($(#[$doc:meta])* $name:ident = $services:expr;)+) => {
            $(
                $(#[$doc])*
                #[derive(Clone, Copy, Debug)]
                pub struct $name;

                impl Callers for $name {
                    const SERVICES: &'static [&'static str] = &$services;
                }
            )+
        };
    }

    callers! {
        /// The gateway, about sessions.
        Gateway = ["gateway"];
        /// task-service, about deals.
        TaskService = ["task-service"];
        /// workflow-worker, for its workflows.
        WorkflowWorker = ["workflow-worker"];
    }
}

/// A service that calls a route under `/internal` in an organization: one of those that `C` names, with 403 for any other
/// service, and 401 for everybody else.
#[derive(Clone, Debug)]
pub struct InternalCaller<C: Callers> {
    /// The organization it acts in.
    pub organization_id: Uuid,
    /// The user whose action led to the call, where there is one.
    pub on_behalf_of: Option<Uuid>,
    /// The request's id.
    pub request_id: String,
    /// W3C trace context of the request's span.
    pub traceparent: Option<String>,
    callers: PhantomData<C>,
}

impl<C: Callers> FromRequest for InternalCaller<C> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(claims_of(request).and_then(|claims| {
            if !C::SERVICES.contains(&claims.iss.as_str()) {
                return Err(Rejection::forbidden(&[]).into());
            }
            let context = RequestContext::of(request);
            tracing::Span::current().record("organizationId", claims.org_id.to_string());
            Ok(Self {
                organization_id: claims.org_id,
                on_behalf_of: claims.on_behalf_of,
                request_id: context.request_id,
                traceparent: context.traceparent,
                callers: PhantomData,
            })
        }))
    }
}

fn claims_of(request: &HttpRequest) -> Result<ServiceClaims, Error> {
    let keys = request
        .app_data::<web::Data<ServiceKeys>>()
        .context("the service's keys are not part of its application data")?;
    crate::http::bearer(request.headers())
        .and_then(|token| keys.verify(token))
        .ok_or_else(|| Rejection::Unauthenticated.into())
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;

    use base64::{
        Engine as _,
        engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
    };
    use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};

    use super::*;

    /// A private key for tests only, as PKCS 8 PEM.
    pub(crate) fn private_pem() -> String {
        private_pem_of(7)
    }

    fn private_pem_of(byte: u8) -> String {
        let mut der = hex::decode("302e020100300506032b657004220420").unwrap();
        der.extend([byte; 32]);
        pem("PRIVATE KEY", &der)
    }

    /// Its public key, as PEM.
    pub(crate) fn public_pem() -> String {
        public_pem_of(&private_pem())
    }

    fn public_pem_of(private: &str) -> String {
        let own = EncodingKey::from_ed_pem(private.as_bytes()).unwrap();
        let jwk = Jwk::from_encoding_key(&own, ALGORITHM).unwrap();
        let AlgorithmParameters::OctetKeyPair(pair) = jwk.algorithm else {
            panic!("an Ed25519 key is an octet key pair");
        };
        let mut der = hex::decode("302a300506032b6570032100").unwrap();
        der.extend(URL_SAFE_NO_PAD.decode(pair.x).unwrap());
        pem("PUBLIC KEY", &der)
    }

    fn pem(label: &str, der: &[u8]) -> String {
        let text = STANDARD.encode(der);
        format!("-----BEGIN {label}-----\n{text}\n-----END {label}-----\n")
    }

    fn keys(service: &'static str, trusted: &[&str]) -> ServiceKeys {
        let public = || DecodingKey::from_ed_pem(public_pem().as_bytes()).unwrap();
        ServiceKeys {
            service,
            own: Arc::new(EncodingKey::from_ed_pem(private_pem().as_bytes()).unwrap()),
            root: root_key(private_pem().as_bytes()),
            trusted: Arc::new(
                trusted
                    .iter()
                    .map(|name| ((*name).to_owned(), vec![public()]))
                    .collect(),
            ),
        }
    }

    #[test]
    fn a_trusted_service_is_recognised() {
        let organization_id = Uuid::now_v7();
        let token = keys("workflow-worker", &[])
            .sign("task-service", organization_id, None)
            .unwrap();
        let claims = keys("task-service", &["workflow-worker"])
            .verify(token.expose())
            .unwrap();
        assert_eq!(
            (claims.iss.as_str(), claims.org_id),
            ("workflow-worker", organization_id)
        );
    }

    #[test]
    fn derived_keys_differ_by_purpose_and_not_by_replica() {
        let tag = |keys: &ServiceKeys, purpose| {
            hmac::sign(&keys.derive(purpose), b"text").as_ref().to_vec()
        };
        let (one, other) = (keys("task-service", &[]), keys("task-service", &[]));
        assert_eq!(tag(&one, "cursors"), tag(&other, "cursors"));
        assert_ne!(tag(&one, "cursors"), tag(&one, "others"));
    }

    #[test]
    fn a_token_is_good_at_no_other_service_than_the_one_it_was_made_for() {
        let token = keys("workflow-worker", &[])
            .sign("user-service", Uuid::now_v7(), None)
            .unwrap();
        let verified = |service| keys(service, &["workflow-worker"]).verify(token.expose());
        assert!(verified("user-service").is_some());
        for other in ["task-service", "deal-service", "workflow-worker"] {
            assert_eq!(verified(other), None, "{other}");
        }
    }

    #[test]
    fn a_service_that_is_not_trusted_is_refused() {
        let token = keys("workflow-worker", &[])
            .sign("task-service", Uuid::now_v7(), None)
            .unwrap();
        assert_eq!(
            keys("task-service", &["deal-service"]).verify(token.expose()),
            None
        );
    }

    #[test]
    fn a_service_cannot_speak_for_another_one() {
        let mut impostor = keys("workflow-worker", &[]);
        impostor.service = "deal-service";
        let token = impostor.sign("task-service", Uuid::now_v7(), None).unwrap();
        let mut verifier = keys("task-service", &["workflow-worker"]);
        let foreign =
            DecodingKey::from_ed_components("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        verifier.trusted = Arc::new(HashMap::from([(
            "deal-service".to_owned(),
            vec![foreign.unwrap()],
        )]));
        assert_eq!(verifier.verify(token.expose()), None);
    }

    #[test]
    fn a_token_that_holds_longer_than_a_minute_is_refused() {
        let keys = keys("task-service", &["task-service"]);
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let claims = ServiceClaims {
            iss: "task-service".to_owned(),
            aud: "task-service".to_owned(),
            org_id: Uuid::now_v7(),
            on_behalf_of: None,
            jti: Uuid::now_v7(),
            iat: now,
            exp: now + 3_600,
        };
        let mut header = Header::new(ALGORITHM);
        header.typ = Some(SERVICE_TOKEN_TYPE.to_owned());
        header.kid = Some("task-service".to_owned());
        let token = encode(&header, &claims, &keys.own).unwrap();
        assert_eq!(keys.verify(&token), None);
    }

    fn read(own: &Path, trusted: &Path) -> Result<ServiceKeys, String> {
        let mut env = Env::from_pairs([
            ("HAUSHAVN_SERVICE_KEY_FILE", own.to_string_lossy()),
            ("HAUSHAVN_TRUSTED_SERVICES_DIR", trusted.to_string_lossy()),
        ]);
        let keys = ServiceKeys::read(&mut env, "deal-service");
        env.finish(|| keys).map_err(|error| error.to_string())
    }

    #[test]
    fn while_a_key_is_replaced_tokens_of_the_former_and_of_the_next_are_taken() {
        let directory = std::env::temp_dir().join(format!("haushavn-keys-{}", Uuid::now_v7()));
        fs::create_dir_all(&directory).unwrap();
        let (own, trusted) = (
            directory.join("own.key"),
            directory.join("deal-service.pem"),
        );
        let signed_by = |private: &str| {
            fs::write(&own, private).unwrap();
            let keys = read(&own, &directory).unwrap();
            keys.sign("deal-service", Uuid::now_v7(), None).unwrap()
        };
        let (former, next) = (private_pem_of(7), private_pem_of(8));
        // Files come from other systems as well.
        let former_public = public_pem_of(&former).replace('\n', "\r\n");
        let both = [former_public, public_pem_of(&next)].concat();
        fs::write(&trusted, &both).unwrap();
        let tokens = [signed_by(&former), signed_by(&next)];
        let taken = |keys: &ServiceKeys| {
            tokens
                .each_ref()
                .map(|token| keys.verify(token.expose()).is_some())
        };
        assert_eq!(taken(&read(&own, &directory).unwrap()), [true, true]);

        fs::write(&trusted, public_pem_of(&next)).unwrap();
        assert_eq!(taken(&read(&own, &directory).unwrap()), [false, true]);

        fs::write(&trusted, [both, public_pem()].concat()).unwrap();
        let refused = read(&own, &directory).unwrap_err();
        assert!(
            refused.contains("must be an Ed25519 public key (PEM), or two"),
            "{refused}"
        );
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn keys_are_read_from_files() {
        let directory = std::env::temp_dir().join(format!("haushavn-keys-{}", Uuid::now_v7()));
        fs::create_dir_all(&directory).unwrap();
        let own = directory.join("own.key");
        fs::write(&own, private_pem()).unwrap();
        fs::write(directory.join("deal-service.pem"), public_pem()).unwrap();
        let keys = read(&own, &directory).unwrap();
        let token = keys.sign("deal-service", Uuid::now_v7(), None).unwrap();
        assert_eq!(keys.verify(token.expose()).unwrap().iss, "deal-service");

        fs::write(directory.join("task-service.pem"), private_pem()).unwrap();
        assert_eq!(
            read(&directory.join("task-service.pem.old"), &directory).unwrap_err(),
            "the configuration has 2 problem(s): \
             HAUSHAVN_SERVICE_KEY_FILE: cannot be read: No such file or directory (os error 2); \
             HAUSHAVN_TRUSTED_SERVICES_DIR: task-service.pem must be an Ed25519 public key (PEM), or two"
        );
        fs::write(&own, public_pem()).unwrap();
        assert_eq!(
            read(&own, &own).unwrap_err(),
            "the configuration has 2 problem(s): \
             HAUSHAVN_SERVICE_KEY_FILE: must be a file with an Ed25519 private key (PKCS 8, PEM); \
             HAUSHAVN_TRUSTED_SERVICES_DIR: cannot be read: Not a directory (os error 20)"
        );
        fs::remove_dir_all(directory).unwrap();
    }
}
