//! What the doors of this service are given: its database, its secrets, its caches.

use std::net::IpAddr;

use domain::lockout;
use platform::{
    auth::ServiceKeys,
    cache::Cache,
    db::{Db, PoolSize},
    error::Result,
    http::Cursors,
};
use serde::Serialize;
use tokio::sync::OwnedMutexGuard;
use utoipa::ToSchema;

use crate::{
    SCHEMA,
    config::Config,
    lockout::Turns,
    mail::Mailer,
    repository::{sessions::Session, users::User},
    secrets::{
        passwords::Passwords,
        signing_keys::KeyRing,
        tokens::{Digest, RefreshClaim, TokenKey},
    },
    session_cache::SessionCache,
    views::UserView,
};

/// Everything that handlers share.
#[derive(Clone, Debug)]
pub struct Services {
    /// Sessions of the database.
    pub db: Db,
    /// Hashes and checks passwords.
    pub passwords: Passwords,
    /// Makes and checks refresh, invitation and reset tokens.
    pub tokens: TokenKey,
    /// The keys for calls between services.
    pub service_keys: ServiceKeys,
    /// Makes and checks the cursors of lists.
    pub cursors: Cursors,
    /// Signs access tokens.
    pub keys: KeyRing,
    /// Sessions and profiles in Redis.
    pub cache: SessionCache,
    /// Sends mail.
    pub mailer: Mailer,
    /// Lets sign-ins to one account wait for each other.
    pub turns: Turns,
    /// Whether answers may carry invitation and reset tokens.
    pub development: bool,
}

/// What a sign-in gives.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// For the header `Authorization`.
    pub access_token: String,
    /// Good for one call of `POST /api/auth/refresh`.
    pub refresh_token: String,
    /// How long the access token holds, in seconds.
    #[schema(example = 900)]
    pub expires_in: u64,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Who signed in.
    pub user: UserView,
}

impl Services {
    /// Connects when something is first needed.
    pub fn connect(config: &Config, cache: &Cache) -> anyhow::Result<Self> {
        let db = Db::connect(&config.database_url, SCHEMA, PoolSize::Requests)?;
        Ok(Self {
            passwords: Passwords::new(&config.secrets)?,
            tokens: TokenKey::new(
                &config.secrets.token_key,
                config.secrets.token_key_also.as_ref(),
            ),
            cursors: Cursors::new(&config.service_keys),
            service_keys: config.service_keys.clone(),
            keys: KeyRing::new(db.clone(), config)?,
            cache: SessionCache::new(cache.clone()),
            mailer: Mailer::new(&config.mail)?,
            turns: Turns::default(),
            development: config.common.is_development(),
            db,
        })
    }

    /// A client's network, as HMAC.
    pub fn network(&self, ip: Option<IpAddr>) -> Vec<u8> {
        self.tokens
            .digest(Digest::Network(&lockout::network_of(ip)))
    }

    /// Waits until no other request checks a password for this address, in its normal form.
    pub async fn turn(&self, email_key: &str) -> OwnedMutexGuard<()> {
        let address = self.tokens.digest(Digest::Address(email_key));
        self.turns.wait(&address).await
    }

    /// The tokens of a session.
    pub fn signed_in(&self, user: &User, session: &Session) -> Result<SignedIn> {
        let claim = RefreshClaim {
            session_id: session.id,
            generation: session.generation,
        };
        Ok(SignedIn {
            access_token: self.keys.sign(
                user.id,
                user.organization_id,
                user.role.as_str(),
                session.id,
            )?,
            refresh_token: self.tokens.refresh(claim),
            expires_in: self.keys.access_ttl_seconds(),
            token_type: "Bearer",
            user: UserView::from(user),
        })
    }
}
