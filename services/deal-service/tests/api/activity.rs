//! `GET /api/deals/:id/activity`: what happened, in sentences, newest first.

use serde_json::json;

use crate::support::{Deals, Office, all_items, patch_at, refuses_field, text};

#[tokio::test]
async fn every_change_is_told_newest_first() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal, json!({"title": "Order the survey"}))
        .await;
    office
        .coordinator
        .api
        .post(&format!("/api/tasks/{task}/complete"), &json!({}))
        .await
        .expect(200);
    let path = format!("/api/deals/{}/activity", deal.id);
    let items = all_items(&office.agent, &format!("{path}?limit=100")).await;
    let instants: Vec<String> = items.iter().map(|item| text(&item["createdAt"])).collect();
    assert!(
        instants.is_sorted_by(|newer, older| newer >= older),
        "{instants:?}"
    );
    for item in &items {
        assert!(
            item["text"].as_str().is_some_and(|text| !text.is_empty()) && !item["actor"].is_null(),
            "{item}"
        );
        assert!(item["entityId"].is_string(), "{item}");
    }
    assert!(
        items
            .iter()
            .any(|item| text(&item["text"]).contains("Order the survey")),
        "{items:?}"
    );
    let told_of = |id: &str| {
        items
            .iter()
            .filter(|item| item["entityId"] == json!(id))
            .count()
    };
    assert_eq!(
        (told_of(&deal.id), told_of(&task)),
        (2, 3),
        "each transition is shown: {items:?}"
    );

    let in_pages = all_items(&office.agent, &format!("{path}?limit=3")).await;
    assert!(
        in_pages.ends_with(&items),
        "pages lose or repeat something: {in_pages:?}"
    );
    let version = office.agent.read_deal(&deal.id).await["version"].clone();
    patch_at(
        &office.agent,
        &format!("/api/deals/{}", deal.id),
        &version,
        &json!({"name": "Another name"}),
    )
    .await
    .expect(200);
    let newest = office.agent.api.get(&format!("{path}?limit=1")).await;
    assert_eq!(newest.expect(200)["items"][0]["entityId"], json!(deal.id));
}

#[tokio::test]
async fn it_is_for_staff_who_see_the_deal() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let path = format!("/api/deals/{}/activity", deal.id);
    for user in [&office.agent, &office.coordinator, office.admin()] {
        user.api.get(&path).await.expect(200);
    }
    office.buyer.api.get(&path).await.refuses(403, "FORBIDDEN");
    for stranger in [
        &office.organization.agent().await,
        &Office::new().await.coordinator,
    ] {
        stranger.api.get(&path).await.refuses(404, "NOT_FOUND");
    }
    refuses_field(
        &office.agent.api.get(&format!("{path}?limit=0")).await,
        "limit",
        "range",
    );
    refuses_field(
        &office
            .agent
            .api
            .get(&format!("{path}?entity={}", deal.id))
            .await,
        "entity",
        "unknown",
    );
}
