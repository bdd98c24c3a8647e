//! `PATCH /api/deals/:id` with other facts, in a running deal: its plan follows them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use testkit::{Deal, User, buyer_purchase, eventually};

use crate::support::{Office, Tasks, refuses_field, tasks_of, text};

/// What is to be done in a plan: of each task that was not waived, by key, when it is due, what it waits for and its
/// status.
fn work(plan: &Value) -> BTreeMap<String, (Value, BTreeSet<String>, Value)> {
    let tasks = tasks_of(plan);
    let keys: BTreeMap<String, String> = tasks
        .iter()
        .map(|task| (text(&task["id"]), text(&task["key"])))
        .collect();
    let open = tasks.iter().filter(|task| task["status"] != "WAIVED");
    open.map(|task| {
        let waits_for = task["dependsOn"].as_array().unwrap().iter();
        (
            text(&task["key"]),
            (
                task["dueDate"].clone(),
                waits_for
                    .map(|id| keys[id.as_str().unwrap()].clone())
                    .collect(),
                task["status"].clone(),
            ),
        )
    })
    .collect()
}

async fn change(user: &User, deal: &Deal, facts: Value) {
    let path = format!("/api/deals/{}", deal.id);
    let answer = user.api.patch(&path, &json!({"facts": facts})).await;
    answer.expect(200);
}

/// The plan once it asks for `key`, or no longer does.
async fn plan_with(user: &User, deal: &Deal, key: &str, wanted: bool) -> Value {
    eventually(&format!("{key} wanted: {wanted}"), async || {
        let plan = user.planned(&deal.id).await;
        (work(&plan).contains_key(key) == wanted).then_some(plan)
    })
    .await
}

