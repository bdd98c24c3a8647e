//! The keys that sign access tokens: kept in the database, sealed with a key from the environment, and
//! published as a JWK set.
//!
//! A new key is published for a while before it signs, and an old one for a while after, so a rotation
//! makes no token unreadable anywhere. Every process looks for new keys by itself.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{EncodingKey, Header, encode};
use platform::{
    auth::{
        AccessClaims,
        token::{ACCESS_TOKEN_TYPE, ALGORITHM},
    },
    config::Key32,
    db::Db,
    error::Result,
};
use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom as _, SystemRandom},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use serde::Serialize;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    config::Config,
    repository::signing_keys::{self, SigningKeyRow},
};

/// A new key is published this long before it signs: longer than verifiers wait between two fetches.
const PUBLISHED_BEFORE: Duration = Duration::from_secs(30);
/// A retired key is published this long: longer than any token it signed holds.
const PUBLISHED_AFTER: Duration = Duration::from_secs(60 * 60);
/// How often a process looks for new keys.
const RELOAD_INTERVAL: Duration = Duration::from_secs(10);
/// What comes before the seed in a PKCS 8 Ed25519 private key (RFC 8410).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Signs access tokens and publishes the public keys.
#[derive(Clone)]
pub struct KeyRing {
    db: Db,
    sealing: SealingKey,
    issuer: Arc<str>,
    audience: Arc<str>,
    access_ttl: Duration,
    loaded: Arc<RwLock<Option<Loaded>>>,
}

/// The public keys, as `/.well-known/jwks.json` shows them.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct JwkSet {
    /// The keys whose tokens are good.
    pub keys: Vec<Jwk>,
}

/// One public key (RFC 8037).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Jwk {
    /// Always `OKP`.
    #[schema(example = "OKP")]
    pub kty: &'static str,
    /// Always `Ed25519`.
    #[schema(example = "Ed25519")]
    pub crv: &'static str,
    /// Always `EdDSA`.
    #[schema(example = "EdDSA")]
    pub alg: &'static str,
    /// Always `sig`.
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    pub usage: &'static str,
    /// The key's id.
    pub kid: String,
    /// The key itself, base64url.
    pub x: String,
}

#[derive(Clone)]
struct Loaded {
    signing_kid: String,
    signing_key: EncodingKey,
    published: JwkSet,
}

impl KeyRing {
    /// A ring without keys; [`KeyRing::load`] fetches them.
    pub fn new(db: Db, config: &Config) -> anyhow::Result<Self> {
        Ok(Self {
            db,
            sealing: SealingKey::new(
                &config.secrets.key_encryption_key,
                config.secrets.key_encryption_key_also.as_ref(),
            )?,
            issuer: config.common.jwt_issuer.as_str().into(),
            audience: config.common.jwt_audience.as_str().into(),
            access_ttl: config.access_ttl,
            loaded: Arc::default(),
        })
    }

    /// Fetches the keys; makes the first one where there is none.
    pub async fn load(&self) -> anyhow::Result<()> {
        let mut rows = self.rows().await?;
        if rows.iter().all(|row| row.retired_at.is_some()) {
            make_key(&self.db, &self.sealing, Occasion::First).await?;
            rows = self.rows().await?;
        }
        let signing =
            signing_row(&rows, OffsetDateTime::now_utc()).context("there is no signing key")?;
        let loaded = Loaded {
            signing_kid: signing.kid.clone(),
            signing_key: self
                .sealing
                .open(&signing.kid, &signing.private_key_encrypted)?,
            published: JwkSet {
                keys: rows.iter().map(Jwk::of).collect(),
            },
        };
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Some(loaded);
        Ok(())
    }

