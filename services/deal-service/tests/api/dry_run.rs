//! `POST /api/deals?dryRun=true`: the whole plan with its dates, and nothing written.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use testkit::buyer_purchase;

use crate::support::{
    Office, plain_deal, post_once, refuses_field, refuses_permission, text, with, without,
};

/// By key, what is shown of each task that a dry run can know.
fn tasks(plan: &Value) -> BTreeMap<String, Value> {
    let milestones = plan["milestones"].as_array().unwrap();
    let tasks = milestones
        .iter()
        .flat_map(|milestone| milestone["tasks"].as_array().unwrap());
    tasks
        .map(|task| {
            let shown = ["status", "ownerRole", "assigneeId", "dueDate", "projected"]
                .map(|name| task[name].clone());
            (text(&task["key"]), Value::from(shown.to_vec()))
        })
        .collect()
}

#[tokio::test]
async fn it_shows_the_deal_its_dates_its_plan_and_what_the_facts_drop() {
    let office = Office::new().await;
    let body = buyer_purchase(&office.parties());
    let answer = office.agent.api.post("/api/deals?dryRun=true", &body).await;
    let shown = answer.expect(200);
    assert_eq!(
        (&shown["deal"]["status"], &shown["deal"]["name"]),
        (&json!("ACTIVE"), &body["name"])
    );
    let dates: BTreeMap<String, Value> = shown["keyDates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|date| (text(&date["key"]), date["date"].clone()))
        .collect();
    assert_eq!(dates["closing_date"], body["keyDates"]["closing_date"]);
    assert!(dates["inspection_deadline"].is_string());
    let dropped: Vec<String> = shown["dropped"]
        .as_array()
        .unwrap()
        .iter()
        .map(text)
        .collect();
    for key in [
        "hoa_docs_ordered",
        "lead_paint_disclosure",
        "proof_of_funds",
    ] {
        assert!(
            dropped.contains(&key.to_owned()),
            "{key} is not in {dropped:?}"
        );
    }
    assert!(shown["violations"].as_array().is_some());

    let deal = office.agent.create_planned_deal(&body).await;
    assert_eq!(
        tasks(shown),
        tasks(&office.agent.planned(&deal.id).await),
        "the plan is not what the dry run showed"
    );
    assert!(
        shown["milestones"].to_string().contains(&office.buyer.id),
        "no task is the buyer's"
    );
}

#[tokio::test]
async fn it_writes_and_records_nothing() {
    let office = Office::new().await;
    let body = buyer_purchase(&office.parties());
    for name in ["One", "Two"] {
        let answer = post_once(
            &office.agent,
            "/api/deals?dryRun=true",
            "dry",
            &with(body.clone(), "/name", json!(name)),
        )
        .await;
        assert_eq!(answer.expect(200)["deal"]["name"], name);
        assert_eq!(answer.header("idempotent-replayed"), "");
    }
    assert_eq!(
        office.agent.api.get("/api/deals").await.expect(200)["items"],
        json!([])
    );
    let audit = office
        .admin()
        .api
        .get("/api/audit?type=deals.deal.created")
        .await;
    assert_eq!(audit.expect(200)["items"], json!([]));
}

#[tokio::test]
async fn a_missing_date_shows_a_draft_and_a_bad_one_a_violation() {
    let office = Office::new().await;
    let body = buyer_purchase(&office.parties());
    let draft = office
        .agent
        .api
        .post(
            "/api/deals?dryRun=true",
            &without(body.clone(), "/keyDates/closing_date"),
        )
        .await;
    assert_eq!(draft.expect(200)["deal"]["status"], "DRAFT");
    let same_day = with(
        body.clone(),
        "/keyDates/closing_date",
        body["keyDates"]["effective_date"].clone(),
    );
    let answer = office
        .agent
        .api
        .post("/api/deals?dryRun=true", &same_day)
        .await;
    let violations = answer.expect(200)["violations"].as_array().unwrap();
    let broken = violations
        .iter()
        .find(|violation| violation["key"] == "closing_after_effective")
        .unwrap();
    assert_eq!(broken["severity"], "ERROR");
    assert_eq!(
        office
            .agent
            .api
            .post("/api/deals", &same_day)
            .await
            .expect(201)["status"],
        "ACTIVE",
        "it never refuses a contract's date"
    );
}

#[tokio::test]
async fn a_deal_without_a_template_has_nothing_to_plan() {
    let office = Office::new().await;
    let answer = office
        .agent
        .api
        .post("/api/deals?dryRun=true", &plain_deal())
        .await;
    assert_eq!(answer.expect(200)["milestones"], json!([]));
    assert_eq!(answer.json["deal"]["status"], "DRAFT");
}

#[tokio::test]
async fn it_refuses_what_creating_refuses() {
    let office = Office::new().await;
    refuses_field(
        &office
            .agent
            .api
            .post(
                "/api/deals?dryRun=true",
                &without(plain_deal(), "/dealType"),
            )
            .await,
        "dealType",
        "required",
    );
    refuses_field(
        &office
            .agent
            .api
            .post("/api/deals?dryRun=maybe", &plain_deal())
            .await,
        "dryRun",
        "format",
    );
    refuses_field(
        &office
            .agent
            .api
            .post("/api/deals?dryrun=true", &plain_deal())
            .await,
        "dryrun",
        "unknown",
    );
    refuses_permission(
        &office
            .coordinator
            .api
            .post("/api/deals?dryRun=true", &plain_deal())
            .await,
        "create_deals",
    );
}
