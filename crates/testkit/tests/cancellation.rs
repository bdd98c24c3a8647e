//! Requests that are given up half-way leave nothing behind on the connection they used (guarantee G3).

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use testkit::{Office, stack};
use tokio::{task::JoinSet, time::timeout};

/// Requests of each kind.
const REQUESTS: u64 = 400;

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_given_up_requests_leaves_no_context_to_the_next() {
    let stormy = Office::new().await;
    let calm = Office::new().await;
    let (theirs, ours) = (stormy.deal().await, calm.deal().await);
    // At the services themselves: the gateway would go on reading for a client that has left.
    let storm = stormy.agent.api.at(&stack().task_service);
    let deals = stormy.agent.api.at(&stack().deal_service);
    let (tasks, calm_deals) = (
        calm.agent.api.at(&stack().task_service),
        calm.agent.api.at(&stack().deal_service),
    );

    let mut given_up = JoinSet::new();
    for number in 0..REQUESTS {
        let (storm, deals, deal_id) = (storm.clone(), deals.clone(), theirs.id.clone());
        given_up.spawn(async move {
            let patience = Duration::from_micros(200 + number * 53 % 12_000);
            let body = json!({"dealId": deal_id, "title": "Given up"});
            let writing = storm.try_send(Method::POST, "/api/tasks", &[], Some(&body));
            let reading = deals.try_send(Method::GET, "/api/deals", &[], None);
            let _given_up = timeout(patience, async { tokio::join!(writing, reading) }).await;
        });
        if number % 4 == 0 {
            let listed = calm_deals.get("/api/deals").await;
            let items = listed.expect(200)["items"].as_array().cloned();
            let ids: Vec<_> = items.iter().flatten().map(|deal| &deal["id"]).collect();
            assert_eq!(ids, [&json!(ours.id)]);
            let listed = tasks.get(&format!("/api/tasks?dealId={}", theirs.id)).await;
            let seen = listed.json["items"].as_array().map_or(0, Vec::len);
            assert_eq!(seen, 0, "another organization's tasks: {}", listed.text);
        }
    }
    while let Some(ended) = given_up.join_next().await {
        assert!(ended.is_ok(), "{ended:?}");
    }
    // What was given up is there as a whole, with its history, or not at all.
    stormy.holds().await;
    calm.holds().await;
}
