//! `POST /api/deals/:id/activate`: work begins once every required date is known.

use serde_json::{Value, json};
use testkit::{Deal, User, buyer_purchase};

use crate::support::{
    Deals, Office, all_items, days_from_today, plain_deal, refuses_field, refuses_permission, text,
    without,
};

/// Moves key dates at their present version.
async fn set_dates(user: &User, deal: &Deal, dates: Value) {
    let path = format!("/api/deals/{}/key-dates", deal.id);
    let present = user.api.get(&path).await;
    let version = present.expect(200)["version"].clone();
    let body = json!({"keyDates": dates, "reason": "signed", "version": version});
    user.api.put(&path, &body).await.expect(200);
}

/// Publishes a version of a template of its own, made from the shipped refinance by `change`.
async fn publish(user: &User, change: impl Fn(String) -> String) {
    let shipped = all_items(user, "/api/templates?limit=100").await;
    let shipped = shipped
        .iter()
        .find(|template| template["key"] == "us_refinance")
        .unwrap();
    let path = format!("/api/templates/{}", text(&shipped["id"]));
    let source = text(&user.api.get(&path).await.expect(200)["source"]);
    let source = change(source.replace("key: us_refinance\n", "key: our_refinance\n"));
    let draft = user
        .api
        .post("/api/templates", &json!({"source": source}))
        .await;
    let publish = format!("/api/templates/{}/publish", text(&draft.expect(201)["id"]));
    user.api.post(&publish, &json!({})).await.expect(200);
}

#[tokio::test]
async fn a_date_that_was_taken_away_before_activation_is_missing() {
    let office = Office::new().await;
    let body = without(buyer_purchase(&office.parties()), "/keyDates/closing_date");
    let deal = office.agent.create_deal(&body).await;
    let dates = json!({"closing_date": days_from_today(50), "effective_date": null});
    set_dates(&office.agent, &deal, dates).await;
    let refused = office.agent.step(&deal, "activate", json!({})).await;
    refuses_field(&refused, "keyDates.effective_date", "required");
    let dates = json!({"effective_date": days_from_today(0)});
    set_dates(&office.agent, &deal, dates).await;
    let activated = office.agent.step(&deal, "activate", json!({})).await;
    assert_eq!(activated.expect(200)["status"], "ACTIVE");
}

#[tokio::test]
async fn a_draft_is_judged_by_the_template_version_that_it_was_made_from() {
    let office = Office::new().await;
    publish(&office.coordinator, |source| source).await;
    let mut body = plain_deal();
    body["dealType"] = json!("REFINANCE");
    body["templateKey"] = json!("our_refinance");
    body["facts"] = json!({"financing_type": "conventional"});
    let deal = office.agent.create_deal(&body).await;
    assert_eq!(deal.json["status"], "DRAFT");
    publish(&office.coordinator, |source| {
        source.replace(
            "anchors:\n",
            "anchors:\n  - {key: board_approval, title: Approval of the board, required: true}\n",
        )
    })
    .await;
    let refused = office.agent.step(&deal, "activate", json!({})).await;
    let errors = refused.refuses(400, "VALIDATION_001").to_string();
    assert!(errors.contains("keyDates.application_date"), "{errors}");
    assert!(!errors.contains("board_approval"), "{errors}");
    let dates =
        json!({"application_date": days_from_today(0), "signing_date": days_from_today(40)});
    set_dates(&office.agent, &deal, dates).await;
    let activated = office.agent.step(&deal, "activate", json!({})).await;
    assert_eq!(activated.expect(200)["status"], "ACTIVE");
}

#[tokio::test]
async fn a_draft_without_a_template_is_activated_by_hand() {
    let office = Office::new().await;
    let deal = office.draft().await;
    let answer = office.agent.step(&deal, "activate", json!({})).await;
    assert_eq!(
        (&answer.expect(200)["status"], &answer.json["version"]),
        (&json!("ACTIVE"), &json!(2))
    );
    assert_eq!(answer.header("etag"), "\"2\"");
    assert_eq!(
        office.history(&deal.id).await,
        ["deals.deal.created", "deals.deal.activated"]
    );
    let again = office.agent.step(&deal, "activate", json!({})).await;
    assert_eq!(
        again.refuses(409, "DEAL_STATUS_CONFLICT")["status"],
        "ACTIVE"
    );
}

