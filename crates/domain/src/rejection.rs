//! Every refusal that a caller can act on, with its stable code.
//!
//! The platform turns a rejection into an HTTP answer; this module knows nothing of HTTP. Faults of the machinery
//! (a lost connection, a bug) are not rejections, and neither is what only the HTTP layer can refuse (body too large,
//! unknown media type).

use std::fmt;

use uuid::Uuid;

use crate::{code::Code, permission::Permission};

/// The most field errors that one rejection lists; beyond that it only says that there are more.
pub const FIELD_ERRORS_MAX: usize = 20;

/// The family of a rejection: decides the status of the answer and its `error` member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RejectionKind {
    /// The request itself is wrong: 400.
    Validation,
    /// Nobody, or nobody valid, is signed in: 401.
    Unauthorized,
    /// The caller sees the thing but may not do this to it: 403.
    Forbidden,
    /// The thing does not exist, as far as the caller may know: 404.
    NotFound,
    /// The state of things forbids it now: 409.
    Conflict,
    /// The caller's `If-Match` is stale: 412.
    PreconditionFailed,
    /// Too often: 429.
    TooManyRequests,
}

/// One field of a request that is wrong, and which constraint it breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The dotted path in the body (`propertyAddress.street`, `parties.0.role`), or a parameter's name.
    pub field: String,
    /// The constraint's stable name: `required`, `unknown`, `format`, `max_length`, `range`, …
    pub constraint: String,
    /// One sentence for people.
    pub message: String,
}

impl FieldError {
    /// A field error from its three parts.
    pub fn new(
        field: impl Into<String>,
        constraint: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            constraint: constraint.into(),
            message: message.into(),
        }
    }

    /// The error for a field that is missing or empty.
    pub fn required(field: impl Into<String>) -> Self {
        let field = field.into();
        let message = format!("{field} is required");
        Self {
            field,
            constraint: "required".to_owned(),
            message,
        }
    }
}

/// An unfinished task that another one waits for.
///
/// A caller who may not see the task gets only its owner role: `id` and `title` are then `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocker {
    /// The blocking task, if the caller may see it.
    pub id: Option<Uuid>,
    /// Its title, if the caller may see it.
    pub title: Option<String>,
    /// The part that owns the task, as the template writes it (`title_escrow`).
    pub owner_role: Option<String>,
}

/// One mistake in a template, with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, in one sentence.
    pub message: String,
}

/// A refusal that the caller can act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// Fields of the request are missing or wrong. At least one error.
    Validation {
        /// What is wrong, in the order of the request.
        errors: Vec<FieldError>,
    },
    /// The body names something that does not exist, as far as the caller may know.
    UnknownReference {
        /// The dotted path of the reference.
        field: String,
    },
    /// A list's cursor is not one that this list gave out.
    CursorInvalid,
    /// An invitation or reset token is unknown, spent or expired.
    TokenInvalid,
    /// A template cannot be read or contradicts itself.
    TemplateInvalid {
        /// Every mistake found, by line.
        errors: Vec<LineError>,
    },
    /// The dependency would make tasks wait for each other.
    TaskDependencyCycle {
        /// The cycle: each task waits for the next, the last is the first again.
        path: Vec<Uuid>,
    },
    /// No valid access token came with the request.
    Unauthenticated,
    /// Email and password do not fit together.
    InvalidCredentials,
    /// The caller may see the thing but not do this.
    Forbidden {
        /// The permissions of which any one would do.
        required: Vec<Permission>,
    },
    /// It does not exist, as far as the caller may know.
    NotFound,
    /// The task waits for other tasks.
    TaskBlocked {
        /// The unfinished tasks it waits for.
        blocked_by: Vec<Blocker>,
    },
    /// The task is completed or waived already.
    TaskAlreadyDone,
    /// The task is still open, so it cannot be reopened.
    TaskNotDone,
    /// Work on the task has begun, so it can be waived but not deleted.
    TaskStarted,
    /// Tasks that waited for this one are completed already.
    TaskDependentDone {
        /// The completed dependents.
        dependents: Vec<Uuid>,
    },
    /// The deal is not active, so its tasks do not change.
    DealNotActive,
    /// The deal has left its draft.
    DealNotDraft,
    /// Required tasks are open.
    DealTasksOpen {
        /// How many.
        open: u64,
    },
    /// The deal's status does not allow this step.
    DealStatusConflict {
        /// The deal's present status, as stored.
        status: &'static str,
    },
    /// The deal's plan is still being made.
    PlanPending,
    /// The deal's plan cannot be made.
    PlanFailed {
        /// Why, in one sentence.
        reason: String,
    },
    /// A published template version never changes.
    TemplatePublished,
    /// The organization would be left without an administrator.
    LastAdmin,
    /// The email address belongs to somebody already.
    EmailTaken,
    /// The version in the body is stale.
    VersionConflict {
        /// The present version.
        current: i64,
    },
    /// The version in `If-Match` is stale.
    VersionMismatch {
        /// The present version.
        current: i64,
    },
    /// Too many failed sign-ins.
    TooManyAttempts {
        /// Seconds until the next attempt is accepted.
        retry_after_seconds: u64,
    },
    /// Too many requests.
    RateLimited {
        /// Seconds until the next request is accepted.
        retry_after_seconds: u64,
    },
}

