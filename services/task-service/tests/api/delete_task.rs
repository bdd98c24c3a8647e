//! `DELETE /api/tasks/:id`: what nobody has begun may go.

use reqwest::Method;
use serde_json::json;

use crate::support::{Office, Tasks, random_id, refuses_permission};

#[tokio::test]
async fn a_task_nobody_has_begun_is_deleted_and_its_history_stays() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal.id, "Mistake", json!({})).await;
    let answer = office.agent.api.delete(&format!("/api/tasks/{task}")).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (204, ""));
    office
        .agent
        .api
        .get(&format!("/api/tasks/{task}"))
        .await
        .refuses(404, "NOT_FOUND");
    office
        .agent
        .api
        .delete(&format!("/api/tasks/{task}"))
        .await
        .refuses(404, "NOT_FOUND");
    office
        .agent
        .complete_task(&task)
        .await
        .refuses(404, "NOT_FOUND");
    let listed = office
        .agent
        .api
        .get(&format!("/api/tasks?dealId={}", deal.id))
        .await;
    assert_eq!(listed.expect(200)["items"], json!([]));
    assert_eq!(
        office.history(&task).await,
        ["tasks.task.created", "tasks.task.deleted"]
    );
    office.holds().await;
}

#[tokio::test]
async fn what_waited_for_a_deleted_task_inherits_what_it_waited_for() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let first = office.agent.add_task(&deal.id, "First", json!({})).await;
    let middle = office
        .agent
        .add_waiting(&deal.id, "Middle", &[&first])
        .await;
    let last = office.agent.add_waiting(&deal.id, "Last", &[&middle]).await;
    office
        .coordinator
        .api
        .delete(&format!("/api/tasks/{middle}"))
        .await
        .expect(204);
    let shown = office.agent.read_task(&last).await;
    assert_eq!(shown["status"], "BLOCKED");
    assert_eq!(shown["dependencies"][0]["id"], json!(first));
    office.holds().await;

    office
        .coordinator
        .api
        .delete(&format!("/api/tasks/{first}"))
        .await
        .expect(204);
    assert_eq!(office.agent.read_task(&last).await["status"], "PENDING");
    office.holds().await;
}

#[tokio::test]
async fn work_that_has_begun_is_waived_and_not_deleted() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let begun = office
        .agent
        .add_task(&deal.id, "Begun", json!({"assigneeId": office.agent.id}))
        .await;
    office
        .agent
        .api
        .delete(&format!("/api/tasks/{begun}"))
        .await
        .refuses(409, "TASK_STARTED");
    office.agent.complete_task(&begun).await.expect(200);
    office
        .coordinator
        .api
        .delete(&format!("/api/tasks/{begun}"))
        .await
        .refuses(409, "TASK_STARTED");
    assert_eq!(office.agent.read_task(&begun).await["status"], "COMPLETED");
}

#[tokio::test]
async fn a_stale_version_deletes_nothing() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Versioned", json!({}))
        .await;
    let path = format!("/api/tasks/{task}");
    office
        .agent
        .api
        .send(Method::DELETE, &path, &[("If-Match", "\"2\"")], None)
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
async fn deleting_takes_the_same_permissions_as_writing() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Guarded", json!({"buyerVisible": true}))
        .await;
    refuses_permission(
        &office.buyer.api.delete(&format!("/api/tasks/{task}")).await,
        "assign_tasks",
    );
    office
        .organization
        .agent()
        .await
        .api
        .delete(&format!("/api/tasks/{task}"))
        .await
        .refuses(404, "NOT_FOUND");
    office
        .coordinator
        .api
        .delete(&format!("/api/tasks/{}", random_id()))
        .await
        .refuses(404, "NOT_FOUND");
}
