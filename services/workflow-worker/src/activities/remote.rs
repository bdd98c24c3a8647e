//! One service as activities call it: idempotency key, trace, metrics, and typed failures.

use std::time::{Duration, Instant};

use platform::{
    auth::ServiceKeys,
    client::{CallError, Calls, Errand, RemoteProblem, ServiceClient},
    telemetry::{self, metrics::WORKFLOW_EXECUTION_DURATION},
};
use temporalio_sdk::{
    ApplicationFailure,
    activities::{ActivityContext, ActivityError},
};
use tracing::{Instrument as _, field::Empty};
use uuid::Uuid;

/// A call takes no longer. The workflow's limit on an attempt lies above it.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// The type of failures that a repetition would not mend: the service refused (4xx).
pub const REFUSED: &str = "Refused";
/// The type of failures where what was asked for does not exist (404).
pub const NOT_FOUND: &str = "NotFound";

/// Refusals that may pass with time: a token that has just run out, too many calls at once.
const PASSING: [u16; 4] = [401, 408, 425, 429];

/// A service whose `/internal` routes activities call.
#[derive(Clone, Debug)]
pub struct Remote {
    client: ServiceClient,
    keys: ServiceKeys,
}

impl Remote {
    /// The service behind `client`, called in this service's own name.
    pub fn new(client: ServiceClient, keys: ServiceKeys) -> Self {
        Self { client, keys }
    }

    /// Makes one call for the activity, in a span of its own, and counts it.
    pub(super) async fn call<A>(
        &self,
        context: &ActivityContext,
        organization_id: Uuid,
        call: impl AsyncFnOnce(Calls<'_>) -> Result<A, CallError>,
    ) -> Result<A, ActivityError> {
        let info = context.info();
        let key = idempotency_key(context);
        let calls = self.calls(organization_id, key)?;
        // A child of the span that the Temporal plugin has made current, and so of what set the workflow going.
        let span = tracing::info_span!(
            "activity",
            otel.name = format!("activity {}", info.activity_type),
            activity = info.activity_type,
            workflowId = info.workflow_id,
            attempt = info.attempt,
            organizationId = %organization_id,
            traceId = Empty,
        );
        telemetry::continue_trace(&span, None);
        let started = Instant::now();
        let outcome = call(calls).instrument(span.clone()).await;
        let word = match &outcome {
            Ok(_) => "completed",
            Err(CallError::Refused(_)) => "refused",
            Err(CallError::Unavailable(_) | CallError::Unexpected(_)) => "failed",
        };
        metrics::histogram!(
            WORKFLOW_EXECUTION_DURATION,
            "kind" => "activity",
            "name" => info.activity_type.clone(),
            "outcome" => word
        )
        .record(started.elapsed());
        outcome.map_err(|error| {
            let _entered = span.enter();
            tracing::warn!(%error, "the activity {} failed", info.activity_type);
            told(error)
        })
    }

    fn calls(&self, organization_id: Uuid, key: String) -> anyhow::Result<Calls<'_>> {
        let errand = Errand {
            organization_id,
            on_behalf_of: None,
            // Request ids allow fewer characters than idempotency keys.
            request_id: Some(key.replace(':', ".")),
        };
        let calls = self.client.for_service(&self.keys, &errand)?;
        Ok(calls.idempotent(key).within(CALL_TIMEOUT))
    }
}

/// The same for each attempt at one activity, and never the same for two. The run's id belongs to it because activity
/// ids begin again with each run.
fn idempotency_key(context: &ActivityContext) -> String {
    let info = context.info();
    format!(
        "{}:{}:{}",
        info.workflow_id.as_deref().unwrap_or_default(),
        info.workflow_run_id.as_deref().unwrap_or_default(),
        info.activity_id
    )
}

/// The failure as the workflow gets it: refusals are final and typed, anything else is retried.
fn told(error: CallError) -> ActivityError {
    let problem = match error {
        CallError::Refused(problem) if !PASSING.contains(&problem.status) => problem,
        error => return anyhow::Error::from(error).into(),
    };
    let type_name = if problem.status == 404 {
        NOT_FOUND
    } else {
        REFUSED
    };
    let RemoteProblem { code, message, .. } = problem;
    ActivityError::application(
        ApplicationFailure::builder(anyhow::anyhow!("{message} ({code})"))
            .type_name(type_name.to_owned())
            .non_retryable(true)
            .build(),
    )
}

#[cfg(test)]
mod tests {
    use platform::config::Env;
    use testkit::KeyFiles;
    use tokio::net::TcpListener;

    use super::*;

    fn is_final(error: CallError) -> bool {
        matches!(told(error), ActivityError::Application(failure) if failure.is_non_retryable())
    }

    #[test]
    fn refusals_are_final_and_everything_else_is_tried_again() {
        let cases = [
            (400, true, "a request that is wrong stays wrong"),
            (401, false, "the next attempt carries a fresh token"),
            (403, true, "no permission comes from asking again"),
            (404, true, "what does not exist will not appear"),
            (409, true, "the state refuses"),
            (429, false, "too often now is not too often later"),
        ];
        for (status, expected, reason) in cases {
            let problem = RemoteProblem {
                status,
                code: "CODE".to_owned(),
                message: "no".to_owned(),
                details: serde_json::Value::Null,
            };
            assert_eq!(
                is_final(CallError::Refused(problem)),
                expected,
                "{status}: {reason}"
            );
        }
        assert!(!is_final(CallError::Unavailable("away".to_owned())));
        assert!(!is_final(CallError::Unexpected(anyhow::anyhow!("500"))));
    }

    #[tokio::test]
    async fn a_service_that_does_not_answer_is_given_up_after_fifteen_seconds() {
        // Takes connections into its queue and never answers.
        let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", deaf.local_addr().unwrap());
        let files = KeyFiles::new();
        let keys = ServiceKeys::read(&mut Env::from_pairs(files.variables()), crate::NAME).unwrap();
        let remote = Remote::new(ServiceClient::new("task-service", &url).unwrap(), keys);
        let calls = remote
            .calls(Uuid::from_u128(1), "a:key".to_owned())
            .unwrap();
        tokio::time::pause();
        let began = tokio::time::Instant::now();
        let calling = calls.get::<serde_json::Value>("/internal/deals");
        let called = tokio::time::timeout(Duration::from_hours(1), calling).await;
        assert!(
            matches!(called, Ok(Err(CallError::Unavailable(_)))),
            "{called:?}"
        );
        assert_eq!(began.elapsed().as_secs(), CALL_TIMEOUT.as_secs());
    }
}
