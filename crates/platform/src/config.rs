//! Reads a service's settings from environment variables and reports everything wrong at once.
//!
//! All names carry the prefix `HAUSHAVN_`, which callers leave out. Deliberately without files,
//! layers and defaults for addresses or secrets: what a process runs with is what its environment says.
//!
//! ```
//! use platform::config::{Env, Secret};
//!
//! struct Config { smtp_url: Secret, bcrypt_cost: u32 }
//!
//! let mut env = Env::from_pairs([("HAUSHAVN_SMTP_URL", "smtp://127.0.0.1:25")]);
//! let smtp_url = env.required("SMTP_URL");
//! let bcrypt_cost = env.or("BCRYPT_COST", 12);
//! let config = env.finish(|| Some(Config { smtp_url: smtp_url?, bcrypt_cost })).unwrap();
//! assert_eq!((config.smtp_url.expose(), config.bcrypt_cost), ("smtp://127.0.0.1:25", 12));
//! ```

use std::{
    collections::HashMap,
    convert::Infallible,
    fmt::{self, Display},
    net::SocketAddr,
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

/// What every variable's name begins with.
const PREFIX: &str = "HAUSHAVN_";

/// A value that must not be printed: `Debug` shows only that it is there.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(value: &str) -> Result<Self, Infallible> {
        Ok(Self::new(value))
    }
}

/// A 32-byte key, written as 64 hexadecimal digits. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key32([u8; 32]);

impl Key32 {
    /// The key's bytes.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Key32 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key32(..)")
    }
}

impl FromStr for Key32 {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        let mut key = [0; 32];
        hex::decode_to_slice(value, &mut key)
            .map_err(|_| "must be 64 hexadecimal digits (32 bytes)".to_owned())?;
        Ok(Self(key))
    }
}

/// A whole number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub Duration);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        let seconds = value
            .parse()
            .map_err(|_| "must be a whole number of seconds".to_owned())?;
        Ok(Self(Duration::from_secs(seconds)))
    }
}

/// Where a process runs. Conveniences that would be holes in production ask for `Development`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Environment {
    /// A developer's machine or a test; set by `scripts/up`.
    Development,
    /// Everything else, and the default.
    #[default]
    Production,
}

impl FromStr for Environment {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        match value {
            "development" => Ok(Self::Development),
            "production" => Ok(Self::Production),
            _ => Err("must be development or production".to_owned()),
        }
    }
}

/// The settings that every service has.
#[derive(Clone, Debug)]
pub struct Common {
    /// `ENV`: development or production (default).
    pub environment: Environment,
    /// `LISTEN`: address and port of the HTTP API.
    pub listen: SocketAddr,
    /// `ADMIN_LISTEN`: address and port of metrics and health, not reachable through the gateway.
    pub admin_listen: SocketAddr,
    /// `LOG`: filter in the syntax of `tracing_subscriber::EnvFilter`; default `info`.
    pub log: String,
    /// `OTLP_ENDPOINT`: where traces go (gRPC); none are sent without.
    pub otlp_endpoint: Option<String>,
    /// `JWKS_URL`: where user-service publishes the public keys of access tokens.
    pub jwks_url: String,
    /// `JWT_ISSUER`: the `iss` that access tokens must have.
    pub jwt_issuer: String,
    /// `JWT_AUDIENCE`: the `aud` that access tokens must have.
    pub jwt_audience: String,
}

impl Common {
    /// Reads the common settings; problems stay in `env` until [`Env::finish`].
    pub fn read(env: &mut Env) -> Option<Self> {
        let environment = env.or("ENV", Environment::default());
        let listen = env.required("LISTEN");
        let admin_listen = env.required("ADMIN_LISTEN");
        let log: String = env.or("LOG", "info".to_owned());
        let otlp_endpoint = env.optional("OTLP_ENDPOINT");
        let jwks_url = env.required("JWKS_URL");
        let jwt_issuer = env.required("JWT_ISSUER");
        let jwt_audience = env.required("JWT_AUDIENCE");
        Some(Self {
            environment,
            listen: listen?,
            admin_listen: admin_listen?,
            log,
            otlp_endpoint,
            jwks_url: jwks_url?,
            jwt_issuer: jwt_issuer?,
            jwt_audience: jwt_audience?,
        })
    }

    /// Whether this is a developer's machine or a test.
    pub fn is_development(&self) -> bool {
        self.environment == Environment::Development
    }
}

/// What a service needs to sign and check the tokens services use among each other.
#[derive(Clone, Debug)]
pub struct ServiceKeySettings {
    /// `SERVICE_KEY_FILE`: this service's own Ed25519 private key (PKCS 8, PEM).
    pub service_key_file: PathBuf,
    /// `TRUSTED_SERVICES_DIR`: a directory of `<service>.pem` public keys.
    pub trusted_services_dir: PathBuf,
}

