//! `DELETE /api/deals/:id`: drafts only.

use reqwest::Method;
use serde_json::json;

use crate::support::{Deals, Office, refuses_permission};

#[tokio::test]
async fn a_draft_is_deleted_and_its_history_stays() {
    let office = Office::new().await;
    let deal = office.draft().await;
    let path = format!("/api/deals/{}", deal.id);
    let answer = office.agent.api.delete(&path).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    for user in [
        &office.agent,
        &office.coordinator,
        &office.buyer,
        office.admin(),
    ] {
        user.api.get(&path).await.refuses(404, "NOT_FOUND");
    }
    office
        .agent
        .api
        .delete(&path)
        .await
        .refuses(404, "NOT_FOUND");
    office
        .agent
        .step(&deal, "activate", json!({}))
        .await
        .refuses(404, "NOT_FOUND");
    for rest in ["parties", "summary", "plan", "key-dates"] {
        office
            .agent
            .api
            .get(&format!("{path}/{rest}"))
            .await
            .refuses(404, "NOT_FOUND");
    }
    assert_eq!(
        office.history(&deal.id).await,
        ["deals.deal.created", "deals.deal.deleted"]
    );
}

#[tokio::test]
async fn what_has_begun_stays() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let path = format!("/api/deals/{}", deal.id);
    office
        .agent
        .api
        .delete(&path)
        .await
        .refuses(409, "DEAL_NOT_DRAFT");
    office
        .agent
        .step(&deal, "cancel", json!({"reason": "sold to somebody else"}))
        .await
        .expect(200);
    office
        .agent
        .api
        .delete(&path)
        .await
        .refuses(409, "DEAL_NOT_DRAFT");
}

#[tokio::test]
async fn a_stale_version_deletes_nothing() {
    let office = Office::new().await;
    let deal = office.draft().await;
    let path = format!("/api/deals/{}", deal.id);
    office
        .agent
        .api
        .send(Method::DELETE, &path, &[("If-Match", "\"7\"")], None)
        .await
        .refuses(412, "VERSION_MISMATCH");
    office
        .agent
        .api
        .send(Method::DELETE, &path, &[("If-Match", "\"1\"")], None)
        .await
        .expect(204);
}

#[tokio::test]
async fn only_its_creator_and_who_manages_tasks_delete_it() {
    let office = Office::new().await;
    let deal = office.draft().await;
    let path = format!("/api/deals/{}", deal.id);
    refuses_permission(&office.buyer.api.delete(&path).await, "manage_tasks");
    office
        .organization
        .agent()
        .await
        .api
        .delete(&path)
        .await
        .refuses(404, "NOT_FOUND");
    office.coordinator.api.delete(&path).await.expect(204);
}
