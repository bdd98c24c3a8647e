//! The promised metrics are on the admin ports, with what dashboards need.

use serde_json::json;
use testkit::{Metrics, Organization, buyer_purchase, eventually};

/// A histogram that Prometheus can use: buckets up to infinity, a sum and a count.
fn is_histogram(metrics: &Metrics, name: &str, labels: &[&str]) -> bool {
    let with = |more: &'static str| [labels, &[more]].concat();
    let count = metrics.total(&format!("{name}_count"), labels);
    let bounded = metrics.samples(&format!("{name}_bucket"), &with("le=\"0.5\""));
    let all = metrics.total(&format!("{name}_bucket"), &with("le=\"+Inf\""));
    let sum = metrics.total(&format!("{name}_sum"), labels);
    count > 0.0 && sum > 0.0 && !bounded.is_empty() && (all - count).abs() < 0.5
}

#[tokio::test]
async fn a_small_deal_leaves_every_promised_metric() {
    let organization = Organization::new().await;
    let agent = organization.agent().await;
    let deal = agent.create_planned_deal(&buyer_purchase(&json!([]))).await;
    agent.complete(&deal.id, "verify_executed_contract").await;
    let path = format!("/api/deals/{}", deal.id);
    agent.api.get(&path).await.expect(200);
    let workflow = agent.api.get(&format!("{path}/workflow")).await;
    workflow.expect(200);

    let requests = "api_request_duration_seconds";
    let statements = "db_query_duration_seconds";
    let executions = "workflow_execution_duration_seconds";
    let cases = [
        ("gateway", requests, "route=\"/api/deals\""),
        ("user-service", requests, "route=\"/api/auth/signup\""),
        ("user-service", statements, "service=\"user-service\""),
        ("deal-service", requests, "route=\"/api/deals\""),
        ("deal-service", statements, "service=\"deal-service\""),
        (
            "task-service",
            requests,
            "route=\"/api/tasks/{id}/complete\"",
        ),
        ("task-service", statements, "service=\"task-service\""),
        (
            "workflow-worker",
            requests,
            "route=\"/api/deals/{id}/workflow\"",
        ),
        (
            "workflow-worker",
            executions,
            "name=\"apply_deal_template\"",
        ),
    ];
    for (service, name, label) in cases {
        // A request is counted after it was answered.
        eventually(&format!("{service} shows {name} of {label}"), async || {
            is_histogram(&Metrics::of(service).await, name, &[label]).then_some(())
        })
        .await;
    }
    eventually("the active deal is counted", async || {
        let metrics = Metrics::of("deal-service").await;
        let is_there = !metrics.samples("overdue_tasks_total", &[]).is_empty();
        (metrics.total("active_deals_total", &[]) >= 1.0 && is_there).then_some(())
    })
    .await;

    let cancelled = agent
        .api
        .post(
            &format!("{path}/cancel"),
            &json!({"reason": "the buyer withdrew"}),
        )
        .await;
    cancelled.expect(200);
    eventually("the workflow that ended is counted", async || {
        let metrics = Metrics::of("workflow-worker").await;
        let ended = ["kind=\"workflow\"", "name=\"DealLifecycle\""];
        is_histogram(&metrics, executions, &ended).then_some(())
    })
    .await;
}
