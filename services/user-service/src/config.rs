//! The configuration of user-service, from its environment.

use std::time::Duration;

use lettre::{
    Address, AsyncSmtpTransport, Tokio1Executor, transport::smtp::AsyncSmtpTransportBuilder,
};
use platform::{
    auth::ServiceKeys,
    config::{Common, ConfigError, Env, HttpUrl, Key32, Seconds, Secret, address},
};

use crate::NAME;

/// How long an access token holds.
const ACCESS_TTL: Duration = Duration::from_secs(15 * 60);
/// The cost that production asks of bcrypt at least.
const PRODUCTION_BCRYPT_COST_MIN: u32 = 12;

/// The settings of a serving process.
#[derive(Clone, Debug)]
pub struct Config {
    /// What every service has.
    pub common: Common,
    /// The keys for calls between services.
    pub service_keys: ServiceKeys,
    /// `DATABASE_URL`: PostgreSQL as the service's role.
    pub database_url: Secret,
    /// `RELAY_DATABASE_URL`: PostgreSQL as the relay's role.
    pub relay_database_url: Secret,
    /// `REDIS_URL`: the cache of sessions and profiles.
    pub redis_url: Secret,
    /// `AMQP_URL`: the broker.
    pub amqp_url: Secret,
    /// What passwords, tokens and signing keys are protected with.
    pub secrets: SecretSettings,
    /// How mail is sent.
    pub mail: MailSettings,
    /// `ACCESS_TTL`: how long an access token holds; 15 minutes, settable in development only.
    pub access_ttl: Duration,
}

/// The keys of this service alone.
#[derive(Clone, Debug)]
pub struct SecretSettings {
    /// `PASSWORD_PEPPER`: goes into every password hash, so that a stolen table alone cannot be guessed at.
    pub password_pepper: Key32,
    /// `PASSWORD_PEPPER_ALSO`: passwords of this pepper are taken as well, while the pepper is replaced.
    pub password_pepper_also: Option<Key32>,
    /// `TOKEN_KEY`: makes refresh, invitation and reset tokens.
    pub token_key: Key32,
    /// `TOKEN_KEY_ALSO`: tokens of this key are taken as well, while the key is replaced.
    pub token_key_also: Option<Key32>,
    /// `KEY_ENCRYPTION_KEY`: encrypts the keys that sign access tokens.
    pub key_encryption_key: Key32,
    /// `KEY_ENCRYPTION_KEY_ALSO`: opens signing keys as well, while the key is replaced.
    pub key_encryption_key_also: Option<Key32>,
    /// `BCRYPT_COST`: the work of one password check, as a power of two; 12, and no less in production.
    pub bcrypt_cost: u32,
}

/// How mail is sent.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// `SMTP_URL`: `smtp://host:port`, or `smtps://user:password@host`.
    pub server: AsyncSmtpTransportBuilder,
    /// `MAIL_FROM`: the sender's address.
    pub from: Address,
    /// `PUBLIC_URL`: where people reach Haushavn; links in mails begin with it.
    pub public_url: HttpUrl,
}

impl Config {
    /// Reads everything, or reports everything that is wrong in one message.
    pub fn from_env(mut env: Env) -> Result<Self, ConfigError> {
        let common = Common::read(&mut env);
        let service_keys = ServiceKeys::read(&mut env, NAME);
        let database_url = env.required_as("DATABASE_URL", address::postgresql);
        let relay_database_url = env.required_as("RELAY_DATABASE_URL", address::postgresql);
        let redis_url = env.required_as("REDIS_URL", address::redis);
        let amqp_url = env.required_as("AMQP_URL", address::rabbitmq);
        let mail = MailSettings::read(&mut env);
        let secrets = SecretSettings::read(&mut env);
        let access_ttl: Option<Seconds> = env.optional("ACCESS_TTL");
        if access_ttl.is_some() && !env.is_development() {
            env.problem("ACCESS_TTL", "works in development only");
        }
        env.finish(|| {
            Some(Self {
                common: common?,
                service_keys: service_keys?,
                database_url: database_url?,
                relay_database_url: relay_database_url?,
                redis_url: redis_url?,
                amqp_url: amqp_url?,
                secrets: secrets?,
                mail: mail?,
                access_ttl: access_ttl.map_or(ACCESS_TTL, |Seconds(ttl)| ttl),
            })
        })
    }
}