async fn states(user: &User, deal: &Deal) -> BTreeMap<String, (Value, Value)> {
    let answer = user
        .api
        .get(&format!("/api/deals/{}/key-dates", deal.id))
        .await;
    let dates = answer.expect(200)["keyDates"].as_array().unwrap();
    dates
        .iter()
        .map(|date| {
            (
                text(&date["key"]),
                (date["date"].clone(), date["state"].clone()),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_date_says_whether_the_contract_or_the_law_sets_it() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let path = format!("/api/deals/{}/key-dates", deal.id);
    let answer = office.agent.api.get(&path).await;
    let dates = answer.expect(200)["keyDates"].as_array().unwrap().clone();
    let said = |key: &str| {
        let date = dates.iter().find(|date| date["key"] == key).unwrap();
        (date["contractual"].clone(), date["regulatory"].clone())
    };
    assert_eq!(said("earnest_money_due"), (json!(true), json!(false)));
    assert_eq!(
        said("closing_disclosure_deadline"),
        (json!(false), json!(true))
    );
}

fn body(office: &Office, financing: &str) -> Value {
    let mut body = buyer_purchase(&office.parties());
    body["facts"]["financing_type"] = json!(financing);
    body
}

#[tokio::test]
async fn a_plan_that_follows_new_facts_is_the_plan_they_would_have_made() {
    let office = Office::new().await;
    let loan = office
        .agent
        .create_planned_deal(&body(&office, "conventional"))
        .await;
    let cash = office
        .agent
        .create_planned_deal(&body(&office, "cash"))
        .await;
    let as_loan = office.agent.planned(&loan.id).await;
    let loan_dates = states(&office.agent, &loan).await;

    change(&office.agent, &loan, json!({"financing_type": "cash"})).await;
    let revised = plan_with(&office.agent, &loan, "proof_of_funds", true).await;
    assert_eq!(
        work(&revised),
        work(&office.agent.planned(&cash.id).await),
        "as if it had always been paid in cash"
    );
    assert_eq!(
        states(&office.agent, &loan).await,
        states(&office.agent, &cash).await
    );
    let gone = office.agent.task(&loan.id, "loan_application").await;
    assert_eq!(gone["status"], "WAIVED");
    let gone = office.agent.read_task(&text(&gone["id"])).await;
    assert_eq!(gone["waiveReason"], "it does not apply to this deal");

    change(&office.agent, &loan, json!({"financing_type": "fha"})).await;
    let back = plan_with(&office.agent, &loan, "proof_of_funds", false).await;
    assert_eq!(work(&back), work(&as_loan), "the loan came back");
    assert_eq!(states(&office.agent, &loan).await, loan_dates);
    assert_eq!(
        office.agent.task(&loan.id, "loan_application").await["id"],
        gone["id"],
        "a task that comes back is the one that went"
    );
    office.holds().await;
}

#[tokio::test]
async fn what_is_done_stays_and_nobody_waits_for_what_went() {
    let office = Office::new().await;
    let deal = office
        .agent
        .create_planned_deal(&body(&office, "conventional"))
        .await;
    for key in [
        "verify_executed_contract",
        "confirm_effective_date",
        "enter_key_dates",
        "send_intro_package",
        "loan_application",
    ] {
        office.coordinator.complete(&deal.id, key).await;
    }
    change(&office.agent, &deal, json!({"financing_type": "cash"})).await;
    let plan = plan_with(&office.agent, &deal, "proof_of_funds", true).await;
    let work = work(&plan);
    assert_eq!(work["loan_application"].2, "COMPLETED");
    assert!(!work.contains_key("appraisal_ordered"), "it was open");
    let (_, waits_for, status) = &work["signing_scheduled"];
    assert_eq!(*status, "BLOCKED");
    assert!(
        waits_for.contains("title_cured") && waits_for.contains("homeowners_insurance_bound"),
        "it waits for what the lender waited for: {waits_for:?}"
    );
    // Its prerequisite is done already, and the seller side has no login.
    assert_eq!(work["proof_of_funds"].2, "IN_PROGRESS");
    assert_eq!(
        office.agent.task(&deal.id, "proof_of_funds").await["assigneeId"],
        json!(office.buyer.id)
    );
    office.holds().await;
}

#[tokio::test]
async fn a_task_that_somebody_waived_or_deleted_does_not_come_back() {
    let office = Office::new().await;
    let mut body = body(&office, "conventional");
    body["facts"]["hoa"] = json!(true);
    let deal = office.agent.create_planned_deal(&body).await;
    let ordered = office.agent.task(&deal.id, "hoa_docs_ordered").await;
    let ordered = text(&ordered["id"]);
    let waived = json!({"reason": "the seller brought them"});
    let waived = office.coordinator.task_command(&ordered, "waive", waived);
    waived.await.expect(200);
    change(&office.agent, &deal, json!({"hoa": false})).await;
    plan_with(&office.agent, &deal, "hoa_docs_reviewed", false).await;
    change(&office.agent, &deal, json!({"hoa": true})).await;
    let plan = plan_with(&office.agent, &deal, "hoa_docs_reviewed", true).await;
    assert!(!work(&plan).contains_key("hoa_docs_ordered"));
    office.holds().await;
}

#[tokio::test]
async fn every_step_is_told_and_recorded_with_its_reason() {
    let office = Office::new().await;
    let deal = office
        .agent
        .create_planned_deal(&body(&office, "conventional"))
        .await;
    let id = text(&office.agent.task(&deal.id, "loan_application").await["id"]);
    change(&office.agent, &deal, json!({"financing_type": "cash"})).await;
    plan_with(&office.agent, &deal, "proof_of_funds", true).await;
    assert!(
        office
            .history(&id)
            .await
            .contains(&"tasks.task.waived".to_owned())
    );
    let answer = office
        .admin()
        .api
        .get("/api/audit?type=tasks.plan.revised")
        .await;
    let rows = answer.expect(200)["items"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["before"]["facts"]["financing_type"], "conventional");
    assert_eq!(rows[0]["after"]["facts"]["financing_type"], "cash");
    assert_eq!(rows[0]["onBehalfOf"], json!(office.agent.id));
    // The summary follows: the tasks that went are no longer open.
    let open = work(&office.agent.planned(&deal.id).await).len();
    eventually("the summary counts them", async || {
        let path = format!("/api/deals/{}/summary", deal.id);
        let summary = office.agent.api.get(&path).await.expect(200).clone();
        let progress = &summary["progress"];
        let left = progress["total"].as_u64()? - progress["done"].as_u64()?;
        (left == u64::try_from(open).unwrap()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn of_many_changes_the_last_one_holds() {
    let office = Office::new().await;
    let deal = office
        .agent
        .create_planned_deal(&body(&office, "conventional"))
        .await;
    let before = work(&office.agent.planned(&deal.id).await);
    for financing in ["cash", "va", "cash", "fha", "cash", "usda"] {
        change(&office.agent, &deal, json!({"financing_type": financing})).await;
    }
    change(&office.agent, &deal, json!({"hoa": true})).await;
    let plan = plan_with(&office.agent, &deal, "hoa_docs_ordered", true).await;
    let mut after = work(&plan);
    after.retain(|key, _| !key.starts_with("hoa_"));
    assert_eq!(
        after.keys().collect::<Vec<_>>(),
        before.keys().collect::<Vec<_>>()
    );
    office.holds().await;
}

#[tokio::test]
async fn facts_that_the_template_cannot_ask_about_are_refused() {
    let office = Office::new().await;
    let deal = office
        .agent
        .create_planned_deal(&body(&office, "conventional"))
        .await;
    let path = format!("/api/deals/{}", deal.id);
    for (facts, field, constraint) in [
        (json!({"moon_phase": "full"}), "facts.moon_phase", "unknown"),
        (json!({"hoa": "yes"}), "facts.hoa", "type"),
        (json!({"year_built": "old"}), "facts.year_built", "type"),
        (
            json!({"financing_type": true}),
            "facts.financing_type",
            "type",
        ),
    ] {
        let patched = office
            .agent
            .api
            .patch(&path, &json!({"facts": facts}))
            .await;
        refuses_field(&patched, field, constraint);
        let put = json!({
            "name": deal.json["name"], "propertyAddress": deal.json["propertyAddress"],
            "dealType": "PURCHASE", "facts": facts, "version": deal.json["version"],
        });
        refuses_field(&office.agent.api.put(&path, &put).await, field, constraint);
        let mut new = body(&office, "conventional");
        new["facts"] = facts;
        let created = office.agent.api.post("/api/deals", &new).await;
        refuses_field(&created, field, constraint);
    }
}

#[tokio::test]
async fn a_template_for_another_type_of_deal_is_refused() {
    let office = Office::new().await;
    let mut wrong = body(&office, "conventional");
    wrong["dealType"] = json!("REFINANCE");
    for path in ["/api/deals", "/api/deals?dryRun=true"] {
        let answer = office.agent.api.post(path, &wrong).await;
        refuses_field(&answer, "templateKey", "deal_type");
    }
}
