//! Facts of a deal as people spell them, and as its template does.

use serde_json::json;
use testkit::{buyer_purchase, eventually};

use crate::{
    dates::{preview, read},
    support::{Office, text},
};

#[tokio::test]
async fn a_fact_in_another_spelling_is_stored_as_the_template_writes_it() {
    let office = Office::new().await;
    for spelling in ["Cash", "CASH", " cash"] {
        let mut body = buyer_purchase(&office.parties());
        body["facts"]["financing_type"] = json!(spelling);
        let seen = office.agent.api.post("/api/deals?dryRun=true", &body).await;
        assert!(
            seen.expect(200).to_string().contains("proof_of_funds"),
            "{spelling:?}"
        );
        let deal = office.agent.create_planned_deal(&body).await;
        let stored = office
            .agent
            .api
            .get(&format!("/api/deals/{}", deal.id))
            .await;
        assert_eq!(
            stored.expect(200)["facts"]["financing_type"],
            "cash",
            "{spelling:?}"
        );
        office.agent.task(&deal.id, "proof_of_funds").await;
    }
}

#[tokio::test]
async fn a_fact_changed_in_another_spelling_is_stored_as_the_template_writes_it() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let path = format!("/api/deals/{}", deal.id);
    let body = json!({"facts": {"financing_type": "CASH "}});
    let changed = office.agent.api.patch(&path, &body).await;
    assert_eq!(changed.expect(200)["facts"]["financing_type"], "cash");
    eventually("the proof of funds", async || {
        let plan = office.agent.planned(&deal.id).await.to_string();
        plan.contains("proof_of_funds").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_fact_that_the_template_does_not_know_is_a_warning_that_names_the_known_ones() {
    let office = Office::new().await;
    let mut body = buyer_purchase(&office.parties());
    body["facts"]["financing_type"] = json!("barter");
    let seen = office.agent.api.post("/api/deals?dryRun=true", &body).await;
    let violations = seen.expect(200)["violations"].as_array().unwrap().clone();
    let warned = violations
        .iter()
        .find(|violation| violation["key"] == "financing_type")
        .unwrap();
    assert_eq!(warned["severity"], "WARNING");
    assert!(
        text(&warned["message"]).contains("cash, conventional"),
        "{warned}"
    );
    let deal = office.agent.create_planned_deal(&body).await;
    let dates = read(&office.agent, &deal).await;
    let body = json!({"keyDates": {}, "reason": "to look", "version": dates["version"]});
    let seen = preview(&office.agent, &deal, &body).await;
    assert!(
        seen.json.to_string().contains("barter"),
        "the preview warns as well"
    );
}