    /// Looks for new keys until `stop` is cancelled; the known ones stay in use when that fails.
    pub async fn keep_loaded(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RELOAD_INTERVAL) => {}
            }
            if let Err(error) = self.load().await {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the signing keys cannot be reloaded; the known ones serve on"
                );
            }
        }
    }

    /// The public keys.
    pub fn published(&self) -> JwkSet {
        self.current()
            .map(|loaded| loaded.published)
            .unwrap_or_default()
    }

    /// How long an access token holds, in seconds.
    pub fn access_ttl_seconds(&self) -> u64 {
        self.access_ttl.as_secs()
    }

    /// An access token of a session.
    pub fn sign(
        &self,
        user_id: Uuid,
        organization_id: Uuid,
        role: &str,
        session_id: Uuid,
    ) -> Result<String> {
        let loaded = self.current().context("no signing key is loaded")?;
        let now = OffsetDateTime::now_utc();
        let claims = AccessClaims {
            user_id,
            org_id: organization_id,
            role: role.to_owned(),
            sid: session_id,
            iss: self.issuer.to_string(),
            aud: self.audience.to_string(),
            exp: (now + self.access_ttl).unix_timestamp(),
            iat: now.unix_timestamp(),
        };
        let mut header = Header::new(ALGORITHM);
        header.typ = Some(ACCESS_TOKEN_TYPE.to_owned());
        header.kid = Some(loaded.signing_kid);
        Ok(encode(&header, &claims, &loaded.signing_key).context("sign an access token")?)
    }

    async fn rows(&self) -> Result<Vec<SigningKeyRow>> {
        let since = OffsetDateTime::now_utc() - PUBLISHED_AFTER;
        self.db
            .anonymous("signing-keys", None, async |tx| {
                signing_keys::published(tx, since).await
            })
            .await
    }

    fn current(&self) -> Option<Loaded> {
        self.loaded
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("KeyRing")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl Jwk {
    fn of(row: &SigningKeyRow) -> Self {
        Self {
            kty: "OKP",
            crv: "Ed25519",
            alg: "EdDSA",
            usage: "sig",
            kid: row.kid.clone(),
            x: URL_SAFE_NO_PAD.encode(&row.public_key),
        }
    }
}

/// Makes a new key and retires the others, without a pause for anybody. Answers the new key's id.
pub async fn rotate(db: &Db, key_encryption_key: &Key32) -> anyhow::Result<String> {
    make_key(
        db,
        &SealingKey::new(key_encryption_key, None)?,
        Occasion::Rotation,
    )
    .await
}

/// Why a key is made.
#[derive(Clone, Copy)]
enum Occasion {
    /// There may be none yet; another process may make one at the same time.
    First,
    /// The present ones are to be replaced.
    Rotation,
}

async fn make_key(db: &Db, sealing: &SealingKey, occasion: Occasion) -> anyhow::Result<String> {
    let kid = Uuid::now_v7().simple().to_string();
    let mut seed = [0; 32];
    SystemRandom::new()
        .fill(&mut seed)
        .map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
        .map_err(|error| anyhow::anyhow!("make a key pair: {error}"))?;
    let sealed = sealing.seal(&kid, &seed)?;
    let made = db
        .anonymous("signing-keys", None, async |tx| {
            signing_keys::lock(tx).await?;
            let present = signing_keys::published(tx, tx.now()).await?;
            let usable = present.iter().find(|row| row.retired_at.is_none());
            if let (Occasion::First, Some(row)) = (occasion, usable) {
                return Ok(row.kid.clone());
            }
            signing_keys::insert(tx, &kid, pair.public_key().as_ref(), &sealed).await?;
            signing_keys::retire_others(tx, &kid, tx.now() + PUBLISHED_BEFORE).await?;
            Ok(kid.clone())
        })
        .await?;
    Ok(made)
}

/// The newest key that has been published long enough; else the oldest there is.
fn signing_row(newest_first: &[SigningKeyRow], now: OffsetDateTime) -> Option<&SigningKeyRow> {
    let usable = || {
        newest_first
            .iter()
            .filter(|row| row.retired_at.is_none_or(|at| at > now))
    };
    usable()
        .find(|row| row.created_at + PUBLISHED_BEFORE <= now)
        .or_else(|| usable().next_back())
}

/// Seals private keys, each bound to its key id. What another key has sealed is opened as well.
#[derive(Clone)]
struct SealingKey {
    own: LessSafeKey,
    also: Option<LessSafeKey>,
}

impl SealingKey {
    fn new(own: &Key32, also: Option<&Key32>) -> anyhow::Result<Self> {
        let key = |bytes: &Key32| {
            UnboundKey::new(&CHACHA20_POLY1305, bytes.expose())
                .map(LessSafeKey::new)
                .map_err(|_| anyhow::anyhow!("the key encryption key cannot be used"))
        };
        Ok(Self {
            own: key(own)?,
            also: also.map(key).transpose()?,
        })
    }

    fn seal(&self, kid: &str, seed: &[u8; 32]) -> anyhow::Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?;
        let mut sealed = seed.to_vec();
        self.own
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(kid),
                &mut sealed,
            )
            .map_err(|_| anyhow::anyhow!("a signing key cannot be sealed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn open(&self, kid: &str, sealed: &[u8]) -> anyhow::Result<EncodingKey> {
        let refused =
            || anyhow::anyhow!("signing key {kid} cannot be opened with KEY_ENCRYPTION_KEY");
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).with_context(refused)?;
        let seed = std::iter::once(&self.own)
            .chain(&self.also)
            .find_map(|key| {
                let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
                let mut opened = sealed.to_vec();
                let seed = key.open_in_place(nonce, Aad::from(kid), &mut opened).ok()?;
                Some(seed.to_vec())
            })
            .with_context(refused)?;
        Ok(EncodingKey::from_ed_der(
            &[&PKCS8_PREFIX, seed.as_slice()].concat(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation, decode};
    use time::Duration as Span;

    use super::*;

    fn row(kid: &str, age_seconds: i64, retired_in_seconds: Option<i64>) -> SigningKeyRow {
        let now = OffsetDateTime::UNIX_EPOCH;
        SigningKeyRow {
            kid: kid.to_owned(),
            public_key: Vec::new(),
            private_key_encrypted: Vec::new(),
            created_at: now - Span::seconds(age_seconds),
            retired_at: retired_in_seconds.map(|seconds| now + Span::seconds(seconds)),
        }
    }

    fn chosen(rows: &[SigningKeyRow]) -> Option<&str> {
        signing_row(rows, OffsetDateTime::UNIX_EPOCH).map(|row| row.kid.as_str())
    }

    #[test]
    fn a_new_key_signs_only_after_everybody_could_have_fetched_it() {
        assert_eq!(
            chosen(&[row("first", 0, None)]),
            Some("first"),
            "the only one signs at once"
        );
        assert_eq!(
            chosen(&[row("new", 5, None), row("old", 900, Some(25))]),
            Some("old"),
            "just rotated"
        );
        assert_eq!(
            chosen(&[row("new", 31, None), row("old", 900, Some(-1))]),
            Some("new"),
            "later"
        );
        assert_eq!(
            chosen(&[row("old", 900, Some(-1))]),
            None,
            "a retired key never signs"
        );
    }

    #[test]
    fn a_sealed_key_signs_again_under_its_own_id_and_with_its_own_key_alone() {
        let sealing = SealingKey::new(&"07".repeat(32).parse().unwrap(), None).unwrap();
        let seed = [9; 32];
        let sealed = sealing.seal("k1", &seed).unwrap();
        let key = sealing.open("k1", &sealed).unwrap();
        let claims = serde_json::json!({ "exp": 4_102_444_800_i64 });
        let token = encode(&Header::new(ALGORITHM), &claims, &key).unwrap();
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let public =
            DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(pair.public_key())).unwrap();
        let mut validation = Validation::new(ALGORITHM);
        validation.validate_aud = false;
        assert!(decode::<serde_json::Value>(&token, &public, &validation).is_ok());

        let next = "08".repeat(32).parse().unwrap();
        let opens = |sealing: SealingKey| sealing.open("k1", &sealed).is_ok();
        let former = "07".repeat(32).parse().unwrap();
        assert!(opens(SealingKey::new(&next, Some(&former)).unwrap()));
        assert!(!opens(SealingKey::new(&next, None).unwrap()));

        assert!(sealing.open("k2", &sealed).is_err(), "another key id");
        assert!(sealing.open("k1", &sealed[..20]).is_err(), "a cut one");
    }
}
