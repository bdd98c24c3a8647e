//! `GET` and `POST /api/tasks/:id/comments`: what people say about a task, and who reads it.

use serde_json::{Value, json};
use testkit::User;

use crate::support::{Office, Tasks, all_items, refuses_field, text};

async fn bodies(user: &User, task: &str) -> Vec<String> {
    let mut bodies: Vec<String> = all_items(user, &format!("/api/tasks/{task}/comments?limit=2"))
        .await
        .iter()
        .map(|comment| text(&comment["body"]))
        .collect();
    bodies.sort();
    bodies
}

#[tokio::test]
async fn a_buyer_reads_shared_comments_only() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Talk", json!({"assigneeId": office.buyer.id}))
        .await;
    let path = format!("/api/tasks/{task}/comments");
    for (user, body, visibility) in [
        (&office.agent, "a shared word", "SHARED"),
        (&office.coordinator, "an internal word", "INTERNAL"),
        (&office.coordinator, "another internal word", "INTERNAL"),
    ] {
        let answer = user
            .api
            .post(&path, &json!({"body": body, "visibility": visibility}))
            .await;
        let comment = answer.expect(201);
        assert_eq!(
            (comment["body"].as_str(), comment["visibility"].as_str()),
            (Some(body), Some(visibility))
        );
        assert_eq!(comment["authorId"], json!(user.id));
    }
    office
        .buyer
        .api
        .post(
            &path,
            &json!({"body": "the buyer's word", "visibility": "SHARED"}),
        )
        .await
        .expect(201);
    assert_eq!(
        bodies(&office.agent, &task).await,
        [
            "a shared word",
            "an internal word",
            "another internal word",
            "the buyer's word"
        ]
    );
    assert_eq!(
        bodies(&office.buyer, &task).await,
        ["a shared word", "the buyer's word"]
    );
}

#[tokio::test]
async fn bodies_that_are_not_a_comment_are_refused_by_field() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal.id, "Talk", json!({})).await;
    let path = format!("/api/tasks/{task}/comments");
    let post = async |body: Value| office.agent.api.post(&path, &body).await;
    refuses_field(
        &post(json!({"visibility": "SHARED"})).await,
        "body",
        "required",
    );
    refuses_field(
        &post(json!({"body": " ", "visibility": "SHARED"})).await,
        "body",
        "required",
    );
    refuses_field(
        &post(json!({"body": "b".repeat(10_001), "visibility": "SHARED"})).await,
        "body",
        "max_length",
    );
    refuses_field(
        &post(json!({"body": "b", "visibility": "PUBLIC"})).await,
        "visibility",
        "one_of",
    );
    refuses_field(
        &post(json!({"body": "b", "visibility": "SHARED", "pinned": true})).await,
        "pinned",
        "unknown",
    );
}

#[tokio::test]
async fn a_task_that_one_may_not_see_has_no_comments() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal.id, "Talk", json!({})).await;
    let path = format!("/api/tasks/{task}/comments");
    for stranger in [
        &office.buyer,
        &office.organization.agent().await,
        &Office::new().await.coordinator,
    ] {
        stranger.api.get(&path).await.refuses(404, "NOT_FOUND");
        stranger
            .api
            .post(&path, &json!({"body": "b", "visibility": "SHARED"}))
            .await
            .refuses(404, "NOT_FOUND");
    }
}
