//! The stable codes of every rejection and fault that a client can receive: one list, with the meaning of each.
//!
//! A code never changes its meaning. Codes that only the HTTP layer uses are listed here too, so that there is one
//! list; when they apply is decided there.

use crate::words::upper_snake_enum;

macro_rules! codes {
    ($($variant:ident = $code:literal: $meaning:literal),+ $(,)?) => {
        upper_snake_enum! {
            /// A stable code.
            Code { $(#[doc = $meaning] $variant = $code),+ }
        }

        impl Code {
            /// Its meaning, in one or two sentences.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                }
            }
        }
    };
}

codes! {
    Validation = "VALIDATION_001": "Fields, parameters or headers are missing or wrong. `details` names the first by `field` and `constraint`; with several, all are in `details.errors`.",
    UnknownReference = "UNKNOWN_REFERENCE": "`details.field` names something that does not exist, as far as the caller may know.",
    CursorInvalid = "CURSOR_INVALID": "The cursor is not one that this list, sorted and filtered like this, gave out.",
    TokenInvalid = "TOKEN_INVALID": "An invitation's or reset's token is unknown, used or expired.",
    TemplateInvalid = "TEMPLATE_INVALID": "The template cannot be read or contradicts itself; `details.errors` has each mistake with its line.",
    TaskDependencyCycle = "TASK_DEPENDENCY_CYCLE": "Tasks would wait for each other; `details.path` is the cycle.",
    Unauthenticated = "UNAUTHENTICATED": "No valid access token came with the request.",
    InvalidCredentials = "INVALID_CREDENTIALS": "Email and password do not fit together.",
    Forbidden = "FORBIDDEN": "The caller may not do this; any of `details.required` would do.",
    NotFound = "NOT_FOUND": "There is nothing here, as far as the caller may know.",
    MethodNotAllowed = "METHOD_NOT_ALLOWED": "The path does not take this method; `Allow` has those it takes.",
    TaskBlocked = "TASK_BLOCKED": "The task waits for `details.blockedBy`.",
    TaskAlreadyDone = "TASK_ALREADY_DONE": "The task is completed or waived.",
    TaskNotDone = "TASK_NOT_DONE": "The task is still open, so it cannot be reopened.",
    TaskStarted = "TASK_STARTED": "Work on the task has begun: it can be waived but not deleted.",
    TaskDependentDone = "TASK_DEPENDENT_DONE": "Tasks that waited for this one are completed: `details.dependents`.",
    DealNotActive = "DEAL_NOT_ACTIVE": "The deal is not active, so its tasks and dates stay as they are.",
    DealNotDraft = "DEAL_NOT_DRAFT": "The deal has left its draft.",
    DealTasksOpen = "DEAL_TASKS_OPEN": "So many required tasks are open: `details.open`.",
    DealStatusConflict = "DEAL_STATUS_CONFLICT": "The deal is in `details.status`, which does not allow this step.",
    PlanPending = "PLAN_PENDING": "The deal's plan is still being made.",
    PlanFailed = "PLAN_FAILED": "The deal's plan could not be made; the message says why.",
    TemplatePublished = "TEMPLATE_PUBLISHED": "A published version of a template never changes.",
    LastAdmin = "LAST_ADMIN": "The organization would be left without an administrator.",
    EmailTaken = "EMAIL_TAKEN": "The email address belongs to somebody already.",
    VersionConflict = "VERSION_CONFLICT": "The `version` in the body is stale; `details.current` is the present one.",
    VersionMismatch = "VERSION_MISMATCH": "The version in `If-Match` is stale; `details.current` is the present one.",
    IdempotencyInFlight = "IDEMPOTENCY_IN_FLIGHT": "The first request with this `Idempotency-Key` is still at work.",
    IdempotencyMismatch = "IDEMPOTENCY_MISMATCH": "This `Idempotency-Key` came with another request before.",
    PayloadTooLarge = "PAYLOAD_TOO_LARGE": "The body is larger than 1 MiB.",
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE": "The body has a type or an encoding that is not taken here.",
    TooManyAttempts = "TOO_MANY_ATTEMPTS": "Too many failed sign-ins; `Retry-After` says when the next one is accepted.",
    RateLimited = "RATE_LIMITED": "Too many requests; `Retry-After` says when the next one is accepted.",
    ServiceUnavailable = "SERVICE_UNAVAILABLE": "A dependency is unavailable or busy; `Retry-After` says when to retry.",
    Timeout = "TIMEOUT": "The request took longer than 30 seconds.",
    InternalError = "INTERNAL_ERROR": "A fault of ours; the request id helps to find it.",
}
