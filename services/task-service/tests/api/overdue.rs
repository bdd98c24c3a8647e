//! OVERDUE: an open task whose due instant has passed.

use serde_json::json;

use crate::support::{Office, Tasks, days_from_today, patch_at};

#[tokio::test]
async fn a_task_created_with_a_past_due_date_is_overdue_and_can_be_completed() {
    let office = Office::new().await;
    let deal = office.deal().await;
    for assignee in [json!(null), json!(office.agent.id)] {
        let fields = json!({"dueDate": days_from_today(-3), "assigneeId": assignee});
        let task = office
            .agent
            .add_task(&deal.id, "Late already", fields)
            .await;
        let read = office.agent.read_task(&task).await;
        assert_eq!(
            (&read["status"], &read["isOverdue"], &read["isBlocked"]),
            (&json!("OVERDUE"), &json!(true), &json!(false))
        );
        assert_eq!(read["version"], 1, "created as it is");
        let done = office.agent.complete_task(&task).await;
        assert_eq!(done.expect(200)["task"]["status"], "COMPLETED");
        assert_eq!(done.json["task"]["completedLate"], true);
    }
    office.holds().await;
}

#[tokio::test]
async fn a_due_date_moved_into_the_future_ends_it_and_one_in_the_past_begins_it() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Moved", json!({"dueDate": days_from_today(-3)}))
        .await;
    let path = format!("/api/tasks/{task}");
    let answer = patch_at(
        &office.agent,
        &path,
        &json!(1),
        &json!({"dueDate": days_from_today(3)}),
    )
    .await;
    answer.expect(200);
    let read = office.agent.read_task(&task).await;
    assert_eq!(
        (&read["status"], &read["isOverdue"]),
        (&json!("PENDING"), &json!(false))
    );

    patch_at(
        &office.agent,
        &path,
        &read["version"],
        &json!({"dueDate": days_from_today(-2)}),
    )
    .await
    .expect(200);
    let read = office.agent.read_task(&task).await;
    assert_eq!(read["status"], "OVERDUE");
    patch_at(
        &office.agent,
        &path,
        &read["version"],
        &json!({"dueDate": null}),
    )
    .await
    .expect(200);
    assert_eq!(office.agent.read_task(&task).await["status"], "PENDING");
    assert_eq!(
        office.history(&task).await,
        [
            "tasks.task.created",
            "tasks.task.updated",
            "tasks.task.updated",
            "tasks.task.overdue",
            "tasks.task.updated"
        ]
    );
    office.holds().await;
}

#[tokio::test]
async fn an_overdue_task_that_waits_is_both_and_cannot_be_completed() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let first = office.agent.add_task(&deal.id, "First", json!({})).await;
    let fields = json!({"dueDate": days_from_today(-3), "dependsOn": [first]});
    let second = office.agent.add_task(&deal.id, "Second", fields).await;
    let read = office.agent.read_task(&second).await;
    assert_eq!(
        (&read["status"], &read["isOverdue"], &read["isBlocked"]),
        (&json!("OVERDUE"), &json!(true), &json!(true))
    );
    office
        .agent
        .complete_task(&second)
        .await
        .refuses(409, "TASK_BLOCKED");

    let answer = office.agent.complete_task(&first).await;
    assert_eq!(answer.expect(200)["unlocked"], json!([second]));
    let read = office.agent.read_task(&second).await;
    assert_eq!(
        (&read["status"], &read["isBlocked"]),
        (&json!("OVERDUE"), &json!(false))
    );
    office.agent.complete_task(&second).await.expect(200);
    office.holds().await;
}

#[tokio::test]
async fn a_task_due_today_is_in_time() {
    let office = Office::new().await;
    let deal = office.deal().await;
    // In New York it is this date or the day before.
    let task = office
        .agent
        .add_task(&deal.id, "Today", json!({"dueDate": days_from_today(0)}))
        .await;
    assert_eq!(office.agent.read_task(&task).await["status"], "PENDING");
    let done = office.agent.complete_task(&task).await;
    assert_eq!(done.expect(200)["task"]["completedLate"], false);
}