#[tokio::test]
async fn a_missing_date_is_named_until_it_is_there() {
    let office = Office::new().await;
    let body = without(buyer_purchase(&office.parties()), "/keyDates/closing_date");
    let deal = office.agent.create_deal(&body).await;
    let refused = office.agent.step(&deal, "activate", json!({})).await;
    refuses_field(&refused, "keyDates.closing_date", "required");
    assert_eq!(office.agent.read_deal(&deal.id).await["status"], "DRAFT");

    let path = format!("/api/deals/{}/key-dates", deal.id);
    let dates = office.agent.api.get(&path).await;
    let version = dates.expect(200)["version"].clone();
    let closing = days_from_today(50);
    let set =
        json!({"keyDates": {"closing_date": closing}, "reason": "signed", "version": version});
    office.agent.api.put(&path, &set).await.expect(200);
    office
        .agent
        .step(&deal, "activate", json!({}))
        .await
        .expect(200);
    let plan = office.agent.planned(&deal.id).await;
    assert_eq!(plan["milestones"].as_array().map(Vec::len), Some(8));
    assert_eq!(
        office.agent.read_deal(&deal.id).await["closingDate"],
        json!(closing)
    );
    office.holds().await;
}

#[tokio::test]
async fn a_coordinator_activates_a_draft_of_somebody_else_once_its_dates_are_there() {
    let office = Office::new().await;
    let body = without(buyer_purchase(&office.parties()), "/keyDates/closing_date");
    let deal = office.agent.create_deal(&body).await;
    let refused = office.coordinator.step(&deal, "activate", json!({})).await;
    refuses_field(&refused, "keyDates.closing_date", "required");
    let early = office
        .coordinator
        .api
        .get(&format!("/api/deals/{}/plan", deal.id))
        .await;
    assert_eq!(early.expect(200)["planState"], "PENDING");

    let path = format!("/api/deals/{}/key-dates", deal.id);
    let dates = office.coordinator.api.get(&path).await;
    let version = dates.expect(200)["version"].clone();
    let set = json!({"keyDates": {"closing_date": days_from_today(50)}, "reason": "signed", "version": version});
    office.coordinator.api.put(&path, &set).await.expect(200);
    let activated = office.coordinator.step(&deal, "activate", json!({})).await;
    assert_eq!(activated.expect(200)["status"], "ACTIVE");
    let plan = office.coordinator.planned(&deal.id).await;
    assert_eq!(plan["milestones"].as_array().map(Vec::len), Some(8));
    office.holds().await;
}

#[tokio::test]
async fn every_missing_date_is_named() {
    let office = Office::new().await;
    let mut body = buyer_purchase(&office.parties());
    body["keyDates"] = json!({});
    let deal = office.agent.create_deal(&body).await;
    let refused = office.agent.step(&deal, "activate", json!({})).await;
    let errors = refused.refuses(400, "VALIDATION_001")["errors"]
        .as_array()
        .unwrap()
        .clone();
    let mut fields: Vec<String> = errors.iter().map(|error| text(&error["field"])).collect();
    fields.sort();
    assert_eq!(fields, ["keyDates.closing_date", "keyDates.effective_date"]);
}

#[tokio::test]
async fn it_takes_being_its_creator_or_manage_tasks() {
    let office = Office::new().await;
    let deal = office.draft().await;
    refuses_permission(
        &office.buyer.step(&deal, "activate", json!({})).await,
        "manage_tasks",
    );
    office
        .organization
        .agent()
        .await
        .step(&deal, "activate", json!({}))
        .await
        .refuses(404, "NOT_FOUND");
    office
        .coordinator
        .step(&deal, "activate", json!({}))
        .await
        .expect(200);
}
