//! The metrics' names, help texts and buckets, in one place, and their text for the admin port.
//!
//! A label has a closed set of values, none of them chosen by a client: each value is a series that stays in memory.

use std::{sync::OnceLock, time::Duration};

use actix_web::http::{Method, StatusCode};
use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Seconds a request took, by service, method, route pattern and status.
pub const API_REQUEST_DURATION: &str = "api_request_duration_seconds";
/// Seconds a database transaction or statement took, by service and statement.
pub const DB_QUERY_DURATION: &str = "db_query_duration_seconds";
/// Seconds a workflow or activity took, by kind and outcome.
pub const WORKFLOW_EXECUTION_DURATION: &str = "workflow_execution_duration_seconds";
/// Deals that are active now.
pub const ACTIVE_DEALS: &str = "active_deals_total";
/// Tasks that are overdue now.
pub const OVERDUE_TASKS: &str = "overdue_tasks_total";
/// Outbox rows not yet published.
pub const OUTBOX_PENDING: &str = "outbox_pending";
/// Age in seconds of the oldest outbox row not yet published.
pub const OUTBOX_OLDEST_AGE: &str = "outbox_oldest_age_seconds";
/// Outbox rows that the broker does not take; each holds up its aggregate until somebody mends its cause.
pub const OUTBOX_NOT_TAKEN: &str = "outbox_not_taken";
/// Outbox rows published and confirmed.
pub const OUTBOX_PUBLISHED: &str = "outbox_published_total";
/// Outbox rows that the broker did not take; they are tried again.
pub const OUTBOX_FAILED: &str = "outbox_failed_total";
/// Weeks for which the audit log has its partition made ahead.
pub const AUDIT_WEEKS_AHEAD: &str = "audit_partition_weeks_ahead";
/// Connections that came back inside a transaction and were closed.
pub const UNCLEAN_CONNECTIONS: &str = "db_unclean_connections_total";
/// Messages published, by outcome.
pub const MESSAGES_PUBLISHED: &str = "messages_published_total";
/// Messages consumed, by queue and outcome (done, later, retry, dead).
pub const CONSUMER_MESSAGES: &str = "consumer_messages_total";
/// Seconds the handling of a message took, by queue.
pub const CONSUMER_DURATION: &str = "consumer_duration_seconds";
/// Events that wait for an earlier one of their aggregate, by consumer.
pub const CONSUMER_PARKED: &str = "consumer_parked_total";
/// Mails handed to the mail server, by outcome (sent, failed).
pub const MAILS: &str = "mails_total";
/// Reads of the cache, by outcome (hit, miss, error).
pub const CACHE_READS: &str = "cache_reads_total";
/// Calls of the cache that failed or took too long, by operation.
pub const CACHE_FAILURES: &str = "cache_failures_total";

/// From 1 ms to 30 s: requests, statements, messages.
const SHORT_SECONDS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// From 10 ms to 90 days: activities, timers, whole deals.
const LONG_SECONDS: &[f64] = &[
    0.01,
    0.05,
    0.1,
    0.5,
    1.0,
    5.0,
    30.0,
    60.0,
    600.0,
    3_600.0,
    86_400.0,
    604_800.0,
    2_592_000.0,
    7_776_000.0,
];

/// How often old samples are folded; without it memory grows.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// What spans and metrics call a method that HTTP does not define, as OpenTelemetry has it.
const OTHER_METHOD: &str = "_OTHER";

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

/// Installs the recorder. Needs a Tokio runtime for its upkeep.
pub(super) fn install(service: &'static str) -> anyhow::Result<()> {
    let bucketed = [
        (API_REQUEST_DURATION, SHORT_SECONDS),
        (DB_QUERY_DURATION, SHORT_SECONDS),
        (CONSUMER_DURATION, SHORT_SECONDS),
        (WORKFLOW_EXECUTION_DURATION, LONG_SECONDS),
    ];
    let mut builder = PrometheusBuilder::new().add_global_label("service", service);
    for (name, buckets) in bucketed {
        builder = builder
            .set_buckets_for_metric(Matcher::Full(name.to_owned()), buckets)
            .with_context(|| format!("failed to set the buckets of {name}"))?;
    }
    let handle = builder
        .install_recorder()
        .context("failed to install the metrics recorder")?;
    let upkeep = HANDLE.get_or_init(|| handle).clone();
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
        loop {
            ticks.tick().await;
            upkeep.run_upkeep();
        }
    });
    describe();
    Ok(())
}

/// What spans and metrics call a method: one of a closed set, whatever the client sent.
pub fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => OTHER_METHOD,
    }
}

/// Counts a request that was answered. `route` is the pattern of a route, never a path.
pub fn answered(method: &'static str, route: &str, status: StatusCode, elapsed: Duration) {
    let labels = [
        ("method", method.to_owned()),
        ("route", route.to_owned()),
        ("status", status.as_u16().to_string()),
    ];
    metrics::histogram!(API_REQUEST_DURATION, &labels).record(elapsed);
}

/// The metrics in Prometheus' text format; empty before telemetry is initialised.
pub fn render() -> String {
    HANDLE
        .get()
        .map(PrometheusHandle::render)
        .unwrap_or_default()
}

fn describe() {
    use metrics::{describe_counter, describe_gauge, describe_histogram};
    describe_histogram!(API_REQUEST_DURATION, "Seconds a request took.");
    describe_histogram!(
        DB_QUERY_DURATION,
        "Seconds a transaction or statement took."
    );
    describe_histogram!(
        WORKFLOW_EXECUTION_DURATION,
        "Seconds a workflow or activity took."
    );
    describe_gauge!(ACTIVE_DEALS, "Deals that are active now.");
    describe_gauge!(OVERDUE_TASKS, "Tasks that are overdue now.");
    describe_gauge!(OUTBOX_PENDING, "Outbox rows not yet published.");
    describe_gauge!(
        OUTBOX_NOT_TAKEN,
        "Outbox rows that the broker does not take; each holds up its aggregate."
    );
    describe_gauge!(
        OUTBOX_OLDEST_AGE,
        "Age in seconds of the oldest outbox row not yet published."
    );
    describe_counter!(OUTBOX_PUBLISHED, "Outbox rows published and confirmed.");
    describe_counter!(OUTBOX_FAILED, "Outbox rows that the broker did not take.");
    describe_gauge!(
        AUDIT_WEEKS_AHEAD,
        "Weeks for which the audit log has its partition made ahead."
    );
    describe_counter!(
        UNCLEAN_CONNECTIONS,
        "Connections that came back inside a transaction."
    );
    describe_counter!(
        CONSUMER_PARKED,
        "Events that wait for an earlier one of their aggregate."
    );
    describe_counter!(MAILS, "Mails handed to the mail server, by outcome.");
    describe_counter!(MESSAGES_PUBLISHED, "Messages published, by outcome.");
    describe_counter!(
        CONSUMER_MESSAGES,
        "Messages consumed, by queue and outcome."
    );
    describe_histogram!(CONSUMER_DURATION, "Seconds the handling of a message took.");
    describe_counter!(CACHE_READS, "Reads of the cache, by outcome.");
    describe_counter!(
        CACHE_FAILURES,
        "Calls of the cache that failed or took too long."
    );
}
