//! `POST /api/deals` with an idempotency key: one deal, whatever happens on the way.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use testkit::{User, buyer_purchase};
use tokio::task::JoinSet;

use crate::support::{Office, plain_deal, post_once, refuses_field, text, with};

#[tokio::test]
async fn the_same_key_and_body_answers_the_first_response_again() {
    let office = Office::new().await;
    let body = buyer_purchase(&office.parties());
    let first = post_once(&office.agent, "/api/deals", "a-deal", &body).await;
    first.expect(201);
    assert_eq!(first.header("idempotent-replayed"), "");
    let again = post_once(&office.agent, "/api/deals", "a-deal", &body).await;
    assert_eq!(again.expect(201), &first.json);
    assert_eq!(again.header("idempotent-replayed"), "true");
    for header in ["location", "etag"] {
        assert_eq!(again.header(header), first.header(header));
    }
    let other = with(body.clone(), "/name", json!("Another deal"));
    let refused = post_once(&office.agent, "/api/deals", "a-deal", &other).await;
    refused.refuses(422, "IDEMPOTENCY_MISMATCH");
    assert_eq!(refused.json["error"], "Conflict");

    // The key is the agent's own.
    let colleague = office.organization.agent().await;
    let theirs = post_once(&colleague, "/api/deals", "a-deal", &body).await;
    assert_ne!(theirs.expect(201)["id"], first.json["id"]);
}

#[tokio::test]
async fn who_has_lost_sight_of_the_deal_is_told_nothing_by_an_old_key() {
    let office = Office::new().await;
    let admin = &office.admin().api;
    let grants = json!({"roleGrants": {"BUYER": ["create_deals"]}});
    admin.patch("/api/organization", &grants).await.expect(200);
    let body = plain_deal();
    let first = post_once(&office.agent, "/api/deals", "mine", &body).await;
    let id = text(&first.expect(201)["id"]);
    // As a BUYER one sees a deal as its party only, not as who made it.
    let path = format!("/api/users/{}", office.agent.id);
    admin
        .patch(&path, &json!({"role": "BUYER"}))
        .await
        .expect(200);
    office
        .agent
        .api
        .get(&format!("/api/deals/{id}"))
        .await
        .refuses(404, "NOT_FOUND");
    let again = post_once(&office.agent, "/api/deals", "mine", &body).await;
    again.refuses(404, "NOT_FOUND");
}

async fn of_many_one_is_made(user: &User, body: &Value) -> Value {
    let mut attempts = JoinSet::new();
    for _ in 0..20 {
        let (user, body) = (user.clone(), body.clone());
        attempts.spawn(async move { post_once(&user, "/api/deals", "one-deal", &body).await });
    }
    let mut made = BTreeSet::new();
    while let Some(answer) = attempts.join_next().await {
        let answer = answer.unwrap();
        if answer.status == 201 {
            made.insert(text(&answer.json["id"]));
        } else {
            answer.refuses(409, "IDEMPOTENCY_IN_FLIGHT");
            assert_eq!(answer.header("retry-after"), "1");
        }
    }
    assert_eq!(made.len(), 1, "{made:?}");
    let again = post_once(user, "/api/deals", "one-deal", body).await;
    assert_eq!(BTreeSet::from([text(&again.expect(201)["id"])]), made);
    let listed = user.api.get("/api/deals?limit=100").await;
    listed.expect(200)["items"].clone()
}

#[tokio::test]
async fn of_many_requests_with_one_key_one_makes_a_deal() {
    let office = Office::new().await;
    let listed = of_many_one_is_made(&office.agent, &plain_deal()).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    office.holds().await;
}

#[tokio::test]
async fn of_many_requests_with_one_key_one_makes_a_deal_from_a_template() {
    let office = Office::new().await;
    let listed = of_many_one_is_made(&office.agent, &buyer_purchase(&office.parties())).await;
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    office.agent.planned(&text(&listed[0]["id"])).await;
    office.holds().await;
}

#[tokio::test]
async fn a_refused_body_may_be_corrected_under_its_key() {
    let office = Office::new().await;
    post_once(&office.agent, "/api/deals", "corrected", &json!({}))
        .await
        .refuses(400, "VALIDATION_001");
    post_once(&office.agent, "/api/deals", "corrected", &plain_deal())
        .await
        .expect(201);
}

#[tokio::test]
async fn keys_that_are_no_keys_are_refused() {
    let office = Office::new().await;
    let long = "k".repeat(256);
    for key in ["", long.as_str(), "clé"] {
        refuses_field(
            &post_once(&office.agent, "/api/deals", key, &plain_deal()).await,
            "Idempotency-Key",
            "format",
        );
    }
    assert_eq!(
        office.agent.api.get("/api/deals").await.expect(200)["items"],
        json!([])
    );
}
