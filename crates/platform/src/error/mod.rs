//! The one error type of the services, and its HTTP response.
//!
//! Two kinds matter: what the caller can act on (a [`Rejection`] of the domain, or a [`Refusal`] that only HTTP knows),
//! which is answered with a stable code; and what the caller cannot, which is answered with 503 or 500 without any
//! internals and logged here, once, with its whole chain.

mod database;
mod problem;

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use domain::{code::Code, rejection::Rejection};

use crate::db::Preparation;

pub use self::problem::{Problem, schemas};

/// Seconds after which a client may retry when a dependency is unavailable.
const RETRY_AFTER_SECONDS: u64 = 2;

/// What a handler, a command or a query may fail with.
#[derive(Debug)]
pub enum Error {
    /// The caller can act on it: a rule of the domain.
    Rejected(Rejection),
    /// The caller can act on it: a rule of HTTP.
    Refused(Refusal),
    /// A dependency is unavailable or too busy: 503 with `Retry-After`.
    Unavailable {
        /// Seconds after which the client may try again.
        retry_after_s: u64,
        /// What is unavailable, for the log only.
        reason: String,
    },
    /// The transaction lost a deadlock or waited too long for a lock. The database layer retries it; if that fails as
    /// well, the answer is 503.
    Busy {
        /// What was lost, for the log only.
        reason: String,
    },
    /// The session lacks something that is made outside of it. The database layer has it made and retries; if that
    /// fails as well, the answer is 503.
    Unprepared(Preparation),
    /// A statement ran longer than the database allows: 503. Unlike an outage it may be the statement's own fault, so
    /// retries are counted.
    StatementTimeout {
        /// What the database said, for the log only.
        reason: String,
    },
    /// The request took longer than its limit: 503 with code `TIMEOUT`.
    TimedOut,
    /// A fault of ours: 500. The client learns nothing of it.
    Unexpected(anyhow::Error),
}

/// The result of handlers, commands and queries.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What is refused by the rules of HTTP and of idempotency keys, before or beside the domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 405: the path exists, the method does not.
    MethodNotAllowed,
    /// 413: the body is larger than 1 MiB.
    PayloadTooLarge,
    /// 415: the body is of a type, or in an encoding, that the route does not take.
    UnsupportedMediaType,
    /// 422: the idempotency key came with another body before.
    IdempotencyMismatch,
    /// 409: the first request with this idempotency key is still at work.
    IdempotencyInFlight,
}

impl Error {
    /// A dependency is unavailable; `reason` is for the log.
    pub fn unavailable(reason: impl fmt::Display) -> Self {
        Self::Unavailable {
            retry_after_s: RETRY_AFTER_SECONDS,
            reason: reason.to_string(),
        }
    }

    /// The whole response for this error.
    pub fn to_response(&self, request_id: &str, instance: &str) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry_after_seconds() {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.status_code() == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        let problem = self.problem(request_id, instance);
        response
            .content_type("application/problem+json")
            .body(serde_json::to_vec(&problem).unwrap_or_default())
    }

    /// Writes a fault of ours to the log; what the caller can act on is not worth a line.
    pub fn log(&self) {
        match self {
            Self::Unexpected(error) => {
                tracing::error!(error = format!("{error:#}"), "an unexpected error");
            }
            Self::Unavailable { reason, .. }
            | Self::Busy { reason }
            | Self::StatementTimeout { reason } => {
                tracing::warn!(reason, "answered 503: a dependency is unavailable");
            }
            Self::Unprepared(preparation) => {
                tracing::warn!(%preparation, "answered 503: something needed is not made");
            }
            Self::TimedOut => tracing::warn!("answered 503: the request took too long"),
            Self::Rejected(_) | Self::Refused(_) => {
                tracing::debug!(code = self.code().as_str(), "refused");
            }
        }
    }

