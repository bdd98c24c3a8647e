//! The one error type of the services, and how it is told to a client.
//!
//! Two kinds matter: what the caller can act on (a [`Rejection`] of the domain, or a [`Refusal`] that only
//! HTTP knows), told with a stable code; and what it cannot, told as 503 or 500 without any internals and
//! logged here, once, with its whole chain.

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    http::{StatusCode, header},
};
use domain::rejection::{Blocker, FieldError, Rejection, RejectionKind};
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr, SqlxError};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// Seconds after which a client may try again when a dependency is away.
const RETRY_AFTER_SECONDS: u64 = 2;

/// What a handler, a command or a query may fail with.
#[derive(Debug)]
pub enum Error {
    /// The caller can act on it: a rule of the domain.
    Rejected(Rejection),
    /// The caller can act on it: a rule of HTTP.
    Refused(Refusal),
    /// Something this service needs is away or too busy: 503 with `Retry-After`.
    Unavailable {
        /// Seconds after which the client may try again.
        retry_after_s: u64,
        /// What is away, for the log only.
        reason: String,
    },
    /// The transaction lost a deadlock or waited too long for a lock. The database layer tries it again;
    /// what is left of it is told as 503.
    Busy {
        /// What was lost, for the log only.
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

/// The body of every answer that is not a success (`application/problem+json`).
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The kind of problem as a URI.
    #[serde(rename = "type")]
    #[schema(example = "urn:haushavn:problem:VALIDATION_001")]
    pub type_uri: String,
    /// The kind of problem in words.
    #[schema(example = "The request is not valid")]
    pub title: &'static str,
    /// The status of the answer.
    #[schema(example = 400)]
    pub status: u16,
    /// The path that was asked for.
    #[schema(example = "/api/deals")]
    pub instance: String,
    /// The family: ValidationError, Unauthorized, Forbidden, NotFound, Conflict, PreconditionFailed,
    /// TooManyRequests, PayloadTooLarge, UnsupportedMediaType, MethodNotAllowed, ServiceUnavailable or
    /// InternalServerError.
    #[schema(example = "ValidationError")]
    pub error: &'static str,
    /// One sentence for people.
    #[schema(example = "propertyAddress is required")]
    pub message: String,
    /// The stable code.
    #[schema(example = "VALIDATION_001")]
    pub code: &'static str,
    /// What the code has to tell beyond the message; empty where nothing.
    #[schema(value_type = Object)]
    pub details: Value,
    /// The request's id, also in the header `X-Request-Id` and in the logs.
    pub request_id: String,
}

impl Error {
    /// Something this service needs is away; `reason` is for the log.
    pub fn unavailable(reason: impl fmt::Display) -> Self {
        Self::Unavailable {
            retry_after_s: RETRY_AFTER_SECONDS,
            reason: reason.to_string(),
        }
    }

    /// The body that tells of this error.
    pub fn problem(&self, request_id: &str, instance: &str) -> Problem {
        let Family {
            status,
            error,
            title,
        } = self.family();
        Problem {
            type_uri: format!("urn:haushavn:problem:{}", self.code()),
            title,
            status: status.as_u16(),
            instance: instance.to_owned(),
            error,
            message: self.message(),
            code: self.code(),
            details: self.details(),
            request_id: request_id.to_owned(),
        }
    }

    /// The whole answer that tells of this error.
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
            Self::Unavailable { reason, .. } | Self::Busy { reason } => {
                tracing::warn!(reason, "answered 503: something needed is away");
            }
            Self::TimedOut => tracing::warn!("answered 503: the request took too long"),
            Self::Rejected(_) | Self::Refused(_) => {
                tracing::debug!(code = self.code(), "refused");
            }
        }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Rejected(rejection) => rejection.code(),
            Self::Refused(refusal) => refusal.code(),
            Self::Unavailable { .. } | Self::Busy { .. } => "SERVICE_UNAVAILABLE",
            Self::TimedOut => "TIMEOUT",
            Self::Unexpected(_) => "INTERNAL_ERROR",
        }
    }

    fn family(&self) -> Family {
        match self {
            Self::Rejected(rejection) => Family::of_kind(rejection.kind()),
            Self::Refused(refusal) => Family::of_refusal(*refusal),
            Self::Unavailable { .. } | Self::Busy { .. } | Self::TimedOut => Family {
                status: StatusCode::SERVICE_UNAVAILABLE,
                error: "ServiceUnavailable",
                title: "The service is not available for the moment",
            },
            Self::Unexpected(_) => Family {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                error: "InternalServerError",
                title: "Something went wrong on our side",
            },
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Rejected(rejection) => rejection.message(),
            Self::Refused(refusal) => refusal.message().to_owned(),
            Self::Unavailable { .. } | Self::Busy { .. } => "try again in a moment".to_owned(),
            Self::TimedOut => "the request took too long; try again in a moment".to_owned(),
            Self::Unexpected(_) => {
                "an unexpected error; the request id helps to find it".to_owned()
            }
        }
    }

    fn details(&self) -> Value {
        match self {
            Self::Rejected(rejection) => rejection_details(rejection),
            Self::Refused(Refusal::IdempotencyMismatch | Refusal::IdempotencyInFlight) => {
                json!({ "field": "Idempotency-Key" })
            }
            Self::Refused(_)
            | Self::Unavailable { .. }
            | Self::Busy { .. }
            | Self::TimedOut
            | Self::Unexpected(_) => {
                json!({})
            }
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
            Self::Busy { .. } | Self::TimedOut | Self::Refused(Refusal::IdempotencyInFlight) => {
                Some(1)
            }
            Self::Rejected(_) | Self::Refused(_) | Self::Unexpected(_) => None,
        }
    }
}

