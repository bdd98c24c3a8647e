//! What the gateway runs with.

use std::{fmt, str::FromStr, time::Duration};

use actix_web::http::Uri;
use platform::{
    auth::ServiceKeys,
    config::{Common, ConfigError, Env, Secret, address},
};

use crate::{
    NAME, breaker::BreakerSettings, proxy, server, trusted_proxies::TrustedProxies,
    upstream::Upstream,
};

/// Settings of the gateway.
#[derive(Clone, Debug)]
pub struct Config {
    /// Settings that every service has.
    pub common: Common,
    /// The gateway's own key, for asking user-service about sessions.
    pub service_keys: ServiceKeys,
    /// `REDIS_URL`: where sessions and limits are.
    pub redis_url: Secret,
    /// Where the services are, in the order of [`Upstream::ALL`].
    pub upstreams: [BaseUrl; 4],
    /// `RATE_LIMIT_SCALE`: the factor of all rate limits; 1 in production, whatever is set.
    pub rate_limit_scale: Scale,
    /// `CORS_ORIGINS`: origins whose pages may read answers; none by default.
    pub cors_origins: Origins,
    /// `TRUSTED_PROXIES`: networks of the proxies in front, whose `X-Forwarded-For` is believed; none by default.
    pub trusted_proxies: TrustedProxies,
    /// How long things may take, and how many there may be.
    pub limits: Limits,
}

impl Config {
    /// Reads everything.
    ///
    /// # Errors
    /// With everything that is wrong, in one message.
    pub fn from_env(mut env: Env) -> Result<Self, ConfigError> {
        let common = Common::read(&mut env);
        let service_keys = ServiceKeys::read(&mut env, NAME);
        let redis_url = env.required_as("REDIS_URL", address::redis);
        let user_service = env.required("USER_SERVICE_URL");
        let deal_service = env.required("DEAL_SERVICE_URL");
        let task_service = env.required("TASK_SERVICE_URL");
        let worker = env.required("WORKER_URL");
        let mut rate_limit_scale = env.or("RATE_LIMIT_SCALE", Scale::default());
        let cors_origins = env.or("CORS_ORIGINS", Origins::default());
        let trusted_proxies = env.or("TRUSTED_PROXIES", TrustedProxies::default());
        if !env.is_development() {
            rate_limit_scale = Scale::default();
        }
        env.finish(|| {
            Some(Self {
                common: common?,
                service_keys: service_keys?,
                redis_url: redis_url?,
                upstreams: [user_service?, deal_service?, task_service?, worker?],
                rate_limit_scale,
                cors_origins,
                trusted_proxies,
                limits: Limits::default(),
            })
        })
    }

    /// Where a service is.
    pub fn base_url(&self, upstream: Upstream) -> &BaseUrl {
        &self.upstreams[upstream.index()]
    }
}

/// How long things may take, and how large they may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// A worker's connections to clients.
    pub client_connections: usize,
    /// A worker's connections to one service.
    pub service_connections: usize,
    /// Until a client has sent its request's head.
    pub head: Duration,
    /// Until a service has taken the connection.
    pub connect: Duration,
    /// Until a service has begun to answer.
    pub request: Duration,
    /// Until an answer that has begun is complete.
    pub answer: Duration,
    /// Until a client has taken the next part of an answer; a slower one loses it, so that the service is free again.
    pub reader: Duration,
    /// Until user-service has answered about a session.
    pub session: Duration,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// When a service is left alone.
    pub breaker: BreakerSettings,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            client_connections: server::CONNECTIONS_MAX,
            service_connections: proxy::CONNECTIONS_MAX,
            head: server::CLIENT_REQUEST_TIMEOUT,
            connect: Duration::from_secs(1),
            request: Duration::from_secs(30),
            answer: Duration::from_secs(300),
            reader: Duration::from_secs(10),
            session: Duration::from_secs(2),
            body_bytes: platform::http::middleware::BODY_BYTES_MAX,
            breaker: BreakerSettings::default(),
        }
    }
}

/// Where a service is: `http://host:port`, without a path.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// The whole address of a path with its query.
    pub fn join(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.0)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for BaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let trimmed = text.trim_end_matches('/');
        let uri: Uri = trimmed
            .parse()
            .map_err(|error| format!("is not an address: {error}"))?;
        let is_plain =
            uri.scheme_str() == Some("http") && uri.host().is_some() && uri.path() == "/";
        if is_plain && uri.query().is_none() {
            Ok(Self(trimmed.to_owned()))
        } else {
            Err("must be http://host:port without a path".to_owned())
        }
    }
}

