//! Reads a service's settings from environment variables and reports everything wrong at once.
//!
//! All names carry the prefix `HAUSHAVN_`, which callers leave out. Deliberately without a file of settings,
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
    collections::{BTreeSet, HashMap},
    convert::Infallible,
    fmt::{self, Display},
    fs::File,
    io::Read as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use tracing_subscriber::filter::LevelFilter;

pub mod address;
mod transport;

pub use address::HttpUrl;

/// What every variable's name begins with.
const PREFIX: &str = "HAUSHAVN_";

/// The longest `EVENT_PATIENCE`: an event must be settled before the broker closes the channel of its consumer.
pub const EVENT_PATIENCE_MAX: Duration = Duration::from_secs(60);
/// Settings whose value is the path of a file, without `_FILE`.
const FILES_THEMSELVES: &[&str] = &["SERVICE_KEY"];
/// A value in a file of its own is no longer, in bytes.
const VALUE_BYTES_MAX: u64 = 64 * 1024;
/// The default of `DRAIN` outside of development. Longer than [`KEEP_ALIVE_BETWEEN_SERVICES`].
const DRAIN: Duration = Duration::from_secs(6);
/// `DRAIN` is at most this: Kubernetes ends a pod that takes longer in all.
const DRAIN_MAX: Duration = Duration::from_secs(60);
/// A connection between services is not used again after it was idle for so long. Shorter than [`DRAIN`], so that no
/// request is sent over a connection that its receiver closes at its end.
pub const KEEP_ALIVE_BETWEEN_SERVICES: Duration = Duration::from_secs(5);
/// `EVENT_PATIENCE` unless it is set.
const EVENT_PATIENCE: Duration = Duration::from_secs(30);

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

/// What is logged: a level, `target=level`, or several of both with commas between; `info` by default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

impl LogFilter {
    /// The filter as it was written, good for `tracing_subscriber::EnvFilter`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self("info".to_owned())
    }
}

impl FromStr for LogFilter {
    type Err = &'static str;

    /// Stricter than `EnvFilter`, to which any word is a target that it logs everything of.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_target = |target: &str| {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-');
            !target.is_empty() && target.chars().all(is_part)
        };
        // To the parser, nothing at all is a level too.
        let is_level = |level: &str| !level.is_empty() && level.parse::<LevelFilter>().is_ok();
        let is_directive = |directive: &str| match directive.split_once('=') {
            Some((target, level)) => is_target(target) && is_level(level),
            None => is_level(directive),
        };
        if text.split(',').all(is_directive) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be a level such as info, or target=level, with commas between several")
        }
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

/// What happens to addresses of other machines to which everything would go unencrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Plaintext {
    /// They are a problem.
    #[default]
    Refused,
    /// Somebody else encrypts on the way, such as a service mesh.
    Allowed,
}

impl FromStr for Plaintext {
    type Err = &'static str;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        match value {
            "refused" => Ok(Self::Refused),
            "allowed" => Ok(Self::Allowed),
            _ => Err("must be refused or allowed"),
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
    /// `LOG`: what is logged.
    pub log: LogFilter,
    /// `LOG_FILE`: a file with the value of `LOG`, which is followed while the process runs.
    pub log_file: Option<PathBuf>,
    /// `OTLP_ENDPOINT`: where traces go (gRPC); none are sent without.
    pub otlp_endpoint: Option<HttpUrl>,
    /// `JWKS_URL`: where user-service publishes the public keys of access tokens.
    pub jwks_url: HttpUrl,
    /// `JWT_ISSUER`: the `iss` that access tokens must have.
    pub jwt_issuer: String,
    /// `JWT_AUDIENCE`: the `aud` that access tokens must have.
    pub jwt_audience: String,
    /// `EVENT_PATIENCE`: seconds for which an event is kept in memory while something that its handling needs is
    /// unavailable, before others have their turn; 0 to 60, default 30.
    pub event_patience: Duration,
    /// `DRAIN`: seconds for which a process that was asked to end still takes requests, each answered with
    /// `Connection: close`; 0 to 60, default 6, and 0 in development.
    pub drain: Duration,
}

impl Common {
    /// Reads the common settings; problems stay in `env` until [`Env::finish`].
    pub fn read(env: &mut Env) -> Option<Self> {
        let environment = env.or("ENV", Environment::default());
        let listen = env.required("LISTEN");
        let admin_listen = env.required("ADMIN_LISTEN");
        let log_file = env.file_of("LOG");
        let log = env.or("LOG", LogFilter::default());
        let otlp_endpoint = env.optional("OTLP_ENDPOINT");
        let jwks_url = env.required("JWKS_URL");
        let jwt_issuer = env.required("JWT_ISSUER");
        let jwt_audience = env.required("JWT_AUDIENCE");
        let Seconds(event_patience) = env.or("EVENT_PATIENCE", Seconds(EVENT_PATIENCE));
        if event_patience > EVENT_PATIENCE_MAX {
            env.problem("EVENT_PATIENCE", "must be at most 60");
        }
        let drain = match environment {
            Environment::Development => Duration::ZERO,
            Environment::Production => DRAIN,
        };
        let Seconds(drain) = env.or("DRAIN", Seconds(drain));
        if drain > DRAIN_MAX {
            env.problem("DRAIN", "must be at most 60");
        }
        Some(Self {
            environment,
            listen: listen?,
            admin_listen: admin_listen?,
            log,
            log_file,
            otlp_endpoint,
            jwks_url: jwks_url?,
            jwt_issuer: jwt_issuer?,
            jwt_audience: jwt_audience?,
            event_patience,
            drain,
        })
    }

