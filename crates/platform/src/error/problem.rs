//! The response body of an error: `application/problem+json` (RFC 9457) with our own members.

use actix_web::http::StatusCode;
use domain::{
    code::Code,
    rejection::{Blocker, FIELD_ERRORS_MAX, FieldError, Rejection, RejectionKind},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::{
    PartialSchema as _, ToSchema,
    openapi::{ObjectBuilder, Ref, RefOr, Schema, Type},
};

use super::{Error, Refusal};

/// The path of a field in an answer, in bytes: a client chooses its names.
const FIELD_BYTES_MAX: usize = 400;
/// A sentence of an answer, in bytes: it may name a field.
const MESSAGE_BYTES_MAX: usize = 800;

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
    /// The stable code, by which clients distinguish problems.
    #[schema(schema_with = code_reference)]
    pub code: &'static str,
    /// What the code adds to the message; empty if nothing.
    #[schema(value_type = Object)]
    pub details: Value,
    /// The request's id, also in the header `X-Request-Id` and in the logs.
    pub request_id: String,
}

/// The name of the schema that lists the codes.
const CODES: &str = "ProblemCode";

/// The schemas of error bodies, by name.
pub fn schemas() -> [(String, RefOr<Schema>); 2] {
    [
        (Problem::name().into_owned(), Problem::schema()),
        (CODES.to_owned(), codes().into()),
    ]
}

fn code_reference() -> Ref {
    Ref::from_schema_name(CODES)
}

/// Every code there is, with what it means.
fn codes() -> Schema {
    let names = Code::ALL.iter().map(|code| code.as_str());
    let meanings: String = Code::ALL
        .iter()
        .map(|code| format!("\n- `{code}`: {}", code.meaning()))
        .collect();
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names))
        .description(Some(format!(
            "The stable codes, and what each means:\n{meanings}"
        )))
        .build()
        .into()
}

impl Error {
    /// The response body for this error.
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
            code: self.code().as_str(),
            details: self.details(),
            request_id: request_id.to_owned(),
        }
    }

    pub(super) fn family(&self) -> Family {
        match self {
            Self::Rejected(rejection) => Family::of_kind(rejection.kind()),
            Self::Refused(refusal) => Family::of_refusal(*refusal),
            Self::Unavailable { .. }
            | Self::Busy { .. }
            | Self::StatementTimeout { .. }
            | Self::Unprepared(_)
            | Self::TimedOut => Family {
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
            Self::Rejected(rejection) => cut(&rejection.message(), MESSAGE_BYTES_MAX),
            Self::Refused(refusal) => refusal.message().to_owned(),
            Self::Unavailable { .. }
            | Self::Busy { .. }
            | Self::StatementTimeout { .. }
            | Self::Unprepared(_) => "try again in a moment".to_owned(),
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
            | Self::Unprepared(_)
            | Self::StatementTimeout { .. }
            | Self::TimedOut
            | Self::Unexpected(_) => {
                json!({})
            }
        }
    }
}

/// What answers of one family have in common.
pub(super) struct Family {
    pub(super) status: StatusCode,
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
        | Rejection::PlanFailed { .. }
        | Rejection::TemplatePublished
        | Rejection::LastAdmin
        | Rejection::EmailTaken => json!({}),
    }
}

/// The first error comes first; where there are several, `errors` has them, up to a bound, beyond which `more` is true.
fn validation_details(errors: &[FieldError]) -> Value {
    let Some(first) = errors.first() else {
        return json!({});
    };
    let field = |error: &FieldError| cut(&error.field, FIELD_BYTES_MAX);
    let mut details = json!({ "field": field(first), "constraint": first.constraint });
    if errors.len() > 1 {
        let shown = errors.iter().take(FIELD_ERRORS_MAX).map(|error| {
            let message = cut(&error.message, MESSAGE_BYTES_MAX);
            json!({ "field": field(error), "constraint": error.constraint, "message": message })
        });
        details["errors"] = shown.collect();
    }
    if errors.len() > FIELD_ERRORS_MAX {
        details["more"] = json!(true);
    }
    details
}

/// The text, or its beginning and an ellipsis.
fn cut(text: &str, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(bytes_max)])
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

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
    fn an_answer_is_bounded_in_errors_and_in_bytes() {
        let name = "ü".repeat(100_000);
        let errors =
            (0..30).map(|_| FieldError::new(&*name, "unknown", format!("{name} is not known")));
        let error = Error::from(Rejection::Validation {
            errors: errors.collect(),
        });
        let body = body(&error);
        let listed = body["details"]["errors"].as_array().unwrap();
        assert_eq!(listed.len(), FIELD_ERRORS_MAX);
        assert_eq!(body["details"]["more"], true);
        assert!(body.to_string().len() < 40_000);
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

    /// One error for each code.
    fn all_errors() -> Vec<Error> {
        let rejections = [
            Rejection::required("name"),
            Rejection::UnknownReference {
                field: "userId".to_owned(),
            },
            Rejection::CursorInvalid,
            Rejection::TokenInvalid,
            Rejection::TemplateInvalid { errors: Vec::new() },
            Rejection::TaskDependencyCycle { path: Vec::new() },
            Rejection::Unauthenticated,
            Rejection::InvalidCredentials,
            Rejection::forbidden(&[]),
            Rejection::NotFound,
            Rejection::TaskBlocked {
                blocked_by: Vec::new(),
            },
            Rejection::TaskAlreadyDone,
            Rejection::TaskNotDone,
            Rejection::TaskStarted,
            Rejection::TaskDependentDone {
                dependents: Vec::new(),
            },
            Rejection::DealNotActive,
            Rejection::DealNotDraft,
            Rejection::DealTasksOpen { open: 1 },
            Rejection::DealStatusConflict { status: "DRAFT" },
            Rejection::PlanPending,
            Rejection::PlanFailed {
                reason: String::new(),
            },
            Rejection::TemplatePublished,
            Rejection::LastAdmin,
            Rejection::EmailTaken,
            Rejection::VersionConflict { current: 1 },
            Rejection::VersionMismatch { current: 1 },
            Rejection::TooManyAttempts {
                retry_after_seconds: 1,
            },
            Rejection::RateLimited {
                retry_after_seconds: 1,
            },
        ];
        let refusals = [
            Refusal::MethodNotAllowed,
            Refusal::PayloadTooLarge,
            Refusal::UnsupportedMediaType,
            Refusal::IdempotencyMismatch,
            Refusal::IdempotencyInFlight,
        ];
        let faults = [
            Error::unavailable("away"),
            Error::TimedOut,
            anyhow::anyhow!("boom").into(),
        ];
        let rejections = rejections.into_iter().map(Error::from);
        let refusals = refusals.into_iter().map(Error::from);
        rejections.chain(refusals).chain(faults).collect()
    }

    #[test]
    fn each_code_is_told_by_some_error_and_no_two_errors_share_one() {
        let told: Vec<Code> = all_errors().iter().map(Error::code).collect();
        let different: BTreeSet<Code> = told.iter().copied().collect();
        assert_eq!(told.len(), different.len(), "{told:?}");
        assert_eq!(different, Code::ALL.iter().copied().collect());
    }

    #[test]
    fn the_schema_lists_every_code_with_its_meaning() {
        let schema = serde_json::to_value(codes()).unwrap();
        let names: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(schema["enum"], json!(names));
        let problem = serde_json::to_value(Problem::schema()).unwrap();
        assert_eq!(
            problem["properties"]["code"]["$ref"],
            "#/components/schemas/ProblemCode"
        );
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
