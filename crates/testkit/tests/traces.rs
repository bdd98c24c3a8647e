//! One trace runs through everything a request leads to, as a real OTLP receiver sees it.

use std::collections::{BTreeSet, HashMap};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, Instance, Organization, buyer_purchase, eventually, stack, text};
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
    eventually("calls and statements have spans of their own", async || {
        let spans = spans_of(&trace_id);
        let parent_of = |span: &Value| spans.get(span["parentSpanId"].as_str()?);
        let of_task_service = || {
            spans
                .values()
                .filter(|span| span["service"] == "task-service")
        };
        let called = of_task_service().filter_map(parent_of).any(|parent| {
            parent["name"] == "POST task-service" && parent["service"] == "workflow-worker"
        });
        let stored = of_task_service()
            .filter(|span| {
                parent_of(span).is_some_and(|parent| parent["service"] == "task-service")
            })
            .filter_map(|span| span["sql"].as_str())
            .any(|sql| sql.starts_with("INSERT INTO tasks"));
        (called && stored).then_some(())
    })
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

#[tokio::test]
async fn what_somebody_without_a_session_causes_is_in_the_trace_of_their_request() {
    let admin = Organization::new().await.admin;
    let trace_id = Uuid::new_v4().simple().to_string();
    let traceparent = format!("00-{trace_id}-00f067aa0ba902b7-01");
    admin
        .api
        .send(
            Method::POST,
            "/api/auth/password/forgot",
            &[("traceparent", &traceparent)],
            Some(&json!({"email": admin.email})),
        )
        .await
        .expect(202);
    eventually("the mail's workflow is in the trace", async || {
        let spans = spans_of(&trace_id);
        let is_there = |service: &str| spans.values().any(|span| span["service"] == service);
        ["gateway", "user-service", "workflow-worker"]
            .into_iter()
            .all(is_there)
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn every_service_sends_its_last_spans_before_it_ends() {
    for service in [
        "gateway",
        "user-service",
        "deal-service",
        "task-service",
        "workflow-worker",
    ] {
        let instance = Instance::start(service).await;
        let trace_id = Uuid::new_v4().simple().to_string();
        let traceparent = format!("00-{trace_id}-00f067aa0ba902b7-01");
        let headers = [("traceparent", &*traceparent)];
        Client::new(&instance.url)
            .send(Method::GET, "/api/nothing", &headers, None)
            .await
            .refuses(404, "NOT_FOUND");
        // Spans are sent every five seconds; the process is gone by then.
        instance.terminate().await;
        eventually("the request's span has been received", async || {
            let spans = spans_of(&trace_id);
            let of_service = |span: &Value| span["service"] == service;
            spans.values().any(of_service).then_some(())
        })
        .await;
    }
}

/// How many statements task-service ran to complete a task that sets `dependents` others free.
async fn statements_to_complete(dependents: usize) -> u64 {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    let deal = agent
        .create_deal(&json!({
            "propertyAddress": {"street": "9 Quay Street", "city": "Portland", "stateOrProvince": "ME", "postalCode": "04101"},
            "dealType": "PURCHASE",
        }))
        .await;
    let activate = format!("/api/deals/{}/activate", deal.id);
    agent.api.post(&activate, &json!({})).await.expect(200);
    let add = async |fields: Value| {
        let answer = agent.api.post("/api/tasks", &fields).await;
        answer.expect(201)["id"].clone()
    };
    let first = add(json!({"dealId": deal.id, "title": "First"})).await;
    for place in 0..dependents {
        let title = format!("Dependent {place}");
        add(json!({"dealId": deal.id, "title": title, "dependsOn": [first]})).await;
    }

    let trace_id = Uuid::new_v4().simple().to_string();
    let headers = [
        (
            "traceparent",
            &*format!("00-{trace_id}-00f067aa0ba902b7-01"),
        ),
        ("Idempotency-Key", &*Uuid::new_v4().to_string()),
    ];
    let complete = format!("/api/tasks/{}/complete", text(&first));
    let answer = agent
        .api
        .send(Method::POST, &complete, &headers, Some(&json!({})))
        .await;
    let unlocked = answer.expect(200)["unlocked"].as_array().map(Vec::len);
    assert_eq!(unlocked, Some(dependents));
    eventually("task-service's span has its statements", async || {
        spans_of(&trace_id)
            .values()
            .filter(|span| span["service"] == "task-service")
            .find_map(|span| span["statements"].as_u64())
    })
    .await
}

#[tokio::test]
async fn a_completion_takes_at_most_eight_statements_however_many_tasks_it_sets_free() {
    let alone = statements_to_complete(0).await;
    let one = statements_to_complete(1).await;
    let twelve = statements_to_complete(12).await;
    println!("statements to complete a task: {alone} alone, {one} with dependents");
    assert_eq!(one, twelve);
    assert!((1..=8).contains(&one), "{one} statements");
    assert!(
        alone <= one,
        "{alone} statements alone, {one} with dependents"
    );
}
