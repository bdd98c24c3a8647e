//! Another organization's things look like things that do not exist.

use std::collections::BTreeMap;

use domain::permission::Role;
use serde_json::{Value, json};
use testkit::{Database, Organization, Response, User, eventually, text};

use super::support::{Scene, one_of_each, operations, random_ids};

#[tokio::test]
async fn a_foreign_id_and_a_random_id_get_the_same_answer() {
    let mut scene = Scene::new().await;
    let notification = notification(&scene).await;
    scene.ids.insert("notifications", notification);
    let strangers = one_of_each(&Organization::new().await).await;
    let operations = operations().await;
    let mut compared = 0;
    for operation in operations.iter().filter(|o| o.names_something()) {
        let body = operation.body(&scene);
        for (role, stranger) in &strangers {
            let ask = async |ids: &BTreeMap<&'static str, String>| {
                let path = operation.with_ids(ids);
                operation.send(&stranger.api, &path, body.as_ref()).await
            };
            let (theirs, nobodys) = (ask(&scene.ids).await, ask(&random_ids()).await);
            assert_eq!(
                theirs.status, nobodys.status,
                "{role:?} {}: {} / {}",
                theirs.request, theirs.text, nobodys.text
            );
            assert_eq!(bare(&theirs), bare(&nobodys), "{role:?} {}", theirs.request);
            assert!(
                theirs.status.is_client_error(),
                "{role:?} {}: {}",
                theirs.request,
                theirs.text
            );
            compared += 1;
        }
    }
    assert!(compared > 80, "only {compared} requests");
    let first = first_notification(scene.user(Role::TransactionCoordinator)).await;
    assert_eq!(
        first.expect("it is there still")["readAt"],
        Value::Null,
        "a stranger has read it"
    );
    Database::superuser()
        .await
        .holds_for(&scene.organization.id)
        .await;
}

/// A notification of the coordinator: that a task is its own now.
async fn notification(scene: &Scene) -> String {
    let coordinator = scene.user(Role::TransactionCoordinator);
    let task =
        json!({"dealId": scene.ids["deals"], "title": "A task", "assigneeId": coordinator.id});
    let agent = scene.user(Role::BuyerAgent);
    agent.api.post("/api/tasks", &task).await.expect(201);
    let notice = eventually("the coordinator has a notification", async || {
        first_notification(coordinator).await
    })
    .await;
    text(&notice["id"])
}

/// The user's first notification.
async fn first_notification(user: &User) -> Option<Value> {
    let list = user.api.get("/api/notifications?limit=100").await;
    let items = list.expect(200)["items"].as_array().expect("items");
    items.last().cloned()
}

/// The body without what differs between any two requests.
fn bare(answer: &Response) -> Value {
    let mut body = answer.json.clone();
    if let Some(members) = body.as_object_mut() {
        members.remove("requestId");
        members.remove("instance");
    }
    body
}