    /// The stable code.
    pub fn code(&self) -> Code {
        match self {
            Self::Rejected(rejection) => rejection.code(),
            Self::Refused(refusal) => refusal.code(),
            Self::Unavailable { .. }
            | Self::Busy { .. }
            | Self::StatementTimeout { .. }
            | Self::Unprepared(_) => Code::ServiceUnavailable,
            Self::TimedOut => Code::Timeout,
            Self::Unexpected(_) => Code::InternalError,
        }
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::Rejected(
                Rejection::TooManyAttempts {
                    retry_after_seconds,
                }
                | Rejection::RateLimited {
                    retry_after_seconds,
                },
            ) => Some(*retry_after_seconds),
            Self::Unavailable { retry_after_s, .. } => Some(*retry_after_s),
            Self::Busy { .. }
            | Self::Unprepared(_)
            | Self::StatementTimeout { .. }
            | Self::TimedOut
            | Self::Refused(Refusal::IdempotencyInFlight) => Some(1),
            Self::Rejected(_) | Self::Refused(_) | Self::Unexpected(_) => None,
        }
    }
}

impl Refusal {
    /// The stable code.
    pub const fn code(self) -> Code {
        match self {
            Self::MethodNotAllowed => Code::MethodNotAllowed,
            Self::PayloadTooLarge => Code::PayloadTooLarge,
            Self::UnsupportedMediaType => Code::UnsupportedMediaType,
            Self::IdempotencyMismatch => Code::IdempotencyMismatch,
            Self::IdempotencyInFlight => Code::IdempotencyInFlight,
        }
    }

    const fn message(self) -> &'static str {
        match self {
            Self::MethodNotAllowed => "this path does not take this method",
            Self::PayloadTooLarge => "the body is larger than 1 MiB",
            Self::UnsupportedMediaType => {
                "the body has a type or an encoding that is not taken here"
            }
            Self::IdempotencyMismatch => "this idempotency key came with another request before",
            Self::IdempotencyInFlight => {
                "the first request with this idempotency key is still at work"
            }
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(rejection) => write!(formatter, "{rejection}"),
            Self::Refused(refusal) => {
                write!(formatter, "{}: {}", refusal.code(), refusal.message())
            }
            Self::Unavailable { reason, .. } => write!(formatter, "not available: {reason}"),
            Self::Busy { reason } => write!(formatter, "too busy: {reason}"),
            Self::Unprepared(preparation) => write!(formatter, "{preparation}"),
            Self::StatementTimeout { reason } => write!(formatter, "took too long: {reason}"),
            Self::TimedOut => formatter.write_str("took too long"),
            Self::Unexpected(error) => write!(formatter, "{error:#}"),
        }
    }
}

impl std::error::Error for Error {}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.family().status
    }

    /// The middleware replaces this response by one with request id and path; it serves where there is none.
    fn error_response(&self) -> HttpResponse {
        self.to_response("", "")
    }
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// An error of ours, a rejection or a database error that went through `anyhow` keeps its meaning.
impl From<anyhow::Error> for Error {
    fn from(error: anyhow::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(own) => return own,
            Err(error) => error,
        };
        let error = match error.downcast::<Rejection>() {
            Ok(rejection) => return Self::Rejected(rejection),
            Err(error) => error,
        };
        error
            .downcast_ref::<sqlx::Error>()
            .and_then(database::meaning)
            .unwrap_or(Self::Unexpected(error))
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_rejection_survives_the_way_through_anyhow() {
        let outcome: anyhow::Result<()> = Err(Error::from(Rejection::LastAdmin).into());
        let error = Error::from(outcome.context("failed to disable the user").unwrap_err());
        assert!(matches!(error, Error::Rejected(Rejection::LastAdmin)));
    }

    #[test]
    fn busy_and_away_answers_carry_retry_after() {
        for error in [Error::unavailable("Redis"), Error::TimedOut] {
            assert!(
                error
                    .to_response("r", "/")
                    .headers()
                    .contains_key(header::RETRY_AFTER)
            );
        }
    }
}
