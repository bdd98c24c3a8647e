//! `POST /api/tasks/:id/waive`: it will not be done, and nobody has to wait for it.

use serde_json::{Value, json};

use crate::support::{Office, Tasks, days_from_today, refuses_field, refuses_permission};

#[tokio::test]
async fn a_waiver_keeps_its_reason_and_frees_what_waited() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let first = office.agent.add_task(&deal.id, "Survey", json!({})).await;
    let middle = office
        .agent
        .add_waiting(&deal.id, "Inspection", &[&first])
        .await;
    let last = office
        .agent
        .add_waiting(&deal.id, "Repairs", &[&middle])
        .await;

    office
        .coordinator
        .task_command(&middle, "waive", json!({"reason": "the buyer waives it"}))
        .await
        .expect(200);
    let read = office.coordinator.read_task(&middle).await;
    assert_eq!(
        (&read["status"], &read["waiveReason"]),
        (&json!("WAIVED"), &json!("the buyer waives it"))
    );
    assert_eq!(
        (&read["isBlocked"], &read["waivedBy"]),
        (&json!(false), &json!(office.coordinator.id))
    );
    assert_eq!(
        office.agent.read_task(&last).await["status"],
        "PENDING",
        "a waiver satisfies like a completion"
    );
    assert_eq!(
        office.history(&middle).await,
        ["tasks.task.created", "tasks.task.waived"]
    );

    // What it waited for may still be done, and changes it no more.
    office.agent.complete_task(&first).await.expect(200);
    assert_eq!(office.coordinator.read_task(&middle).await["version"], 2);
    office.holds().await;
}

#[tokio::test]
async fn a_reason_is_required() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal.id, "Waive me", json!({})).await;
    let waive = async |body: Value| office.coordinator.task_command(&task, "waive", body).await;
    refuses_field(&waive(json!({})).await, "reason", "required");
    refuses_field(&waive(json!({"reason": "  "})).await, "reason", "required");
    refuses_field(&waive(json!({"reason": null})).await, "reason", "required");
    refuses_field(&waive(json!({"reason": 1})).await, "reason", "type");
    refuses_field(
        &waive(json!({"reason": "r".repeat(1001)})).await,
        "reason",
        "max_length",
    );
    refuses_field(
        &waive(json!({"reason": "why", "force": true})).await,
        "force",
        "unknown",
    );
}

#[tokio::test]
async fn only_who_manages_tasks_waives() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Waive me", json!({"assigneeId": office.agent.id}))
        .await;
    refuses_permission(
        &office
            .agent
            .task_command(&task, "waive", json!({"reason": "mine"}))
            .await,
        "manage_tasks",
    );
    let own = office
        .agent
        .add_task(&deal.id, "Waive me", json!({"assigneeId": office.buyer.id}))
        .await;
    refuses_permission(
        &office
            .buyer
            .task_command(&own, "waive", json!({"reason": "mine"}))
            .await,
        "manage_tasks",
    );
    office
        .admin()
        .task_command(&task, "waive", json!({"reason": "ours"}))
        .await
        .expect(200);
}

#[tokio::test]
async fn a_finished_task_is_not_waived_and_an_overdue_one_is() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let done = office.agent.add_task(&deal.id, "Done", json!({})).await;
    office.agent.complete_task(&done).await.expect(200);
    let reason = json!({"reason": "late"});
    office
        .coordinator
        .task_command(&done, "waive", reason.clone())
        .await
        .refuses(409, "TASK_ALREADY_DONE");

    let overdue = office
        .agent
        .add_task(&deal.id, "Overdue", json!({"dueDate": days_from_today(-9)}))
        .await;
    office
        .coordinator
        .task_command(&overdue, "waive", reason.clone())
        .await
        .expect(200);
    assert_eq!(office.agent.read_task(&overdue).await["isOverdue"], false);
    office
        .coordinator
        .task_command(&overdue, "waive", reason)
        .await
        .refuses(409, "TASK_ALREADY_DONE");
}
