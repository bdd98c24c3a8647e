//! `PUT` and `PATCH /api/tasks/:id`: the fields people write, under a version.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{
    Office, Tasks, days_from_today, patch_at, put_at, random_id, refuses_field, refuses_permission,
    refuses_reference,
};

#[tokio::test]
async fn a_put_replaces_the_writable_fields() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(
            &deal.id,
            "Old",
            json!({"description": "old", "ownerRole": "lender"}),
        )
        .await;
    let path = format!("/api/tasks/{task}");
    let due = days_from_today(9);
    let answer = office
        .agent
        .api
        .put(
            &path,
            &json!({"title": "New", "dueDate": due, "buyerVisible": true, "version": 1}),
        )
        .await;
    let shown = answer.expect(200);
    assert_eq!(answer.header("etag"), "\"2\"");
    assert_eq!(
        (&shown["title"], &shown["dueDate"], &shown["buyerVisible"]),
        (&json!("New"), &json!(due), &json!(true))
    );
    assert_eq!(
        (&shown["description"], &shown["ownerRole"]),
        (&Value::Null, &Value::Null),
        "what is left out is gone"
    );
    assert_eq!(
        office.history(&task).await,
        ["tasks.task.created", "tasks.task.updated"]
    );
}

#[tokio::test]
async fn a_patch_changes_only_what_it_names() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let fields =
        json!({"description": "old", "ownerRole": "lender", "dueDate": days_from_today(5)});
    let task = office.agent.add_task(&deal.id, "Old", fields).await;
    let answer = patch_at(
        &office.agent,
        &format!("/api/tasks/{task}"),
        &json!(1),
        &json!({"title": "New", "dueDate": null}),
    )
    .await;
    let shown = answer.expect(200);
    assert_eq!(
        (&shown["title"], &shown["dueDate"]),
        (&json!("New"), &Value::Null)
    );
    assert_eq!(
        (&shown["description"], &shown["ownerRole"]),
        (&json!("old"), &json!("lender"))
    );
}

#[tokio::test]
async fn a_stale_version_is_a_conflict_in_the_body_and_a_mismatch_in_the_header() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Versioned", json!({}))
        .await;
    let path = format!("/api/tasks/{task}");
    patch_at(&office.agent, &path, &json!(1), &json!({"title": "Second"}))
        .await
        .expect(200);
    office
        .agent
        .api
        .put(&path, &json!({"title": "Third", "version": 1}))
        .await
        .refuses(409, "VERSION_CONFLICT");
    put_at(&office.agent, &path, &json!(1), &json!({"title": "Third"}))
        .await
        .refuses(412, "VERSION_MISMATCH");
    patch_at(&office.agent, &path, &json!(7), &json!({"title": "Third"}))
        .await
        .refuses(412, "VERSION_MISMATCH");
    refuses_field(
        &office
            .agent
            .api
            .put(&path, &json!({"title": "Third"}))
            .await,
        "version",
        "required",
    );
    let headers = [("If-Match", "*")];
    office
        .agent
        .api
        .send(
            reqwest::Method::PUT,
            &path,
            &headers,
            Some(&json!({"title": "Any"})),
        )
        .await
        .expect(200);
    for malformed in ["1", "\"1", "\"1\" \"2\""] {
        let headers = [("If-Match", malformed)];
        let answer = office
            .agent
            .api
            .send(
                reqwest::Method::PUT,
                &path,
                &headers,
                Some(&json!({"title": "X"})),
            )
            .await;
        refuses_field(&answer, "If-Match", "format");
    }
    assert_eq!(office.agent.read_task(&task).await["title"], "Any");
}

#[tokio::test]
async fn of_many_updates_from_one_version_exactly_one_succeeds() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Contended", json!({}))
        .await;
    let mut updates = JoinSet::new();
    for place in 0..12 {
        let (user, path) = (office.agent.clone(), format!("/api/tasks/{task}"));
        updates.spawn(async move {
            patch_at(
                &user,
                &path,
                &json!(1),
                &json!({"title": format!("Writer {place}")}),
            )
            .await
        });
    }
    let mut won = Vec::new();
    while let Some(answer) = updates.join_next().await {
        let answer = answer.unwrap();
        if answer.status == 200 {
            won.push(answer.json["title"].clone());
        } else {
            answer.refuses(412, "VERSION_MISMATCH");
        }
    }
    let read = office.agent.read_task(&task).await;
    assert_eq!(won, std::slice::from_ref(&read["title"]));
    assert_eq!(read["version"], 2);
    office.holds().await;
}

#[tokio::test]
async fn what_is_not_writable_is_unknown() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal.id, "Fixed", json!({})).await;
    let path = format!("/api/tasks/{task}");
    for (field, value) in [
        ("status", json!("COMPLETED")),
        ("assigneeId", json!(office.agent.id)),
        ("dealId", json!(deal.id)),
        ("id", json!(task)),
        ("completedOn", json!("2026-03-02")),
        ("isBlocked", json!(false)),
        ("dependsOn", json!([])),
        ("colour", json!("red")),
    ] {
        let mut body = json!({"title": "Fixed", "version": 1});
        body[field] = value.clone();
        refuses_field(&office.agent.api.put(&path, &body).await, field, "unknown");
        refuses_field(
            &patch_at(&office.agent, &path, &json!(1), &json!({field: value})).await,
            field,
            "unknown",
        );
    }
    refuses_field(
        &patch_at(&office.agent, &path, &json!(1), &json!({"title": null})).await,
        "title",
        "required",
    );
    refuses_reference(
        &patch_at(
            &office.agent,
            &path,
            &json!(1),
            &json!({"milestoneId": random_id()}),
        )
        .await,
        "milestoneId",
    );
    office
        .agent
        .api
        .send(
            reqwest::Method::PATCH,
            &path,
            &[],
            Some(&json!({"title": "X"})),
        )
        .await
        .refuses(415, "UNSUPPORTED_MEDIA_TYPE");
}

#[tokio::test]
async fn writing_tasks_takes_assign_tasks_in_a_deal_one_sees_or_manage_tasks() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Guarded", json!({"assigneeId": office.buyer.id}))
        .await;
    let path = format!("/api/tasks/{task}");
    let body = json!({"title": "Changed"});
    refuses_permission(
        &patch_at(&office.buyer, &path, &json!(1), &body).await,
        "assign_tasks",
    );
    let other_agent = office.organization.agent().await;
    patch_at(&other_agent, &path, &json!(1), &body)
        .await
        .refuses(404, "NOT_FOUND");
    patch_at(&office.agent, &path, &json!(1), &body)
        .await
        .expect(200);
    patch_at(
        &office.coordinator,
        &path,
        &json!(2),
        &json!({"title": "Again"}),
    )
    .await
    .expect(200);
}

#[tokio::test]
async fn the_due_date_of_a_finished_task_is_history() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Done", json!({"dueDate": days_from_today(3)}))
        .await;
    let done = office.agent.complete_task(&task).await;
    let version = done.expect(200)["task"]["version"].clone();
    let path = format!("/api/tasks/{task}");
    patch_at(
        &office.agent,
        &path,
        &version,
        &json!({"dueDate": days_from_today(9)}),
    )
    .await
    .refuses(409, "TASK_ALREADY_DONE");
}
