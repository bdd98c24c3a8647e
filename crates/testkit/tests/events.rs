//! Events come at least once and in any order, and have their effect once and in theirs. The relay, the broker and the
//! consumer are the real ones: what was published is told to be published again.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use serde_json::{Value, json};
use testkit::{Database, Office, eventually, text};

/// The one row that a query finds, once it does.
async fn row(what: &str, sql: &str) -> Value {
    eventually(what, async || {
        let rows = Database::superuser().await.rows(sql).await;
        rows.into_iter().next()
    })
    .await
}

/// Tells the relay to publish these versions of a task's events once more.
async fn publish_again(task: &str, versions: &str) {
    let sql = format!(
        "UPDATE task.event_outbox SET processed_at = NULL
          WHERE aggregate_id = '{task}' AND aggregate_version IN ({versions})"
    );
    let changed = Database::superuser().await.execute(&sql).await;
    assert!(changed.unwrap() > 0, "{task} has no such events");
}

/// A task that was added, renamed and given to the agent: three versions, all of them told.
async fn task_of_three_versions(office: &Office) -> String {
    let deal = office.deal().await;
    let api = &office.coordinator.api;
    let added = json!({"dealId": deal.id, "title": "Something to do"});
    let task = text(&api.post("/api/tasks", &added).await.expect(201)["id"]);
    let path = format!("/api/tasks/{task}");
    let renamed = json!({"title": "Something else", "version": 1});
    api.patch(&path, &renamed).await.expect(200);
    let assigned = json!({"assigneeId": office.agent.id});
    api.post(&format!("{path}/assign"), &assigned)
        .await
        .expect(200);
    position(&task, 3).await;
    task
}

async fn position(task: &str, version: u64) {
    let sql = format!(
        "SELECT version FROM deal.inbox_position WHERE aggregate_id = '{task}' AND version = {version}"
    );
    row(&format!("version {version} is applied"), &sql).await;
}

async fn view(task: &str) -> Value {
    let sql = format!("SELECT * FROM deal.task_view WHERE id = '{task}'");
    row("the task is in the read model", &sql).await
}

#[tokio::test]
async fn events_that_come_twice_have_their_effect_once() {
    let office = Office::new().await;
    let task = task_of_three_versions(&office).await;
    let before = view(&task).await;
    publish_again(&task, "1, 2, 3").await;
    // What is told after the repetition comes after it, as the events of one task do.
    let complete = format!("/api/tasks/{task}/complete");
    let completed = office.agent.api.post(&complete, &json!({})).await;
    completed.expect(200);
    position(&task, 4).await;
    let after = view(&task).await;
    assert_eq!(
        (&after["title"], &after["status"]),
        (&before["title"], &json!("COMPLETED"))
    );
    let mut database = Database::superuser().await;
    let received = format!(
        "SELECT o.aggregate_version FROM task.event_outbox o
           JOIN deal.inbox i ON i.message_id = o.id WHERE o.aggregate_id = '{task}'"
    );
    assert_eq!(database.rows(&received).await.len(), 4);
    let told = format!(
        "SELECT id FROM audit.audit_log WHERE cause_event_id IN
          (SELECT id FROM task.event_outbox WHERE aggregate_id = '{task}') AND entity_type <> 'notification'"
    );
    assert_eq!(database.rows(&told).await, Vec::<Value>::new());
    database.holds_for(&office.organization.id).await;
}

#[tokio::test]
async fn events_that_come_too_early_wait_for_the_one_before_them() {
    let office = Office::new().await;
    let task = task_of_three_versions(&office).await;
    let complete = view(&task).await;
    let mut database = Database::superuser().await;
    // As if none of them had come yet.
    for forget in [
        "DELETE FROM deal.inbox WHERE message_id IN (SELECT id FROM task.event_outbox WHERE aggregate_id = '{task}')",
        "DELETE FROM deal.inbox_position WHERE aggregate_id = '{task}'",
        "DELETE FROM deal.task_view WHERE id = '{task}'",
    ] {
        let forget = forget.replace("{task}", &task);
        database.execute(&forget).await.unwrap();
    }
    publish_again(&task, "3").await;
    let parked = |version: u64| {
        format!(
            "SELECT version FROM deal.inbox_parked WHERE aggregate_id = '{task}' AND version = {version}"
        )
    };
    row("the third waits", &parked(3)).await;
    publish_again(&task, "2").await;
    row("the second waits", &parked(2)).await;
    let known = format!("SELECT id FROM deal.task_view WHERE id = '{task}'");
    assert_eq!(database.rows(&known).await, Vec::<Value>::new());

    publish_again(&task, "1").await;
    position(&task, 3).await;
    assert_eq!(view(&task).await, complete);
    let left = format!("SELECT version FROM deal.inbox_parked WHERE aggregate_id = '{task}'");
    assert_eq!(database.rows(&left).await, Vec::<Value>::new());
}
