//! What people are told of a deal, from the command to their list.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on should say why"
)]

use serde_json::{Value, json};
use testkit::{Organization, User, buyer_purchase, eventually};

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// The tasks of a deal's first milestone.
async fn first_milestone(user: &User, deal_id: &str) -> Vec<Value> {
    let plan = user.planned(deal_id).await;
    plan["milestones"][0]["tasks"]
        .as_array()
        .expect("tasks")
        .clone()
}

/// Completes what can be completed until the first milestone is done, and answers the last task's id.
async fn reach_first_milestone(user: &User, deal_id: &str) -> String {
    let mut last = None;
    loop {
        let tasks = first_milestone(user, deal_id).await;
        let next = tasks
            .iter()
            .find(|task| task["status"] == "PENDING" || task["status"] == "IN_PROGRESS");
        let Some(task) = next else {
            assert!(
                tasks.iter().all(|task| task["status"] == "COMPLETED"),
                "{tasks:?}"
            );
            return last.expect("the milestone had open tasks");
        };
        let id = text(&task["id"]).to_owned();
        let completed = user
            .api
            .post(&format!("/api/tasks/{id}/complete"), &json!({}))
            .await;
        completed.expect(200);
        last = Some(id);
    }
}

/// Waits until the user has been told so often that a milestone of the deal was reached; newest first.
async fn told(user: &User, deal_id: &str, times: usize) -> Vec<Value> {
    eventually("the milestone is told of", async || {
        let list = user.api.get("/api/notifications?limit=100").await;
        let items = list.expect(200)["items"].as_array().expect("items").clone();
        let told: Vec<Value> = items
            .into_iter()
            .filter(|item| item["kind"] == "MILESTONE_REACHED" && item["dealId"] == deal_id)
            .collect();
        (told.len() >= times).then_some(told)
    })
    .await
}

#[tokio::test]
async fn a_milestone_reached_again_is_told_of_again_under_the_deals_present_name() {
    let organization = Organization::new().await;
    let (agent, coordinator) = (organization.agent().await, organization.coordinator().await);
    let parties = json!([
        {"role": "transaction_coordinator", "name": "The Coordinator", "userId": coordinator.id},
    ]);
    let body = buyer_purchase(&parties);
    let deal = agent.create_planned_deal(&body).await;
    let last = reach_first_milestone(&coordinator, &deal.id).await;
    let first = told(&coordinator, &deal.id, 1).await;
    assert!(
        text(&first[0]["body"]).contains(text(&body["name"])),
        "{first:?}"
    );

    let reopened = coordinator
        .api
        .post(
            &format!("/api/tasks/{last}/reopen"),
            &json!({"reason": "a page is missing"}),
        )
        .await;
    reopened.expect(200);
    let path = format!("/api/deals/{}", deal.id);
    let shown = coordinator.api.get(&path).await;
    let renamed = json!({"name": "14 Harbour Lane", "version": shown.expect(200)["version"]});
    coordinator.api.patch(&path, &renamed).await.expect(200);
    reach_first_milestone(&coordinator, &deal.id).await;
    let again = told(&coordinator, &deal.id, 2).await;
    assert_eq!(again.len(), 2, "{again:?}");
    assert!(
        text(&again[0]["body"]).contains("14 Harbour Lane"),
        "{again:?}"
    );
}
