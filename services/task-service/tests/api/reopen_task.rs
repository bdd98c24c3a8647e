//! `POST /api/tasks/:id/reopen`: it was not done after all.

use serde_json::{Value, json};

use crate::support::{Office, Tasks, days_from_today, refuses_field, refuses_permission, text};

#[tokio::test]
async fn a_reopened_task_blocks_again_what_waited_for_it() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let [first, second] = office.agent.add_chain(&deal.id, ["First", "Second"]).await;
    office.agent.complete_task(&first).await.expect(200);

    office
        .coordinator
        .task_command(&first, "reopen", json!({"reason": "a page is missing"}))
        .await
        .expect(200);
    let read = office.agent.read_task(&first).await;
    assert_eq!(
        (&read["status"], &read["completedAt"], &read["completedBy"]),
        (&json!("IN_PROGRESS"), &Value::Null, &Value::Null)
    );
    assert_eq!(office.agent.read_task(&second).await["status"], "BLOCKED");
    office.holds().await;

    let answer = office.agent.complete_task(&first).await;
    assert_eq!(
        answer.expect(200)["unlocked"],
        json!([second]),
        "it is unlocked once more, in a new episode"
    );
    assert_eq!(
        office.history(&second).await,
        [
            "tasks.task.created",
            "tasks.task.unlocked",
            "tasks.task.blocked",
            "tasks.task.unlocked"
        ]
    );
    office.holds().await;
}

#[tokio::test]
async fn a_completed_dependent_forbids_it_unless_it_is_reopened_as_well() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let [first, second, third] = office
        .agent
        .add_chain(&deal.id, ["First", "Second", "Third"])
        .await;
    let beside = office
        .agent
        .add_waiting(&deal.id, "Beside", &[&first])
        .await;
    for task in [&first, &second, &third] {
        office.agent.complete_task(task).await.expect(200);
    }
    let refused = office
        .coordinator
        .task_command(&first, "reopen", json!({"reason": "wrong house"}))
        .await;
    assert_eq!(
        refused.refuses(409, "TASK_DEPENDENT_DONE")["dependents"],
        json!([second])
    );
    assert_eq!(office.agent.read_task(&first).await["status"], "COMPLETED");

    let body = json!({"reason": "wrong house", "cascade": true});
    office
        .coordinator
        .task_command(&first, "reopen", body)
        .await
        .expect(200);
    let mut statuses = Vec::new();
    for task in [&first, &second, &third, &beside] {
        statuses.push(text(&office.agent.read_task(task).await["status"]));
    }
    assert_eq!(statuses, ["IN_PROGRESS", "BLOCKED", "BLOCKED", "BLOCKED"]);
    office.holds().await;
    for task in [&first, &second, &third, &beside] {
        office.agent.complete_task(task).await.expect(200);
    }
    office.holds().await;
}

#[tokio::test]
async fn an_open_task_is_not_reopened_and_a_waived_one_is() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal.id, "Open", json!({})).await;
    let reason = json!({"reason": "again"});
    office
        .coordinator
        .task_command(&task, "reopen", reason.clone())
        .await
        .refuses(409, "TASK_NOT_DONE");
    office
        .coordinator
        .task_command(&task, "waive", json!({"reason": "no need"}))
        .await
        .expect(200);
    office
        .coordinator
        .task_command(&task, "reopen", reason)
        .await
        .expect(200);
    let read = office.agent.read_task(&task).await;
    assert_eq!(
        (&read["status"], &read["waivedAt"], &read["waiveReason"]),
        (&json!("PENDING"), &Value::Null, &Value::Null)
    );
    office.holds().await;
}

#[tokio::test]
async fn a_task_reopened_after_its_due_date_is_overdue() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(
            &deal.id,
            "Long ago",
            json!({"dueDate": days_from_today(-8)}),
        )
        .await;
    office.agent.complete_task(&task).await.expect(200);
    office
        .coordinator
        .task_command(&task, "reopen", json!({"reason": "again"}))
        .await
        .expect(200);
    assert_eq!(office.agent.read_task(&task).await["status"], "OVERDUE");
}

#[tokio::test]
async fn a_completed_milestone_is_open_again_with_its_task() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    for key in [
        "verify_executed_contract",
        "confirm_effective_date",
        "enter_key_dates",
        "send_intro_package",
        "buyer_kickoff_call",
        "wire_fraud_ack",
        "broker_opening_review",
    ] {
        office.coordinator.complete(&deal.id, key).await;
    }
    let plan = office.coordinator.planned(&deal.id).await;
    assert_eq!(plan["milestones"][0]["state"], "DONE");
    let last = office
        .coordinator
        .task(&deal.id, "broker_opening_review")
        .await;
    office
        .coordinator
        .task_command(
            &text(&last["id"]),
            "reopen",
            json!({"reason": "not reviewed"}),
        )
        .await
        .expect(200);
    let plan = office.coordinator.planned(&deal.id).await;
    assert_eq!(plan["milestones"][0]["state"], "CURRENT");
    let history = office.history(&text(&plan["milestones"][0]["id"])).await;
    assert_eq!(
        history,
        ["tasks.milestone.completed", "tasks.milestone.reopened"]
    );
    office.holds().await;
}

#[tokio::test]
async fn reopening_takes_manage_tasks_and_a_reason() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Mine", json!({"assigneeId": office.agent.id}))
        .await;
    office.agent.complete_task(&task).await.expect(200);
    refuses_permission(
        &office
            .agent
            .task_command(&task, "reopen", json!({"reason": "oops"}))
            .await,
        "manage_tasks",
    );
    refuses_field(
        &office
            .coordinator
            .task_command(&task, "reopen", json!({}))
            .await,
        "reason",
        "required",
    );
    refuses_field(
        &office
            .coordinator
            .task_command(&task, "reopen", json!({"reason": "x", "cascade": "yes"}))
            .await,
        "cascade",
        "type",
    );
}

#[tokio::test]
async fn the_key_dates_of_all_that_are_reopened_together_are_open_again() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let coordinator = &office.coordinator;
    let state = async || {
        let dates = crate::dates::read(coordinator, &deal).await;
        crate::dates::by_key(&dates)["earnest_money_due"]["state"].clone()
    };
    for key in [
        "verify_executed_contract",
        "confirm_effective_date",
        "enter_key_dates",
        "send_intro_package",
        "buyer_kickoff_call",
        "wire_fraud_ack",
        "open_escrow",
        "verify_deposit_wire",
        "deliver_earnest_money",
    ] {
        coordinator.complete(&deal.id, key).await;
    }
    assert_eq!(state().await, "SATISFIED");
    let first = text(&coordinator.task(&deal.id, "verify_executed_contract").await["id"]);
    let cascade = json!({"reason": "a page is missing", "cascade": true});
    let reopened = coordinator.task_command(&first, "reopen", cascade).await;
    reopened.expect(200);
    assert_eq!(state().await, "SCHEDULED");
    office.holds().await;
}
