//! One service as activities call it: service token, idempotency key, trace context, and failures told apart.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use platform::{
    auth::ServiceKeys,
    telemetry::{self, metrics::WORKFLOW_EXECUTION_DURATION},
};
use reqwest::{Method, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use temporalio_sdk::{
    ApplicationFailure,
    activities::{ActivityContext, ActivityError},
};
use tracing::{Instrument as _, field::Empty};
use uuid::Uuid;

/// A connection is made within this time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// A call takes no longer. Activities' own limit lies above it.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Of an error's body, no more goes into the workflow's history.
const PROBLEM_CHARACTERS_MAX: usize = 500;

/// The type of failures that a repetition would not mend: the service refused (4xx).
pub const REFUSED: &str = "Refused";
/// The type of failures where what was asked for does not exist (404).
pub const NOT_FOUND: &str = "NotFound";

/// A service whose `/internal` routes activities call.
#[derive(Clone, Debug)]
pub struct Remote {
    service: &'static str,
    base_url: String,
    keys: ServiceKeys,
    client: reqwest::Client,
}

/// One call.
pub(super) struct Call<'a, B> {
    pub(super) organization_id: Uuid,
    pub(super) method: Method,
    /// Begins with `/internal/`.
    pub(super) path: String,
    pub(super) body: Option<&'a B>,
}

impl Remote {
    /// `service` names it in logs; `base_url` is where it answers.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(service: &'static str, base_url: &str, keys: ServiceKeys) -> anyhow::Result<Self> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(CALL_TIMEOUT)
            .build()
            .with_context(|| format!("failed to make the HTTP client for {service}"))?;
        Ok(Self {
            service,
            base_url: base_url.trim_end_matches('/').to_owned(),
            keys,
            client,
        })
    }

    /// Reads something.
    pub(super) async fn get<A: DeserializeOwned>(
        &self,
        context: &ActivityContext,
        organization_id: Uuid,
        path: String,
    ) -> Result<A, ActivityError> {
        let call = Call::<()> {
            organization_id,
            method: Method::GET,
            path,
            body: None,
        };
        self.answer(context, call).await
    }

    /// Has something done.
    pub(super) async fn post<B: Serialize, A: DeserializeOwned>(
        &self,
        context: &ActivityContext,
        organization_id: Uuid,
        path: String,
        body: &B,
    ) -> Result<A, ActivityError> {
        let call = Call {
            organization_id,
            method: Method::POST,
            path,
            body: Some(body),
        };
        self.answer(context, call).await
    }

    /// Has something done whose answer says nothing.
    pub(super) async fn post_blindly<B: Serialize>(
        &self,
        context: &ActivityContext,
        organization_id: Uuid,
        path: String,
        body: &B,
    ) -> Result<(), ActivityError> {
        let call = Call {
            organization_id,
            method: Method::POST,
            path,
            body: Some(body),
        };
        self.observed(context, call).await.map(drop)
    }

    async fn answer<B: Serialize, A: DeserializeOwned>(
        &self,
        context: &ActivityContext,
        call: Call<'_, B>,
    ) -> Result<A, ActivityError> {
        let service = self.service;
        let text = self.observed(context, call).await?;
        serde_json::from_str(&text)
            .with_context(|| format!("failed to read the answer of {service}"))
            .map_err(ActivityError::from)
    }

    /// Makes the call within a span of its own, and counts it.
    async fn observed<B: Serialize>(
        &self,
        context: &ActivityContext,
        call: Call<'_, B>,
    ) -> Result<String, ActivityError> {
        let info = context.info();
        // A child of the span that the Temporal plugin has made current, and so of the workflow's cause.
        let span = tracing::info_span!(
            "activity",
            otel.name = format!("{} {}", call.method, self.service),
            otel.kind = "client",
            activity = info.activity_type,
            workflowId = info.workflow_id,
            attempt = info.attempt,
            organizationId = %call.organization_id,
            traceId = Empty,
        );
        telemetry::continue_trace(&span, None);
        let started = Instant::now();
        let outcome = self.made(context, call).instrument(span.clone()).await;
        let word = match &outcome {
            Ok(_) => "completed",
            Err(error) if is_final(error) => "refused",
            Err(_) => "failed",
        };
        metrics::histogram!(
            WORKFLOW_EXECUTION_DURATION,
            "kind" => "activity",
            "name" => info.activity_type.clone(),
            "outcome" => word
        )
        .record(started.elapsed());
        if let Err(error) = &outcome {
            let _entered = span.enter();
            tracing::warn!(
                error = %Told(error),
                duration = elapsed_ms(started),
                "an activity's call of {} failed",
                self.service
            );
        }
        outcome
    }

    async fn made<B: Serialize>(
        &self,
        context: &ActivityContext,
        call: Call<'_, B>,
    ) -> Result<String, ActivityError> {
        let service = self.service;
        let token = self.keys.sign(Some(call.organization_id), None)?;
        let key = idempotency_key(context);
        let mut request = self
            .client
            .request(call.method, format!("{}{}", self.base_url, call.path))
            .bearer_auth(token.expose())
            .header("x-request-id", request_id(&key))
            .header("idempotency-key", key);
        if let Some(traceparent) = telemetry::current_traceparent() {
            request = request.header("traceparent", traceparent);
        }
        if let Some(body) = call.body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .with_context(|| format!("{service} does not answer"))?;
        let status = response.status();
        let text = response
            .text()
            .await
            .with_context(|| format!("{service} broke off its answer"))?;
        if status.is_success() {
            return Ok(text);
        }
        let problem: String = text.chars().take(PROBLEM_CHARACTERS_MAX).collect();
        Err(refusal(service, status, &problem))
    }
}

