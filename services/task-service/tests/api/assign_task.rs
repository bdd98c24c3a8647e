//! `POST /api/tasks/:id/assign`: who is to do it.

use serde_json::{Value, json};

use crate::support::{
    Office, Tasks, random_id, refuses_field, refuses_permission, refuses_reference,
};

#[tokio::test]
async fn assigning_starts_a_task_and_unassigning_stops_it() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Give it away", json!({}))
        .await;
    office
        .agent
        .task_command(
            &task,
            "assign",
            json!({"assigneeId": office.coordinator.id}),
        )
        .await
        .expect(200);
    let read = office.agent.read_task(&task).await;
    assert_eq!(
        (&read["status"], &read["assigneeId"], &read["version"]),
        (
            &json!("IN_PROGRESS"),
            &json!(office.coordinator.id),
            &json!(2)
        )
    );

    office
        .agent
        .task_command(&task, "assign", json!({"assigneeId": null}))
        .await
        .expect(200);
    let read = office.agent.read_task(&task).await;
    assert_eq!(
        (&read["status"], &read["assigneeId"]),
        (&json!("PENDING"), &Value::Null)
    );
    assert_eq!(
        office.history(&task).await,
        [
            "tasks.task.created",
            "tasks.task.assigned",
            "tasks.task.assigned"
        ]
    );
    office.holds().await;
}

#[tokio::test]
async fn assigning_the_same_person_again_is_no_transition() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(
            &deal.id,
            "Same again",
            json!({"assigneeId": office.agent.id}),
        )
        .await;
    office
        .agent
        .task_command(&task, "assign", json!({"assigneeId": office.agent.id}))
        .await
        .expect(200);
    assert_eq!(office.agent.read_task(&task).await["version"], 1);
    assert_eq!(office.history(&task).await, ["tasks.task.created"]);
}

#[tokio::test]
async fn a_blocked_task_stays_blocked_and_starts_once_it_is_free() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let [first, second] = office.agent.add_chain(&deal.id, ["First", "Second"]).await;
    office
        .agent
        .task_command(&second, "assign", json!({"assigneeId": office.agent.id}))
        .await
        .expect(200);
    assert_eq!(office.agent.read_task(&second).await["status"], "BLOCKED");
    office.agent.complete_task(&first).await.expect(200);
    assert_eq!(
        office.agent.read_task(&second).await["status"],
        "IN_PROGRESS"
    );
    assert_eq!(
        office.history(&second).await,
        [
            "tasks.task.created",
            "tasks.task.assigned",
            "tasks.task.unlocked",
            "tasks.task.started"
        ]
    );
}

#[tokio::test]
async fn an_assignee_must_be_an_active_user_who_may_view_the_deal() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal.id, "Whose", json!({})).await;
    let foreign = Office::new().await;
    for id in [
        random_id(),
        foreign.agent.id.clone(),
        foreign.coordinator.id.clone(),
    ] {
        refuses_reference(
            &office
                .agent
                .task_command(&task, "assign", json!({"assigneeId": id}))
                .await,
            "assigneeId",
        );
    }
    // Of the organization, but with no part in the deal.
    for user in [
        office.organization.agent().await,
        office.organization.buyer().await,
    ] {
        let answer = office
            .coordinator
            .task_command(&task, "assign", json!({"assigneeId": user.id}))
            .await;
        assert_eq!(
            answer.expect(400)["details"]["field"],
            "assigneeId",
            "{}",
            answer.text
        );
    }
    let gone = office.organization.coordinator().await;
    office
        .admin()
        .api
        .delete(&format!("/api/users/{}", gone.id))
        .await
        .expect(204);
    let answer = office
        .coordinator
        .task_command(&task, "assign", json!({"assigneeId": gone.id}))
        .await;
    assert_eq!(
        answer.expect(400)["details"]["field"],
        "assigneeId",
        "{}",
        answer.text
    );

    // A coordinator sees every deal, a buyer those it is a party of.
    for user in [&office.organization.coordinator().await, &office.buyer] {
        office
            .agent
            .task_command(&task, "assign", json!({"assigneeId": user.id}))
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn bodies_that_are_not_an_assignment_are_refused_by_field() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal.id, "Whose", json!({})).await;
    let assign = async |body: Value| office.agent.task_command(&task, "assign", body).await;
    refuses_field(&assign(json!({})).await, "assigneeId", "required");
    refuses_field(
        &assign(json!({"assigneeId": "me"})).await,
        "assigneeId",
        "format",
    );
    refuses_field(
        &assign(json!({"assigneeId": 7})).await,
        "assigneeId",
        "type",
    );
    refuses_field(
        &assign(json!({"assigneeId": null, "notify": true})).await,
        "notify",
        "unknown",
    );
    assert_eq!(office.agent.read_task(&task).await["version"], 1);
}

#[tokio::test]
async fn assigning_takes_assign_tasks_in_a_deal_one_sees() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let own = office
        .agent
        .add_task(
            &deal.id,
            "The buyer's",
            json!({"assigneeId": office.buyer.id}),
        )
        .await;
    let body = json!({"assigneeId": office.agent.id});
    refuses_permission(
        &office
            .buyer
            .task_command(&own, "assign", body.clone())
            .await,
        "assign_tasks",
    );
    office
        .organization
        .agent()
        .await
        .task_command(&own, "assign", body.clone())
        .await
        .refuses(404, "NOT_FOUND");
    office
        .coordinator
        .task_command(&own, "assign", body)
        .await
        .expect(200);
}

#[tokio::test]
async fn a_finished_task_is_given_to_nobody() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal.id, "Done", json!({})).await;
    office.agent.complete_task(&task).await.expect(200);
    let answer = office
        .agent
        .task_command(
            &task,
            "assign",
            json!({"assigneeId": office.coordinator.id}),
        )
        .await;
    answer.refuses(409, "TASK_ALREADY_DONE");
}