impl Rejection {
    /// A validation error of one field.
    pub fn field(
        field: impl Into<String>,
        constraint: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::Validation {
            errors: vec![FieldError::new(field, constraint, message)],
        }
    }

    /// A missing or empty field.
    pub fn required(field: impl Into<String>) -> Self {
        Self::Validation {
            errors: vec![FieldError::required(field)],
        }
    }

    /// The refusal for lack of permission, naming what would do.
    #[must_use]
    pub fn forbidden(required: &[Permission]) -> Self {
        Self::Forbidden {
            required: required.to_vec(),
        }
    }

    /// The stable code of the answer.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Validation { .. } => Code::Validation,
            Self::UnknownReference { .. } => Code::UnknownReference,
            Self::CursorInvalid => Code::CursorInvalid,
            Self::TokenInvalid => Code::TokenInvalid,
            Self::TemplateInvalid { .. } => Code::TemplateInvalid,
            Self::TaskDependencyCycle { .. } => Code::TaskDependencyCycle,
            Self::Unauthenticated => Code::Unauthenticated,
            Self::InvalidCredentials => Code::InvalidCredentials,
            Self::Forbidden { .. } => Code::Forbidden,
            Self::NotFound => Code::NotFound,
            Self::TaskBlocked { .. } => Code::TaskBlocked,
            Self::TaskAlreadyDone => Code::TaskAlreadyDone,
            Self::TaskNotDone => Code::TaskNotDone,
            Self::TaskStarted => Code::TaskStarted,
            Self::TaskDependentDone { .. } => Code::TaskDependentDone,
            Self::DealNotActive => Code::DealNotActive,
            Self::DealNotDraft => Code::DealNotDraft,
            Self::DealTasksOpen { .. } => Code::DealTasksOpen,
            Self::DealStatusConflict { .. } => Code::DealStatusConflict,
            Self::PlanPending => Code::PlanPending,
            Self::PlanFailed { .. } => Code::PlanFailed,
            Self::TemplatePublished => Code::TemplatePublished,
            Self::LastAdmin => Code::LastAdmin,
            Self::EmailTaken => Code::EmailTaken,
            Self::VersionConflict { .. } => Code::VersionConflict,
            Self::VersionMismatch { .. } => Code::VersionMismatch,
            Self::TooManyAttempts { .. } => Code::TooManyAttempts,
            Self::RateLimited { .. } => Code::RateLimited,
        }
    }

    /// The family the rejection belongs to.
    #[must_use]
    pub const fn kind(&self) -> RejectionKind {
        match self {
            Self::Validation { .. }
            | Self::UnknownReference { .. }
            | Self::CursorInvalid
            | Self::TokenInvalid
            | Self::TemplateInvalid { .. }
            | Self::TaskDependencyCycle { .. } => RejectionKind::Validation,
            Self::Unauthenticated | Self::InvalidCredentials => RejectionKind::Unauthorized,
            Self::Forbidden { .. } => RejectionKind::Forbidden,
            Self::NotFound => RejectionKind::NotFound,
            Self::TaskBlocked { .. }
            | Self::TaskAlreadyDone
            | Self::TaskNotDone
            | Self::TaskStarted
            | Self::TaskDependentDone { .. }
            | Self::DealNotActive
            | Self::DealNotDraft
            | Self::DealTasksOpen { .. }
            | Self::DealStatusConflict { .. }
            | Self::PlanPending
            | Self::PlanFailed { .. }
            | Self::TemplatePublished
            | Self::LastAdmin
            | Self::EmailTaken
            | Self::VersionConflict { .. } => RejectionKind::Conflict,
            Self::VersionMismatch { .. } => RejectionKind::PreconditionFailed,
            Self::TooManyAttempts { .. } | Self::RateLimited { .. } => {
                RejectionKind::TooManyRequests
            }
        }
    }

    /// One sentence for people. It carries nothing that the caller may not see.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Validation { errors } => errors.first().map_or_else(
                || "the request is not valid".to_owned(),
                |error| error.message.clone(),
            ),
            Self::UnknownReference { field } => {
                format!("{field} names something that does not exist")
            }
            Self::PlanFailed { reason } => reason.clone(),
            Self::TemplateInvalid { errors } => errors.first().map_or_else(
                || "the template is not valid".to_owned(),
                |error| format!("line {}: {}", error.line, error.message),
            ),
            Self::Forbidden { required } if required.is_empty() => "this is not allowed".to_owned(),
            Self::Forbidden { required } => {
                let names: Vec<_> = required
                    .iter()
                    .map(|permission| permission.as_str())
                    .collect();
                format!("this needs the permission {}", names.join(" or "))
            }
            Self::TaskBlocked { blocked_by } => blocked_message(blocked_by),
            Self::TaskDependentDone { dependents } => {
                format!(
                    "{} of the tasks that waited for this one are completed already",
                    dependents.len()
                )
            }
            Self::DealTasksOpen { open: 1 } => "one required task is still open".to_owned(),
            Self::DealTasksOpen { open } => format!("{open} required tasks are still open"),
            Self::DealStatusConflict { status } => {
                format!("the deal is {status}, which does not allow this step")
            }
            Self::VersionConflict { current } | Self::VersionMismatch { current } => {
                format!("it has changed in the meantime; the present version is {current}")
            }
            Self::TooManyAttempts {
                retry_after_seconds,
            } => {
                let wait = seconds(*retry_after_seconds);
                format!("too many failed attempts; try again in {wait}")
            }
            Self::RateLimited {
                retry_after_seconds,
            } => {
                let wait = seconds(*retry_after_seconds);
                format!("too many requests; try again in {wait}")
            }
            plain => plain.plain_message().to_owned(),
        }
    }

    /// The message of the rejections without details.
    const fn plain_message(&self) -> &'static str {
        match self {
            Self::CursorInvalid => "the cursor does not belong to this list",
            Self::TokenInvalid => "the token is unknown, used or expired",
            Self::TaskDependencyCycle { .. } => "the tasks would wait for each other",
            Self::Unauthenticated => "sign in first",
            Self::InvalidCredentials => "email or password is wrong",
            Self::NotFound => "there is nothing here",
            Self::TaskAlreadyDone => "the task is done already",
            Self::TaskNotDone => "the task is still open",
            Self::TaskStarted => "work on the task has begun; it can be waived but not deleted",
            Self::DealNotActive => "the deal is not active",
            Self::DealNotDraft => "only a draft can be deleted",
            Self::PlanPending => "the deal's plan is still being made",
            Self::TemplatePublished => {
                "a published template version never changes; make a new version"
            }
            Self::LastAdmin => "the organization needs at least one administrator",
            Self::EmailTaken => "this email address is taken",
            Self::Validation { .. }
            | Self::UnknownReference { .. }
            | Self::TemplateInvalid { .. }
            | Self::Forbidden { .. }
            | Self::TaskBlocked { .. }
            | Self::TaskDependentDone { .. }
            | Self::DealTasksOpen { .. }
            | Self::DealStatusConflict { .. }
            | Self::PlanFailed { .. }
            | Self::VersionConflict { .. }
            | Self::VersionMismatch { .. }
            | Self::TooManyAttempts { .. }
            | Self::RateLimited { .. } => "the request was refused",
        }
    }
}

