//! `POST /api/deals/:id/close`: once every required task is done, or by force.

use serde_json::json;

use crate::support::{Deals, Office, post_once, refuses_permission};

#[tokio::test]
async fn open_required_tasks_forbid_closing() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let first = office.agent.add_task(&deal, json!({})).await;
    let second = office
        .agent
        .add_task(&deal, json!({"dependsOn": [first]}))
        .await;
    let refused = office.agent.step(&deal, "close", json!({})).await;
    assert_eq!(refused.refuses(409, "DEAL_TASKS_OPEN")["open"], 2);
    office
        .agent
        .api
        .post(&format!("/api/tasks/{first}/complete"), &json!({}))
        .await
        .expect(200);
    assert_eq!(
        office
            .agent
            .step(&deal, "close", json!({}))
            .await
            .refuses(409, "DEAL_TASKS_OPEN")["open"],
        1
    );
    office
        .coordinator
        .api
        .post(
            &format!("/api/tasks/{second}/waive"),
            &json!({"reason": "not needed"}),
        )
        .await
        .expect(200);
    let closed = office.agent.step(&deal, "close", json!({})).await;
    assert_eq!(closed.expect(200)["status"], "CLOSED");
    assert_eq!(
        office.history(&deal.id).await.last().map(String::as_str),
        Some("deals.deal.closed")
    );
    office.holds().await;
}

#[tokio::test]
async fn who_manages_tasks_closes_by_force() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    office
        .agent
        .step(&deal, "close", json!({}))
        .await
        .refuses(409, "DEAL_TASKS_OPEN");
    refuses_permission(
        &office
            .agent
            .step(&deal, "close", json!({"force": true}))
            .await,
        "manage_tasks",
    );
    office
        .coordinator
        .step(&deal, "close", json!({"force": false}))
        .await
        .refuses(409, "DEAL_TASKS_OPEN");
    let closed = office
        .coordinator
        .step(&deal, "close", json!({"force": true}))
        .await;
    assert_eq!(closed.expect(200)["status"], "CLOSED");
}

#[tokio::test]
async fn a_closing_with_a_key_happens_once_and_a_refusal_is_kept() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let path = format!("/api/deals/{}/close", deal.id);
    let first = post_once(&office.agent, &path, "close-it", &json!({})).await;
    first.expect(200);
    let again = post_once(&office.agent, &path, "close-it", &json!({})).await;
    assert_eq!(again.expect(200), &first.json);
    assert_eq!(again.header("idempotent-replayed"), "true");
    post_once(&office.agent, &path, "another", &json!({}))
        .await
        .refuses(409, "DEAL_STATUS_CONFLICT");
    let kept = post_once(&office.agent, &path, "another", &json!({})).await;
    kept.refuses(409, "DEAL_STATUS_CONFLICT");
    assert_eq!(kept.header("idempotent-replayed"), "true");
    post_once(&office.agent, &path, "close-it", &json!({"force": false}))
        .await
        .refuses(422, "IDEMPOTENCY_MISMATCH");
}

#[tokio::test]
async fn a_task_added_while_its_deal_closes_is_in_or_out() {
    let office = Office::new().await;
    for _ in 0..20 {
        let deal = office.deal().await;
        let body = json!({"dealId": deal.id, "title": "At the last moment"});
        let (closed, added) = tokio::join!(
            office.coordinator.step(&deal, "close", json!({})),
            office.agent.api.post("/api/tasks", &body)
        );
        if added.status == 201 {
            closed.refuses(409, "DEAL_TASKS_OPEN");
        } else {
            added.refuses(409, "DEAL_NOT_ACTIVE");
            closed.expect(200);
        }
    }
    office.holds().await;
}
