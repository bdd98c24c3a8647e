//! One trace runs through everything a request leads to, as a real OTLP receiver sees it.

use std::collections::{BTreeSet, HashMap};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Organization, buyer_purchase, eventually, stack};
use uuid::Uuid;

/// Spans of one trace by their id, as the receiver wrote them.
fn spans_of(trace_id: &str) -> HashMap<String, Value> {
    let log = std::fs::read_to_string(&stack().otlp_log).unwrap_or_default();
    log.lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|span| span["traceId"] == trace_id)
        .filter_map(|span| Some((span["spanId"].as_str()?.to_owned(), span)))
        .collect()
}

/// The services on the way from a span up to the trace's first one.
fn services_above(span: &Value, spans: &HashMap<String, Value>) -> Vec<String> {
    let mut way = Vec::new();
    let mut next = Some(span);
    while let Some(span) = next {
        let service = span["service"].as_str().unwrap_or_default().to_owned();
        if way.last() != Some(&service) {
            way.push(service);
        }
        next = span["parentSpanId"]
            .as_str()
            .and_then(|parent| spans.get(parent));
    }
    way.reverse();
    way
}

#[tokio::test]
async fn a_trace_runs_from_the_gateway_through_broker_and_workflow_into_another_service() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    let trace_id = Uuid::new_v4().simple().to_string();
    let traceparent = format!("00-{trace_id}-00f067aa0ba902b7-01");
    let body = buyer_purchase(&json!([]));
    let created = agent
        .api
        .send(
            Method::POST,
            "/api/deals",
            &[("traceparent", &traceparent)],
            Some(&body),
        )
        .await;
    let deal_id = created.expect(201)["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    agent.planned(&deal_id).await;
    // A workflow's span is sent when the workflow ends.
    let cancel = format!("/api/deals/{deal_id}/cancel");
    let cancelled = agent
        .api
        .post(&cancel, &json!({"reason": "the trace is complete"}))
        .await;
    cancelled.expect(200);

    let expected = ["gateway", "deal-service", "workflow-worker", "task-service"];
    eventually(
        "a span of task-service hangs on the worker's, which hangs on deal-service's",
        async || {
            let spans = spans_of(&trace_id);
            spans
                .values()
                .filter(|span| span["service"] == "task-service")
                .any(|span| services_above(span, &spans) == expected)
                .then_some(())
        },
    )
    .await;
}

#[tokio::test]
async fn consumers_of_an_event_are_in_the_trace_of_the_request_that_caused_it() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    let deal = agent
        .create_planned_deal(&buyer_purchase(
            &json!([{"role": "buyer_agent", "name": "A", "userId": agent.id}]),
        ))
        .await;
    let task = organization
        .admin
        .task(&deal.id, "verify_executed_contract")
        .await;
    let trace_id = Uuid::new_v4().simple().to_string();
    let traceparent = format!("00-{trace_id}-00f067aa0ba902b7-01");
    let path = format!(
        "/api/tasks/{}/complete",
        task["id"].as_str().expect("an id")
    );
    organization
        .admin
        .api
        .send(
            Method::POST,
            &path,
            &[("traceparent", &traceparent)],
            Some(&json!({})),
        )
        .await
        .expect(200);
    eventually("read models and workflow are in the trace", async || {
        let spans = spans_of(&trace_id);
        let services: BTreeSet<&str> = spans
            .values()
            .filter_map(|span| span["service"].as_str())
            .collect();
        ["gateway", "task-service", "deal-service", "workflow-worker"]
            .iter()
            .all(|service| services.contains(service))
            .then_some(())
    })
    .await;
}