impl ServiceKeySettings {
    /// Reads both paths; problems stay in `env` until [`Env::finish`].
    pub fn read(env: &mut Env) -> Option<Self> {
        let service_key_file = env.required("SERVICE_KEY_FILE");
        let trusted_services_dir = env.required("TRUSTED_SERVICES_DIR");
        Some(Self {
            service_key_file: service_key_file?,
            trusted_services_dir: trusted_services_dir?,
        })
    }
}

/// Reads variables one by one and remembers everything that is wrong with them.
#[derive(Debug)]
pub struct Env {
    values: HashMap<String, Secret>,
    problems: Vec<String>,
}

impl Env {
    /// The environment of this process.
    pub fn from_process() -> Self {
        Self::from_pairs(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }))
    }

    /// Given variables, with their full names.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let values = pairs
            .into_iter()
            .map(|(name, value)| (name.into(), Secret::new(value)))
            .collect();
        Self {
            values,
            problems: Vec::new(),
        }
    }

    /// A variable that must be there. `None` means that a problem has been noted.
    pub fn required<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        if self.text(name).is_none() {
            self.problem(name, "is missing");
        }
        self.optional(name)
    }

    /// A variable that may be absent; empty counts as absent. A value that does not parse is noted.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        match self.text(name)?.expose().parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(name, &format!("{error}"));
                None
            }
        }
    }

    /// A variable with a default. A value that does not parse is noted.
    pub fn or<T: FromStr<Err: Display>>(&mut self, name: &str, default: T) -> T {
        self.optional(name).unwrap_or(default)
    }

    /// Notes a problem that the caller found itself, such as two settings that contradict each other.
    pub fn problem(&mut self, name: &str, problem: &str) {
        self.problems.push(format!("{PREFIX}{name}: {problem}"));
    }

    /// Builds the settings, or reports every problem in one message. `build` is called only without problems.
    pub fn finish<T>(self, build: impl FnOnce() -> Option<T>) -> Result<T, ConfigError> {
        if !self.problems.is_empty() {
            return Err(ConfigError {
                problems: self.problems,
            });
        }
        build().ok_or_else(|| ConfigError {
            problems: vec!["a setting was left out by the program itself".to_owned()],
        })
    }

    fn text(&self, name: &str) -> Option<Secret> {
        self.values
            .get(&format!("{PREFIX}{name}"))
            .filter(|value| !value.expose().is_empty())
            .cloned()
    }
}

/// Everything wrong with the settings. Values are not repeated: they may be secret.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<String>,
}

impl Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the configuration has {} problem(s): {}",
            self.problems.len(),
            self.problems.join("; ")
        )
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_are_reported_in_one_message_without_values() {
        let mut env = Env::from_pairs([
            ("HAUSHAVN_LISTEN", "nowhere"),
            ("HAUSHAVN_TOKEN_KEY", "hunter2"),
            ("HAUSHAVN_ENV", "staging"),
            ("HAUSHAVN_JWT_ISSUER", ""),
        ]);
        let common = Common::read(&mut env);
        let key = env.required::<Key32>("TOKEN_KEY");
        let message = env.finish(|| common.zip(key)).unwrap_err().to_string();

        assert_eq!(
            message,
            "the configuration has 7 problem(s): HAUSHAVN_ENV: must be development or production; \
             HAUSHAVN_LISTEN: invalid socket address syntax; HAUSHAVN_ADMIN_LISTEN: is missing; \
             HAUSHAVN_JWKS_URL: is missing; HAUSHAVN_JWT_ISSUER: is missing; HAUSHAVN_JWT_AUDIENCE: is missing; \
             HAUSHAVN_TOKEN_KEY: must be 64 hexadecimal digits (32 bytes)"
        );
    }

    #[test]
    fn complete_settings_are_read() {
        let mut env = Env::from_pairs([
            ("HAUSHAVN_LISTEN", "127.0.0.1:18082"),
            ("HAUSHAVN_ADMIN_LISTEN", "127.0.0.1:18182"),
            (
                "HAUSHAVN_JWKS_URL",
                "http://127.0.0.1:18081/.well-known/jwks.json",
            ),
            ("HAUSHAVN_JWT_ISSUER", "haushavn"),
            ("HAUSHAVN_JWT_AUDIENCE", "haushavn-api"),
            ("HAUSHAVN_ACCESS_TTL", "3"),
        ]);
        let common = Common::read(&mut env);
        let ttl = env.optional::<Seconds>("ACCESS_TTL");
        let (common, ttl) = env.finish(|| common.zip(ttl)).unwrap();

        assert_eq!(common.environment, Environment::Production);
        assert_eq!(common.log, "info");
        assert_eq!(common.otlp_endpoint, None);
        assert_eq!(ttl.0, Duration::from_secs(3));
    }

    #[test]
    fn debug_output_of_secrets_shows_nothing() {
        let key: Key32 = "00".repeat(32).parse().unwrap();
        assert_eq!(
            format!("{:?} {key:?}", Secret::new("hunter2")),
            "Secret(..) Key32(..)"
        );
    }
}