impl Refusal {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::IdempotencyMismatch => "IDEMPOTENCY_MISMATCH",
            Self::IdempotencyInFlight => "IDEMPOTENCY_IN_FLIGHT",
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

/// What answers of one family have in common.
struct Family {
    status: StatusCode,
    error: &'static str,
    title: &'static str,
}

impl Family {
    const fn of_kind(kind: RejectionKind) -> Self {
        let (status, error, title) = match kind {
            RejectionKind::Validation => (
                StatusCode::BAD_REQUEST,
                "ValidationError",
                "The request is not valid",
            ),
            RejectionKind::Unauthorized => (
                StatusCode::UNAUTHORIZED,
                "Unauthorized",
                "Nobody valid is signed in",
            ),
            RejectionKind::Forbidden => (StatusCode::FORBIDDEN, "Forbidden", "This is not allowed"),
            RejectionKind::NotFound => (StatusCode::NOT_FOUND, "NotFound", "Nothing is here"),
            RejectionKind::Conflict => (
                StatusCode::CONFLICT,
                "Conflict",
                "The present state does not allow it",
            ),
            RejectionKind::PreconditionFailed => (
                StatusCode::PRECONDITION_FAILED,
                "PreconditionFailed",
                "It has changed in the meantime",
            ),
            RejectionKind::TooManyRequests => (
                StatusCode::TOO_MANY_REQUESTS,
                "TooManyRequests",
                "Too many requests",
            ),
        };
        Self {
            status,
            error,
            title,
        }
    }

    const fn of_refusal(refusal: Refusal) -> Self {
        let (status, error, title) = match refusal {
            Refusal::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "The method is not allowed",
            ),
            Refusal::PayloadTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "PayloadTooLarge",
                "The body is too large",
            ),
            Refusal::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UnsupportedMediaType",
                "The body's type is not supported",
            ),
            Refusal::IdempotencyMismatch => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "Conflict",
                "The idempotency key belongs to another request",
            ),
            Refusal::IdempotencyInFlight => (
                StatusCode::CONFLICT,
                "Conflict",
                "The first request is still at work",
            ),
        };
        Self {
            status,
            error,
            title,
        }
    }
}

fn rejection_details(rejection: &Rejection) -> Value {
    match rejection {
        Rejection::Validation { errors } => validation_details(errors),
        Rejection::UnknownReference { field } => {
            json!({ "field": field, "constraint": "unknown_reference" })
        }
        Rejection::CursorInvalid => json!({ "field": "cursor", "constraint": "cursor" }),
        Rejection::TokenInvalid => json!({ "field": "token", "constraint": "token" }),
        Rejection::TemplateInvalid { errors } => {
            let errors: Vec<Value> = errors
                .iter()
                .map(|error| json!({ "line": error.line, "message": error.message }))
                .collect();
            json!({ "field": "source", "constraint": "template", "errors": errors })
        }
        Rejection::TaskDependencyCycle { path } => json!({ "path": path }),
        Rejection::Forbidden { required } => {
            let required: Vec<&str> = required
                .iter()
                .map(|permission| permission.as_str())
                .collect();
            json!({ "required": required })
        }
        Rejection::TaskBlocked { blocked_by } => {
            let blocked_by: Vec<Value> = blocked_by.iter().map(blocker).collect();
            json!({ "blockedBy": blocked_by })
        }
        Rejection::TaskDependentDone { dependents } => json!({ "dependents": dependents }),
        Rejection::DealTasksOpen { open } => json!({ "open": open }),
        Rejection::DealStatusConflict { status } => json!({ "status": status }),
        Rejection::VersionConflict { current } | Rejection::VersionMismatch { current } => {
            json!({ "current": current })
        }
        Rejection::TooManyAttempts {
            retry_after_seconds,
        }
        | Rejection::RateLimited {
            retry_after_seconds,
        } => json!({ "retryAfterSeconds": retry_after_seconds }),
        Rejection::Unauthenticated
        | Rejection::InvalidCredentials
        | Rejection::NotFound
        | Rejection::TaskAlreadyDone
        | Rejection::TaskNotDone
        | Rejection::TaskStarted
        | Rejection::DealNotActive
        | Rejection::DealNotDraft
        | Rejection::PlanPending
        | Rejection::TemplatePublished
        | Rejection::LastAdmin
        | Rejection::EmailTaken => json!({}),
    }
}

