//! `GET /api/deals/:id/buyer-timeline`: the deal in the buyer's words.

use serde_json::{Value, json};
use testkit::eventually;

use crate::support::{Deals, FIRST_MILESTONE, Office, days_from_today, random_id};

#[tokio::test]
async fn milestones_have_the_buyers_titles_and_follow_the_work() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let path = format!("/api/deals/{}/buyer-timeline", deal.id);
    let timeline = eventually("the plan is in the timeline", async || {
        let answer = office.buyer.api.get(&path).await;
        // Events of milestones and tasks come one by one, in no promised order.
        let is_whole = answer.expect(200)["milestones"][0]["state"] == "CURRENT"
            && answer.json["milestones"][7]["state"] == "UPCOMING"
            && answer.text.contains("wire-fraud notice");
        is_whole.then_some(answer)
    })
    .await;
    let milestones = timeline.json["milestones"].as_array().unwrap();
    assert_eq!(milestones.len(), 8);
    assert_eq!(milestones[0]["title"], "Offer accepted");
    for internal in [
        "File opened",
        "Opening compliance review",
        "525000",
        "financing_type",
    ] {
        assert!(!timeline.text.contains(internal), "it shows {internal}");
    }

    for key in FIRST_MILESTONE {
        office.coordinator.complete(&deal.id, key).await;
    }
    eventually("the first milestone is done", async || {
        let answer = office.buyer.api.get(&path).await;
        (answer.expect(200)["milestones"][0]["state"] == "DONE").then_some(())
    })
    .await;
}

/// What the timeline says of the one step that the buyer has.
fn told(timeline: &Value) -> Value {
    let step = &timeline["tasks"][0];
    json!([
        timeline["headline"]["state"],
        timeline["nextStep"]["state"],
        step["state"],
        step["text"]
    ])
}

#[tokio::test]
async fn only_a_running_deal_asks_the_buyer_for_anything() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let due = days_from_today(9);
    let step = office
        .agent
        .add_task(
            &deal,
            json!({"assigneeId": office.buyer.id, "dueDate": due}),
        )
        .await;
    let path = format!("/api/deals/{}/buyer-timeline", deal.id);
    let timeline = async || office.buyer.api.get(&path).await.expect(200).clone();
    let running = eventually("the step is shown", async || {
        let timeline = timeline().await;
        (timeline["tasks"][0]["taskId"] == step).then_some(timeline)
    })
    .await;
    assert_eq!(running["nextStep"]["state"], "TO_DO");
    assert!(running.to_string().contains("Please do this by "));

    let coordinator = &office.coordinator;
    coordinator.step(&deal, "hold", json!({})).await.expect(200);
    assert_eq!(
        told(&timeline().await),
        json!(["PAUSED", null, "LATER", "Nothing to do for now."])
    );
    coordinator
        .step(&deal, "resume", json!({}))
        .await
        .expect(200);
    assert_eq!(told(&timeline().await), told(&running));

    coordinator
        .step(&deal, "close", json!({"force": true}))
        .await
        .expect(200);
    assert_eq!(
        told(&timeline().await),
        json!(["CLOSED", null, null, null]),
        "an open step of a deal that is over is not to be done"
    );
    let reopened = office.admin().step(&deal, "reopen", json!({})).await;
    reopened.expect(200);
    coordinator
        .api
        .post(&format!("/api/tasks/{step}/complete"), &json!({}))
        .await
        .expect(200);
    coordinator
        .step(&deal, "cancel", json!({"reason": "the seller left"}))
        .await
        .expect(200);
    let cancelled = eventually("the step is done", async || {
        let timeline = timeline().await;
        (timeline["tasks"][0]["state"] == "DONE").then_some(timeline)
    })
    .await;
    assert_eq!(
        (&cancelled["headline"]["state"], &cancelled["nextStep"]),
        (&json!("CANCELLED"), &Value::Null)
    );
}

#[tokio::test]
async fn the_milestones_and_dates_of_a_cancelled_deal_are_no_longer_ahead() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let path = format!("/api/deals/{}/buyer-timeline", deal.id);
    eventually("plan and dates are in the timeline", async || {
        let answer = office.buyer.api.get(&path).await;
        let timeline = answer.expect(200);
        (timeline["milestones"][0]["state"] == "CURRENT"
            && timeline["milestones"][7]["state"] == "UPCOMING"
            && timeline["dates"][0].is_object())
        .then_some(())
    })
    .await;
    let agent = &office.agent;
    agent.step(&deal, "hold", json!({})).await.expect(200);
    let held = office.buyer.api.get(&path).await;
    assert_eq!(
        (
            &held.json["milestones"][0]["state"],
            &held.json["milestones"][0]["text"]
        ),
        (&json!("CURRENT"), &json!("Paused for the moment."))
    );
    let cancel = json!({"reason": "the buyer left"});
    agent.step(&deal, "cancel", cancel).await.expect(200);
    let cancelled = office.buyer.api.get(&path).await;
    for milestone in cancelled.expect(200)["milestones"].as_array().unwrap() {
        assert_eq!(
            (&milestone["state"], &milestone["text"]),
            (&json!("UPCOMING"), &json!("No longer needed."))
        );
    }
    for date in cancelled.json["dates"].as_array().unwrap() {
        assert_eq!(date["text"], "Not needed.", "{date}");
    }
    assert_eq!(cancelled.json["tasks"], json!([]));
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
