//! `GET /api/deals/:id/buyer-timeline`: the deal in the buyer's words.

use serde_json::{Value, json};
use testkit::eventually;

use crate::support::{Office, random_id};

#[tokio::test]
async fn milestones_have_the_buyers_titles_and_follow_the_work() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let path = format!("/api/deals/{}/buyer-timeline", deal.id);
    let timeline = eventually("the plan is in the timeline", async || {
        let answer = office.buyer.api.get(&path).await;
        // A milestone is told before its tasks are; the last one's tasks come last.
        (answer.expect(200)["milestones"][7]["state"] == "UPCOMING").then_some(answer)
    })
    .await;
    let milestones = timeline.json["milestones"].as_array().unwrap();
    assert_eq!(
        (&milestones[0]["title"], &milestones[0]["state"]),
        (&json!("Offer accepted"), &json!("CURRENT"))
    );
    assert_eq!(milestones[7]["state"], "UPCOMING");
    assert!(
        timeline.text.contains("wire-fraud notice"),
        "the buyer's own tasks are there"
    );
    for internal in [
        "File opened",
        "Opening compliance review",
        "525000",
        "financing_type",
    ] {
        assert!(!timeline.text.contains(internal), "it tells {internal}");
    }

    for key in [
        "verify_executed_contract",
        "confirm_effective_date",
        "enter_key_dates",
        "send_intro_package",
        "buyer_kickoff_call",
        "wire_fraud_ack",
        "broker_opening_review",
    ] {
        office.coordinator.complete(&deal.id, key).await;
    }
    eventually("the first milestone is done", async || {
        let answer = office.buyer.api.get(&path).await;
        (answer.expect(200)["milestones"][0]["state"] == "DONE").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_deal_without_a_plan_has_an_empty_timeline() {
    let office = Office::new().await;
    let deal = office.draft().await;
    let answer = office
        .buyer
        .api
        .get(&format!("/api/deals/{}/buyer-timeline", deal.id))
        .await;
    assert_eq!(answer.expect(200)["milestones"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn only_who_sees_the_deal_sees_its_timeline() {
    let office = Office::new().await;
    let deal = office.draft().await;
    let path = format!("/api/deals/{}/buyer-timeline", deal.id);
    office.agent.api.get(&path).await.expect(200);
    office
        .organization
        .buyer()
        .await
        .api
        .get(&path)
        .await
        .refuses(404, "NOT_FOUND");
    office
        .buyer
        .api
        .get(&format!("/api/deals/{}/buyer-timeline", random_id()))
        .await
        .refuses(404, "NOT_FOUND");
}