/// The first error stands in front; all of them stand in `errors` where there are several.
fn validation_details(errors: &[FieldError]) -> Value {
    let Some(first) = errors.first() else {
        return json!({});
    };
    let mut details = json!({ "field": first.field, "constraint": first.constraint });
    if errors.len() > 1 {
        details["errors"] = errors
            .iter()
            .map(|error| {
                json!({ "field": error.field, "constraint": error.constraint, "message": error.message })
            })
            .collect();
    }
    details
}

fn blocker(blocker: &Blocker) -> Value {
    let mut value = json!({});
    if let Some(id) = blocker.id {
        value["id"] = json!(id);
    }
    if let Some(title) = &blocker.title {
        value["title"] = json!(title);
    }
    if let Some(role) = &blocker.owner_role {
        value["ownerRole"] = json!(role);
    }
    value
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

    /// The middleware writes the answer anew with request id and path; this serves where there is none.
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
        match error.downcast_ref::<DbErr>().cloned().map(Self::from) {
            None | Some(Self::Unexpected(_)) => Self::Unexpected(error),
            Some(meant) => meant,
        }
    }
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        let unavailable = |reason: &DbErr| Self::unavailable(format!("PostgreSQL: {reason}"));
        if let DbErr::ConnectionAcquire(
            ConnAcquireErr::Timeout | ConnAcquireErr::ConnectionClosed,
        ) = &error
        {
            return unavailable(&error);
        }
        let (DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause))) = &error
        else {
            return match error {
                DbErr::Conn(_) => unavailable(&error),
                _ => Self::Unexpected(error.into()),
            };
        };
        match cause.as_ref() {
            SqlxError::Io(_)
            | SqlxError::Tls(_)
            | SqlxError::Protocol(_)
            | SqlxError::PoolTimedOut
            | SqlxError::PoolClosed
            | SqlxError::WorkerCrashed => unavailable(&error),
            SqlxError::Database(refusal) => match SqlState::of(refusal.code().as_deref()) {
                SqlState::Busy => Self::Busy {
                    reason: format!("PostgreSQL: {error}"),
                },
                SqlState::Away => unavailable(&error),
                SqlState::NobodyValid => Rejection::Unauthenticated.into(),
                SqlState::NotVisible => Rejection::NotFound.into(),
                SqlState::Other => Self::Unexpected(error.into()),
            },
            _ => Self::Unexpected(error.into()),
        }
    }
}

/// What a SQLSTATE means for the caller.
#[derive(Debug, PartialEq, Eq)]
enum SqlState {
    /// A lock, a deadlock, a serialization failure: the transaction may be tried again.
    Busy,
    /// The server is starting, stopping, full or gone.
    Away,
    /// `ctx.enter` found no active user or live session.
    NobodyValid,
    /// `ctx.lock_deal` found a deal that the caller may not see.
    NotVisible,
    /// A fault of ours, or a constraint that the command should have mapped.
    Other,
}