fn seconds(number: u64) -> String {
    match number {
        1 => "1 second".to_owned(),
        several => format!("{several} seconds"),
    }
}

fn blocked_message(blocked_by: &[Blocker]) -> String {
    match blocked_by {
        [] => "the task waits for another task".to_owned(),
        [only] => match (&only.title, &only.owner_role) {
            (Some(title), _) => format!("the task waits for \"{title}\""),
            (None, Some(role)) => format!("the task waits for {}", role.replace('_', " ")),
            (None, None) => "the task waits for another task".to_owned(),
        },
        several => format!("the task waits for {} other tasks", several.len()),
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code(), self.message())
    }
}

impl std::error::Error for Rejection {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_wait_is_told_in_good_grammar() {
        for (retry_after_seconds, told) in [(1, "in 1 second"), (30, "in 30 seconds")] {
            let limited = Rejection::RateLimited {
                retry_after_seconds,
            };
            let locked = Rejection::TooManyAttempts {
                retry_after_seconds,
            };
            for rejection in [limited, locked] {
                let message = rejection.message();
                assert!(message.ends_with(told), "{message}");
            }
        }
    }

    #[test]
    fn a_blocked_task_names_what_it_waits_for_only_if_the_caller_may_see_it() {
        let seen = Blocker {
            id: Some(Uuid::nil()),
            title: Some("Open escrow".into()),
            owner_role: None,
        };
        let unseen = Blocker {
            id: None,
            title: None,
            owner_role: Some("title_escrow".into()),
        };
        let message = |blocked_by| Rejection::TaskBlocked { blocked_by }.message();
        assert_eq!(
            message(vec![seen.clone()]),
            "the task waits for \"Open escrow\""
        );
        assert_eq!(
            message(vec![unseen.clone()]),
            "the task waits for title escrow"
        );
        assert_eq!(
            message(vec![seen, unseen]),
            "the task waits for 2 other tasks"
        );
    }

    #[test]
    fn a_stale_body_is_a_conflict_and_a_stale_if_match_a_failed_precondition() {
        assert_eq!(
            Rejection::VersionConflict { current: 3 }.kind(),
            RejectionKind::Conflict
        );
        assert_eq!(
            Rejection::VersionMismatch { current: 3 }.kind(),
            RejectionKind::PreconditionFailed
        );
    }

    #[test]
    fn a_refusal_for_lack_of_permission_names_what_would_do() {
        let refusal = Rejection::forbidden(&[Permission::AssignTasks, Permission::ManageTasks]);
        assert_eq!(
            refusal.to_string(),
            "FORBIDDEN: this needs the permission assign_tasks or manage_tasks"
        );
    }
}
