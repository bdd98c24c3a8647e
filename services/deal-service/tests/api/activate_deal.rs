//! `POST /api/deals/:id/activate`: work begins once every required date is known.

use serde_json::json;
use testkit::buyer_purchase;

use crate::support::{
    Deals, Office, days_from_today, refuses_field, refuses_permission, text, without,
};

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
