//! How workflows call activities: limits, retries, and what a failure means.

use std::time::Duration;

use metrics::histogram;
use platform::telemetry::metrics::WORKFLOW_EXECUTION_DURATION;
use temporalio_common::RetryPolicy;
use temporalio_sdk::{
    ActivityCloseTimeouts, ActivityExecutionError, ActivityOptions, WorkflowContext,
    WorkflowTermination,
};
use temporalio_workflow::workflows::WorkflowImplementation;

use crate::activities::remote::NOT_FOUND;

/// One attempt takes no longer; a call within it gives up earlier.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);
/// Before the second attempt.
const RETRY_INTERVAL_MIN: Duration = Duration::from_millis(500);

/// Attempts until one succeeds or is refused, with growing pauses.
pub(super) fn persistently(pause_max: Duration) -> ActivityOptions {
    ActivityOptions::with_start_to_close_timeout(ATTEMPT_TIMEOUT)
        .retry_policy(retries(RETRY_INTERVAL_MIN, pause_max))
        .build()
}

/// Attempts until one succeeds or is refused, but not for longer than `patience`.
pub(super) fn within(
    patience: Duration,
    pause_min: Duration,
    pause_max: Duration,
) -> ActivityOptions {
    ActivityOptions::with_close_timeouts(ActivityCloseTimeouts::ScheduleAndStartToClose {
        schedule_to_close: patience,
        start_to_close: ATTEMPT_TIMEOUT,
    })
    .retry_policy(retries(pause_min, pause_max))
    .build()
}

fn retries(pause_min: Duration, pause_max: Duration) -> RetryPolicy {
    RetryPolicy::builder()
        .initial_interval(pause_min)
        .backoff_coefficient(2.0)
        .maximum_interval(pause_max)
        .build()
}

/// Why an activity gave no answer.
pub(super) enum Failure {
    /// What it asked for does not exist.
    NotFound,
    /// It was refused for good; the reason is for people.
    Refused(String),
    /// Its time ran out.
    Unanswered,
}

/// The kind of a failure. A cancelled workflow ends here.
pub(super) fn failure(error: &ActivityExecutionError) -> Result<Failure, WorkflowTermination> {
    if matches!(error, ActivityExecutionError::Cancelled(_)) {
        return Err(WorkflowTermination::cancelled());
    }
    let application = error
        .failure()
        .and_then(|failure| failure.cause.as_deref())
        .and_then(|cause| {
            use temporalio_common::protos::temporal::api::failure::v1::failure::FailureInfo;
            match &cause.failure_info {
                Some(FailureInfo::ApplicationFailureInfo(info)) if info.non_retryable => {
                    Some((info.r#type.as_str(), cause.message.as_str()))
                }
                _ => None,
            }
        });
    Ok(match application {
        Some((NOT_FOUND, _)) => Failure::NotFound,
        Some((_, message)) => Failure::Refused(message.to_owned()),
        None => Failure::Unanswered,
    })
}

/// Counts a run that ends, once and not at its replays.
pub(super) fn record_run<W: WorkflowImplementation>(
    ctx: &WorkflowContext<W>,
    name: &'static str,
    outcome: &'static str,
) {
    if ctx.is_replaying() {
        return;
    }
    let lasted = ctx
        .info()
        .start_time()
        .zip(ctx.workflow_time())
        .and_then(|(start, now)| now.duration_since(start).ok());
    if let Some(lasted) = lasted {
        histogram!(WORKFLOW_EXECUTION_DURATION, "kind" => "workflow", "name" => name, "outcome" => outcome)
            .record(lasted);
    }
}
