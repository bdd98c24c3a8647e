//! `GET /api/tasks/:id`: a task with what it waits for and what waits for it.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::Client;

use crate::support::{Office, Tasks, random_id};

#[tokio::test]
async fn a_task_shows_its_dependencies_and_dependents_with_title_and_status() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let [first, second, third] = office
        .agent
        .add_chain(&deal.id, ["First", "Second", "Third"])
        .await;
    let shown = office.agent.read_task(&second).await;
    let told = |list: &Value| -> Vec<Value> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|task| json!([task["id"], task["title"], task["status"]]))
            .collect()
    };
    assert_eq!(
        told(&shown["dependencies"]),
        [json!([first, "First", "PENDING"])]
    );
    assert_eq!(
        told(&shown["dependents"]),
        [json!([third, "Third", "BLOCKED"])]
    );
}

#[tokio::test]
async fn a_client_that_has_the_version_is_told_so() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal.id, "Read me", json!({})).await;
    let path = format!("/api/tasks/{task}");
    let first = office.agent.api.get(&path).await;
    first.expect(200);
    let again = office
        .agent
        .api
        .send(
            Method::GET,
            &path,
            &[("If-None-Match", first.header("etag"))],
            None,
        )
        .await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
    office.agent.complete_task(&task).await.expect(200);
    let changed = office
        .agent
        .api
        .send(
            Method::GET,
            &path,
            &[("If-None-Match", first.header("etag"))],
            None,
        )
        .await;
    assert_eq!(changed.expect(200)["status"], "COMPLETED");
}

#[tokio::test]
async fn what_it_waits_for_changes_the_tag_and_the_tag_still_means_its_version() {
    let office = Office::new().await;
    let agent = &office.agent;
    let deal = office.deal().await;
    let first = agent.add_task(&deal.id, "First", json!({})).await;
    let other = agent.add_task(&deal.id, "Other", json!({})).await;
    let second = agent
        .add_waiting(&deal.id, "Second", &[&first, &other])
        .await;
    let path = format!("/api/tasks/{second}");
    let before = agent.api.get(&path).await;
    agent
        .task_command(&first, "assign", json!({"assigneeId": agent.id}))
        .await
        .expect(200);
    let headers = [("If-None-Match", before.header("etag"))];
    let after = agent.api.send(Method::GET, &path, &headers, None).await;
    assert_eq!(after.expect(200)["version"], before.json["version"]);
    assert!(after.json["dependencies"].to_string().contains(&agent.id));
    let headers = [("If-None-Match", after.header("etag"))];
    let again = agent.api.send(Method::GET, &path, &headers, None).await;
    assert_eq!(again.status.as_u16(), 304);

    let patch = |tag: String| async move {
        let headers = [
            ("Content-Type", "application/merge-patch+json"),
            ("If-Match", tag.as_str()),
        ];
        let body = json!({"title": "Renamed"});
        agent
            .api
            .send(Method::PATCH, &path, &headers, Some(&body))
            .await
    };
    let tag = before.header("etag").to_owned();
    patch.clone()(tag.clone()).await.expect(200);
    patch(tag).await.refuses(412, "VERSION_MISMATCH");
}

#[tokio::test]
async fn a_buyer_sees_what_is_meant_for_buyers_and_its_own() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let hidden = office
        .agent
        .add_task(&deal.id, "Secret title", json!({}))
        .await;
    let shown = office
        .agent
        .add_task(
            &deal.id,
            "Shown",
            json!({"buyerVisible": true, "dependsOn": [hidden]}),
        )
        .await;
    let own = office
        .agent
        .add_task(&deal.id, "Own", json!({"assigneeId": office.buyer.id}))
        .await;
    office
        .buyer
        .api
        .get(&format!("/api/tasks/{hidden}"))
        .await
        .refuses(404, "NOT_FOUND");
    office
        .buyer
        .api
        .get(&format!("/api/tasks/{own}"))
        .await
        .expect(200);
    let answer = office.buyer.api.get(&format!("/api/tasks/{shown}")).await;
    answer.expect(200);
    assert!(
        !answer.text.contains("Secret title") && !answer.text.contains(&hidden),
        "{}",
        answer.text
    );

    let other_buyer = office.organization.buyer().await;
    other_buyer
        .api
        .get(&format!("/api/tasks/{shown}"))
        .await
        .refuses(404, "NOT_FOUND");
    let other_agent = office.organization.agent().await;
    other_agent
        .api
        .get(&format!("/api/tasks/{shown}"))
        .await
        .refuses(404, "NOT_FOUND");
}

#[tokio::test]
async fn nobody_reads_a_task_without_signing_in() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal.id, "Closed", json!({})).await;
    let stranger = Client::new(&testkit::stack().gateway);
    for id in [task, random_id()] {
        stranger
            .get(&format!("/api/tasks/{id}"))
            .await
            .refuses(401, "UNAUTHENTICATED");
    }
}