impl SqlState {
    fn of(code: Option<&str>) -> Self {
        match code {
            Some("55P03" | "40001" | "40P01") => Self::Busy,
            // Statement timeout; idle-in-transaction timeout; shutdown, crash and start-up; too many connections; disk full.
            Some("57014" | "25P03" | "57P01" | "57P02" | "57P03" | "53300" | "53100") => Self::Away,
            Some(code) if code.starts_with("08") => Self::Away,
            Some("28000") => Self::NobodyValid,
            Some("P0002") => Self::NotVisible,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use domain::permission::Permission;

    use super::*;

    fn body(error: &Error) -> Value {
        serde_json::to_value(error.problem("request-1", "/api/deals")).unwrap()
    }

    #[test]
    fn the_body_has_the_agreed_members() {
        let error = Error::from(Rejection::required("propertyAddress"));
        assert_eq!(
            body(&error),
            json!({
                "type": "urn:haushavn:problem:VALIDATION_001",
                "title": "The request is not valid",
                "status": 400,
                "instance": "/api/deals",
                "error": "ValidationError",
                "message": "propertyAddress is required",
                "code": "VALIDATION_001",
                "details": { "field": "propertyAddress", "constraint": "required" },
                "requestId": "request-1"
            })
        );
    }

    #[test]
    fn several_field_errors_are_all_listed_with_the_first_in_front() {
        let error = Error::from(Rejection::Validation {
            errors: vec![
                FieldError::required("name"),
                FieldError::new("limit", "range", "limit is 1 to 100"),
            ],
        });
        let details = &body(&error)["details"];
        assert_eq!(details["field"], "name");
        assert_eq!(
            details["errors"][1],
            json!({ "field": "limit", "constraint": "range", "message": "limit is 1 to 100" })
        );
    }

    #[test]
    fn each_family_has_its_status_and_name() {
        let cases = [
            (
                Error::from(Rejection::Unauthenticated),
                401,
                "Unauthorized",
                "UNAUTHENTICATED",
            ),
            (
                Rejection::forbidden(&[Permission::ManageTasks]).into(),
                403,
                "Forbidden",
                "FORBIDDEN",
            ),
            (Rejection::NotFound.into(), 404, "NotFound", "NOT_FOUND"),
            (
                Refusal::MethodNotAllowed.into(),
                405,
                "MethodNotAllowed",
                "METHOD_NOT_ALLOWED",
            ),
            (
                Rejection::DealNotActive.into(),
                409,
                "Conflict",
                "DEAL_NOT_ACTIVE",
            ),
            (
                Refusal::IdempotencyInFlight.into(),
                409,
                "Conflict",
                "IDEMPOTENCY_IN_FLIGHT",
            ),
            (
                Rejection::VersionMismatch { current: 2 }.into(),
                412,
                "PreconditionFailed",
                "VERSION_MISMATCH",
            ),
            (
                Refusal::PayloadTooLarge.into(),
                413,
                "PayloadTooLarge",
                "PAYLOAD_TOO_LARGE",
            ),
            (
                Refusal::UnsupportedMediaType.into(),
                415,
                "UnsupportedMediaType",
                "UNSUPPORTED_MEDIA_TYPE",
            ),
            (
                Refusal::IdempotencyMismatch.into(),
                422,
                "Conflict",
                "IDEMPOTENCY_MISMATCH",
            ),
            (
                Rejection::RateLimited {
                    retry_after_seconds: 3,
                }
                .into(),
                429,
                "TooManyRequests",
                "RATE_LIMITED",
            ),
            (
                Error::unavailable("away"),
                503,
                "ServiceUnavailable",
                "SERVICE_UNAVAILABLE",
            ),
            (Error::TimedOut, 503, "ServiceUnavailable", "TIMEOUT"),
            (
                anyhow::anyhow!("boom").into(),
                500,
                "InternalServerError",
                "INTERNAL_ERROR",
            ),
        ];
        for (error, status, name, code) in cases {
            let body = body(&error);
            assert_eq!(
                (&body["status"], &body["error"], &body["code"]),
                (&json!(status), &json!(name), &json!(code))
            );
        }
    }

    #[test]
    fn an_unexpected_error_tells_the_client_nothing() {
        let error = Error::from(
            anyhow::anyhow!("relation task.tasks does not exist").context("failed to load"),
        );
        assert!(!body(&error).to_string().contains("task.tasks"));
        assert_eq!(
            error.to_string(),
            "failed to load: relation task.tasks does not exist"
        );
    }

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
        let exhausted = Error::from(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout));
        assert!(matches!(exhausted, Error::Unavailable { .. }));
    }

    #[test]
    fn sql_states_are_told_apart() {
        let cases = [
            ("55P03", SqlState::Busy),
            ("40001", SqlState::Busy),
            ("57P01", SqlState::Away),
            ("08006", SqlState::Away),
            ("28000", SqlState::NobodyValid),
            ("23505", SqlState::Other),
        ];
        for (code, meaning) in cases {
            assert_eq!(SqlState::of(Some(code)), meaning, "{code}");
        }
        assert_eq!(SqlState::of(None), SqlState::Other);
    }

    #[test]
    fn a_blocker_that_may_not_be_seen_shows_only_its_role() {
        let rejection = Rejection::TaskBlocked {
            blocked_by: vec![Blocker {
                id: None,
                title: None,
                owner_role: Some("lender".to_owned()),
            }],
        };
        assert_eq!(
            rejection_details(&rejection),
            json!({ "blockedBy": [{ "ownerRole": "lender" }] })
        );
    }
}