impl SecretSettings {
    fn read(env: &mut Env) -> Option<Self> {
        let password_pepper = env.required("PASSWORD_PEPPER");
        let password_pepper_also = env.optional("PASSWORD_PEPPER_ALSO");
        let token_key = env.required("TOKEN_KEY");
        let token_key_also = env.optional("TOKEN_KEY_ALSO");
        let key_encryption_key = env.required("KEY_ENCRYPTION_KEY");
        let key_encryption_key_also = env.optional("KEY_ENCRYPTION_KEY_ALSO");
        let bcrypt_cost = env.or("BCRYPT_COST", PRODUCTION_BCRYPT_COST_MIN);
        let least = if env.is_development() {
            4
        } else {
            PRODUCTION_BCRYPT_COST_MIN
        };
        if !(least..=16).contains(&bcrypt_cost) {
            env.problem("BCRYPT_COST", &format!("must be {least} to 16"));
        }
        Some(Self {
            password_pepper: password_pepper?,
            password_pepper_also,
            token_key: token_key?,
            token_key_also,
            key_encryption_key: key_encryption_key?,
            key_encryption_key_also,
            bcrypt_cost,
        })
    }
}

impl MailSettings {
    fn read(env: &mut Env) -> Option<Self> {
        let server = env.required_as("SMTP_URL", |url| {
            AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
                .map_err(|_| "must be smtp://host:port or smtps://user:password@host")
        });
        let from = env.required("MAIL_FROM");
        let public_url = env.required("PUBLIC_URL");
        Some(Self {
            server: server?,
            from: from?,
            public_url: public_url?,
        })
    }
}

/// The settings of the sub-command `migrate`: only the database URL of the owner.
pub fn migrate_database_url(mut env: Env) -> Result<Secret, ConfigError> {
    let url = env.required_as("MIGRATE_DATABASE_URL", address::postgresql);
    env.finish(|| url)
}

/// The settings of the sub-command `rotate-keys`.
pub fn rotation(mut env: Env) -> Result<(Secret, Key32), ConfigError> {
    let url = env.required_as("DATABASE_URL", address::postgresql);
    let key = env.required("KEY_ENCRYPTION_KEY");
    env.finish(|| url.zip(key))
}

#[cfg(test)]
mod tests {
    use testkit::KeyFiles;

    use super::*;

    fn complete() -> Vec<(&'static str, String)> {
        let key = "ab".repeat(32);
        [
            ("LISTEN", "127.0.0.1:1"),
            ("ADMIN_LISTEN", "127.0.0.1:2"),
            ("JWKS_URL", "http://127.0.0.1:1/.well-known/jwks.json"),
            ("JWT_ISSUER", "haushavn"),
            ("JWT_AUDIENCE", "haushavn"),
            ("DATABASE_URL", "postgres://localhost/u"),
            ("RELAY_DATABASE_URL", "postgres://localhost/r"),
            ("REDIS_URL", "redis://localhost"),
            ("AMQP_URL", "amqp://localhost"),
            ("PASSWORD_PEPPER", &key),
            ("TOKEN_KEY", &key),
            ("KEY_ENCRYPTION_KEY", &key),
            ("SMTP_URL", "smtp://127.0.0.1:25"),
            ("MAIL_FROM", "haushavn@haushavn.example"),
            ("PUBLIC_URL", "https://haushavn.example/"),
        ]
        .map(|(name, value)| (name, value.to_owned()))
        .to_vec()
    }

    fn read(extra: &[(&'static str, &str)]) -> Result<Config, ConfigError> {
        let mut pairs = complete();
        pairs.extend(
            extra
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        let keys = KeyFiles::new();
        let keys = keys
            .variables()
            .map(|(name, value)| (name.to_owned(), value));
        let pairs = pairs
            .into_iter()
            .map(|(name, value)| (format!("HAUSHAVN_{name}"), value));
        Config::from_env(Env::from_pairs(pairs.chain(keys)))
    }

    #[test]
    fn production_asks_for_costly_passwords_and_the_usual_life_of_tokens() {
        let message = read(&[("BCRYPT_COST", "10"), ("ACCESS_TTL", "5")])
            .unwrap_err()
            .to_string();
        assert_eq!(
            message,
            "the configuration has 2 problem(s): HAUSHAVN_BCRYPT_COST: must be 12 to 16; \
             HAUSHAVN_ACCESS_TTL: works in development only"
        );
    }

    #[test]
    fn an_access_token_holds_for_fifteen_minutes_unless_somebody_says_otherwise() {
        assert_eq!(read(&[]).unwrap().access_ttl.as_secs(), 900);
    }

    #[test]
    fn development_may_have_cheap_passwords_and_short_lived_tokens() {
        let config = read(&[
            ("ENV", "development"),
            ("BCRYPT_COST", "4"),
            ("ACCESS_TTL", "5"),
        ])
        .unwrap();
        assert_eq!(config.access_ttl, Duration::from_secs(5));
        assert_eq!(config.secrets.bcrypt_cost, 4);
        assert_eq!(config.mail.public_url.as_str(), "https://haushavn.example");
    }
}