    /// Whether this is a developer's machine or a test.
    pub fn is_development(&self) -> bool {
        self.environment == Environment::Development
    }
}

/// The value in a file, without the end of its last line.
pub(crate) fn read_value(path: impl AsRef<Path>) -> Result<String, String> {
    let mut bytes = Vec::new();
    let opened = File::open(path).map(|file| file.take(VALUE_BYTES_MAX + 1));
    opened
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() as u64 > VALUE_BYTES_MAX {
        return Err(format!("has more than {VALUE_BYTES_MAX} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())?;
    let value = text.strip_suffix('\n').unwrap_or(&text);
    Ok(value.strip_suffix('\r').unwrap_or(value).to_owned())
}

/// Reads variables one by one and remembers everything that is wrong with them.
#[derive(Debug)]
pub struct Env {
    values: HashMap<String, Secret>,
    problems: Vec<String>,
    /// The names of addresses that were read.
    addresses: BTreeSet<String>,
}

impl Env {
    /// The environment of this process. `X_FILE` gives the path of a file that holds the value of `X`: secrets that are
    /// mounted need not be in the environment, which every child process inherits.
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
        let mut env = Self {
            values,
            problems: Vec::new(),
            addresses: BTreeSet::new(),
        };
        env.read_files();
        env
    }

    /// The file that a setting was read from.
    fn file_of(&self, name: &str) -> Option<PathBuf> {
        Some(self.text(&format!("{name}_FILE"))?.expose().into())
    }

    fn read_files(&mut self) {
        let mut files: Vec<(String, String)> = self
            .values
            .iter()
            .filter_map(|(name, path)| {
                let name = name.strip_prefix(PREFIX)?.strip_suffix("_FILE")?;
                let is_itself = FILES_THEMSELVES.contains(&name) || path.expose().is_empty();
                (!is_itself).then(|| (name.to_owned(), path.expose().to_owned()))
            })
            .collect();
        files.sort();
        for (name, path) in files {
            let of_file = format!("{name}_FILE");
            if self.text(&name).is_some() {
                self.problem(&of_file, "is set beside the setting itself");
                continue;
            }
            match read_value(&path) {
                Ok(value) => {
                    self.values
                        .insert(format!("{PREFIX}{name}"), Secret::new(value));
                }
                Err(error) => self.problem(&of_file, &error),
            }
        }
    }

    /// Whether `ENV` says development, whatever else is wrong with it.
    pub fn is_development(&self) -> bool {
        let environment = self.text("ENV").map(|text| text.expose().parse());
        environment == Some(Ok(Environment::Development))
    }

    /// A variable that must be there. `None` means that a problem has been noted.
    pub fn required<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        self.required_as(name, str::parse)
    }

    /// A variable that must be there, and what `parse` makes of it. `parse` must not repeat the value.
    pub fn required_as<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if self.text(name).is_none() {
            self.problem(name, "is missing");
        }
        self.optional_as(name, parse)
    }

    /// A variable that may be absent; empty counts as absent. A value that does not parse is noted.
    pub fn optional<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        self.optional_as(name, str::parse)
    }

    fn optional_as<T, E: Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if name.ends_with("_URL") || name.ends_with("_ENDPOINT") {
            self.addresses.insert(name.to_owned());
        }
        match parse(self.text(name)?.expose()) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(name, &error.to_string());
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
    ///
    /// Outside development an address of another machine must be an encrypted one, unless `PLAINTEXT` says that it need
    /// not be.
    pub fn finish<T>(mut self, build: impl FnOnce() -> Option<T>) -> Result<T, ConfigError> {
        self.require_encryption();
        if !self.problems.is_empty() {
            return Err(ConfigError {
                problems: self.problems,
            });
        }
        build().ok_or_else(|| ConfigError {
            problems: vec!["a setting was left out by the program itself".to_owned()],
        })
    }

    fn require_encryption(&mut self) {
        if self.is_development() || self.or("PLAINTEXT", Plaintext::default()) == Plaintext::Allowed
        {
            return;
        }
        for name in std::mem::take(&mut self.addresses) {
            if self
                .text(&name)
                .is_some_and(|address| transport::is_plaintext(address.expose()))
            {
                self.problem(
                    &name,
                    "must be encrypted (or set HAUSHAVN_PLAINTEXT=allowed where the network does that)",
                );
            }
        }
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
mod tests;
