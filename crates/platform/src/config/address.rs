//! Addresses of other servers, checked when the process starts: by the parser that will use them, and for
//! the scheme and the host that this parser may not ask for. Whether anybody answers there is another question.

use std::{fmt, str::FromStr};

use deadpool_redis::redis::IntoConnectionInfo as _;
use lapin::uri::AMQPUri;
use sqlx::postgres::PgConnectOptions;
use url::Url;

use super::Secret;

/// An address of HTTP: scheme, host, perhaps port and path, and nothing that could be secret.
#[derive(Clone, PartialEq, Eq)]
pub struct HttpUrl(Url);

impl HttpUrl {
    /// The address without a slash at its end, so that a path can be put behind it.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The address in its parts.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Debug for HttpUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for HttpUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        has_host_and_scheme(text, &["http", "https"])
            .filter(|url| url.username().is_empty() && url.password().is_none())
            .filter(|url| url.query().is_none() && url.fragment().is_none())
            .map(Self)
            .ok_or("must be http://host:port or https://host, perhaps with a path")
    }
}

/// An address of PostgreSQL.
///
/// # Errors
/// What it must look like; the text is not repeated, for it holds a password.
pub fn postgresql(text: &str) -> Result<Secret, &'static str> {
    has_host_and_scheme(text, &["postgres", "postgresql"])
        .and_then(|_| text.parse::<PgConnectOptions>().ok())
        .map(|_| Secret::new(text))
        .ok_or("must be postgres://user:password@host:port/database")
}

/// An address of RabbitMQ.
///
/// # Errors
/// What it must look like; the text is not repeated, for it holds a password.
pub fn rabbitmq(text: &str) -> Result<Secret, &'static str> {
    has_host_and_scheme(text, &["amqp", "amqps"])
        .and_then(|_| text.parse::<AMQPUri>().ok())
        .map(|_| Secret::new(text))
        .ok_or("must be amqp://user:password@host:port/vhost or amqps://…")
}

/// An address of Redis.
///
/// # Errors
/// What it must look like; the text is not repeated, for it may hold a password.
pub fn redis(text: &str) -> Result<Secret, &'static str> {
    has_host_and_scheme(text, &["redis", "rediss"])
        .and_then(|url| url.into_connection_info().ok())
        .map(|_| Secret::new(text))
        .ok_or("must be redis://:password@host:port/number or rediss://…")
}

fn has_host_and_scheme(text: &str, schemes: &[&str]) -> Option<Url> {
    let url: Url = text.parse().ok()?;
    (url.host_str().is_some_and(|host| !host.is_empty()) && schemes.contains(&url.scheme()))
        .then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_http_has_a_host_and_no_secrets() {
        for (text, why) in [
            ("no sense", "no scheme"),
            ("127.0.0.1:8080", "no scheme"),
            ("ftp://127.0.0.1", "another scheme"),
            ("http://", "no host"),
            ("http://no sense", "a blank in the host"),
            ("http://127.0.0.1:65536", "no such port"),
            ("http://user:password@127.0.0.1", "credentials"),
            ("http://127.0.0.1/?token=1", "a query"),
            ("http://127.0.0.1/#here", "a fragment"),
        ] {
            assert!(text.parse::<HttpUrl>().is_err(), "{text}: {why}");
        }
        for text in ["http://127.0.0.1:8080/", "https://haushavn.example/a/b"] {
            let url: HttpUrl = text.parse().unwrap();
            assert_eq!(url.as_str(), text.trim_end_matches('/'));
        }
    }

    #[test]
    fn an_address_of_a_server_is_one_that_its_client_understands() {
        type Parse = fn(&str) -> Result<Secret, &'static str>;
        let table: [(Parse, &str, &[&str]); 3] = [
            (
                postgresql,
                "postgres://user:p%40ss@127.0.0.1:5432/haushavn?sslmode=require",
                &[
                    "postgres:///haushavn",
                    "http://127.0.0.1/haushavn",
                    "postgres://h/d?sslmode=maybe",
                ],
            ),
            (
                rabbitmq,
                "amqp://user:password@127.0.0.1:5672/%2f",
                &[
                    "amqp://",
                    "http://127.0.0.1",
                    "amqp://127.0.0.1/?heartbeat=often",
                ],
            ),
            (
                redis,
                "redis://:password@127.0.0.1:6379/1",
                &["redis://", "http://127.0.0.1", "redis://127.0.0.1/first"],
            ),
        ];
        for (parse, good, bad) in table {
            assert_eq!(parse(good).unwrap().expose(), good);
            for text in ["no sense"].iter().chain(bad) {
                assert!(parse(text).is_err(), "{text}");
            }
        }
    }
}