/// A positive factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale(f64);

impl Scale {
    /// The factor.
    pub fn factor(self) -> f64 {
        self.0
    }
}

impl Default for Scale {
    fn default() -> Self {
        Self(1.0)
    }
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .ok()
            .filter(|factor: &f64| factor.is_finite() && *factor > 0.0)
            .map(Self)
            .ok_or_else(|| "must be a number above 0".to_owned())
    }
}

/// Origins of web pages, such as `https://app.example.com`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Vec<String>);

impl Origins {
    /// The origins.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }
}

impl FromStr for Origins {
    type Err = String;

    fn from_str(list: &str) -> Result<Self, String> {
        list.split(',')
            .map(str::trim)
            .filter(|origin| !origin.is_empty())
            .map(origin)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn origin(text: &str) -> Result<String, String> {
    let uri: Option<Uri> = text.parse().ok();
    let is_origin = uri.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some()
            && uri.query().is_none()
            && uri.path() == "/"
    });
    if is_origin && !text.ends_with('/') {
        Ok(text.to_owned())
    } else {
        Err("must be a comma-separated list of origins such as https://app.example.com".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use testkit::KeyFiles;

    use super::*;

    const COMPLETE: [(&str, &str); 11] = [
        ("HAUSHAVN_LISTEN", "127.0.0.1:8080"),
        ("HAUSHAVN_ADMIN_LISTEN", "127.0.0.1:18180"),
        (
            "HAUSHAVN_JWKS_URL",
            "http://127.0.0.1:18081/.well-known/jwks.json",
        ),
        ("HAUSHAVN_JWT_ISSUER", "haushavn"),
        ("HAUSHAVN_JWT_AUDIENCE", "haushavn-api"),
        ("HAUSHAVN_REDIS_URL", "redis://127.0.0.1:18379"),
        ("HAUSHAVN_USER_SERVICE_URL", "http://127.0.0.1:18081"),
        ("HAUSHAVN_DEAL_SERVICE_URL", "http://127.0.0.1:18082/"),
        ("HAUSHAVN_TASK_SERVICE_URL", "http://127.0.0.1:18083"),
        ("HAUSHAVN_WORKER_URL", "http://127.0.0.1:18084"),
        ("HAUSHAVN_RATE_LIMIT_SCALE", "1000"),
    ];

    fn read(more: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let keys = KeyFiles::new();
        let keys = keys.variables();
        let keys = keys.iter().map(|(name, value)| (*name, value.as_str()));
        let pairs = COMPLETE.into_iter().chain(keys).chain(more.iter().copied());
        Config::from_env(Env::from_pairs(pairs))
    }

    #[test]
    fn complete_settings_are_read() {
        let config = read(&[("HAUSHAVN_ENV", "development")]).unwrap();
        assert_eq!(config.rate_limit_scale.factor().to_string(), "1000");
        assert_eq!(
            config
                .base_url(Upstream::DealService)
                .join("/api/deals?limit=1"),
            "http://127.0.0.1:18082/api/deals?limit=1"
        );
    }

    #[test]
    fn rate_limits_cannot_be_lifted_in_production() {
        assert_eq!(read(&[]).unwrap().rate_limit_scale, Scale::default());
    }

    #[test]
    fn everything_wrong_is_reported_at_once() {
        let error = read(&[
            ("HAUSHAVN_CORS_ORIGINS", "https://app.example.com,*"),
            ("HAUSHAVN_RATE_LIMIT_SCALE", "0"),
            ("HAUSHAVN_WORKER_URL", "https://127.0.0.1:18084/api"),
            ("HAUSHAVN_REDIS_URL", ""),
        ])
        .unwrap_err()
        .to_string();
        for name in [
            "CORS_ORIGINS",
            "RATE_LIMIT_SCALE",
            "WORKER_URL",
            "REDIS_URL",
        ] {
            assert!(error.contains(&format!("HAUSHAVN_{name}: ")), "{error}");
        }
    }

    #[test]
    fn several_origins_are_taken() {
        let origins: Origins = "https://a.example.com, http://127.0.0.1:3000"
            .parse()
            .unwrap();
        assert_eq!(
            origins.as_slice(),
            ["https://a.example.com", "http://127.0.0.1:3000"]
        );
    }
}