/// The same for each attempt at one activity, and never the same for two. The run's id belongs to it because
/// activity ids begin anew with each run.
fn idempotency_key(context: &ActivityContext) -> String {
    let info = context.info();
    format!(
        "{}:{}:{}",
        info.workflow_id.as_deref().unwrap_or_default(),
        info.workflow_run_id.as_deref().unwrap_or_default(),
        info.activity_id
    )
}

/// Request ids allow fewer characters than idempotency keys.
fn request_id(key: &str) -> String {
    key.replace(':', ".")
}

/// A refusal is final, unless it says that another time would do.
fn refusal(service: &str, status: StatusCode, problem: &str) -> ActivityError {
    let error = anyhow::anyhow!("{service} answered {status}: {problem}");
    let passing = [
        // A token that has just run out, or a key that has just been replaced.
        StatusCode::UNAUTHORIZED,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    if !status.is_client_error() || passing.contains(&status) {
        return error.into();
    }
    let type_name = if status == StatusCode::NOT_FOUND {
        NOT_FOUND
    } else {
        REFUSED
    };
    ActivityError::application(
        ApplicationFailure::builder(error)
            .type_name(type_name.to_owned())
            .non_retryable(true)
            .build(),
    )
}

fn is_final(error: &ActivityError) -> bool {
    matches!(error, ActivityError::Application(failure) if failure.is_non_retryable())
}

/// An activity's error with its causes, for the log.
struct Told<'a>(&'a ActivityError);

impl std::fmt::Display for Told<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            ActivityError::Application(failure) => {
                let mut source = Some(failure.source_error() as &dyn std::error::Error);
                let mut between = "";
                while let Some(error) = source {
                    write!(formatter, "{between}{error}")?;
                    between = ": ";
                    source = error.source();
                }
                Ok(())
            }
            other => write!(formatter, "{other:?}"),
        }
    }
}

fn elapsed_ms(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_final_and_everything_else_is_tried_again() {
        let cases = [
            (400, true, "a request that is wrong stays wrong"),
            (401, false, "the next attempt carries a fresh token"),
            (403, true, "no permission comes from asking again"),
            (404, true, "what does not exist will not appear"),
            (409, true, "the state refuses"),
            (429, false, "too often now is not too often later"),
            (500, false, "a fault may pass"),
            (503, false, "the service says that it will be back"),
        ];
        for (status, expected, reason) in cases {
            let error = refusal(
                "task-service",
                StatusCode::from_u16(status).unwrap(),
                "problem",
            );
            assert_eq!(is_final(&error), expected, "{status}: {reason}");
        }
    }
}
