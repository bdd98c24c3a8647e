//! `POST /api/tasks/:id/complete`: who may, when it is refused, and what it answers.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Office, Tasks, days_from_today, ids, random_id, refuses_case, refuses_field,
    refuses_permission, tasks_of, text,
};

#[tokio::test]
async fn completing_ones_own_task_answers_the_task_and_what_it_unlocked() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let first = office
        .agent
        .add_task(
            &deal.id,
            "Read the contract",
            json!({"assigneeId": office.agent.id}),
        )
        .await;
    let second = office
        .agent
        .add_waiting(&deal.id, "Sign it", &[&first])
        .await;

    let answer = office
        .agent
        .task_command(&first, "complete", json!({"note": "all pages there"}))
        .await;
    let answer = answer.expect(200);
    assert_eq!(answer["unlocked"], json!([second]));
    assert_eq!(answer["milestoneCompleted"], Value::Null);
    let task = &answer["task"];
    assert_eq!(task["id"], json!(first));
    assert_eq!(task["status"], "COMPLETED");
    assert_eq!(task["completedBy"], json!(office.agent.id));
    assert_eq!(task["completedLate"], false);
    assert_eq!(task["note"], "all pages there");
    assert!(
        task["completedAt"]
            .as_str()
            .is_some_and(|at| at.ends_with('Z')),
        "{task}"
    );

    let read = office.agent.read_task(&first).await;
    assert_eq!(
        (&read["status"], &read["version"]),
        (&task["status"], &task["version"])
    );
    assert_eq!(office.agent.read_task(&second).await["status"], "PENDING");
    assert_eq!(
        office.history(&first).await,
        ["tasks.task.created", "tasks.task.completed"]
    );
    assert_eq!(
        office.history(&second).await,
        ["tasks.task.created", "tasks.task.unlocked"]
    );
    office.holds().await;
}

#[tokio::test]
async fn completing_an_unassigned_task_assigns_it_to_the_caller_first() {
    let office = Office::new().await;
    let deal = office.deal().await;
    for user in [&office.coordinator, &office.agent] {
        let task = user.add_task(&deal.id, "Call the lender", json!({})).await;
        let answer = user.complete_task(&task).await;
        assert_eq!(answer.expect(200)["task"]["assigneeId"], json!(user.id));
        assert_eq!(answer.json["task"]["version"], 3);
        assert_eq!(
            office.history(&task).await,
            [
                "tasks.task.created",
                "tasks.task.assigned",
                "tasks.task.completed"
            ]
        );
    }
    office.holds().await;
}

#[tokio::test]
async fn another_persons_task_is_completed_by_who_manages_tasks_only() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let of_coordinator = office
        .agent
        .add_task(
            &deal.id,
            "File it",
            json!({"assigneeId": office.coordinator.id}),
        )
        .await;
    refuses_permission(
        &office.agent.complete_task(&of_coordinator).await,
        "manage_tasks",
    );
    assert_eq!(
        office.agent.read_task(&of_coordinator).await["status"],
        "IN_PROGRESS"
    );

    let of_agent = office
        .agent
        .add_task(
            &deal.id,
            "Show the house",
            json!({"assigneeId": office.agent.id}),
        )
        .await;
    let answer = office.coordinator.complete_task(&of_agent).await;
    assert_eq!(
        answer.expect(200)["task"]["completedBy"],
        json!(office.coordinator.id)
    );
    assert_eq!(
        answer.json["task"]["assigneeId"],
        json!(office.agent.id),
        "it stays whose it was"
    );
}

#[tokio::test]
async fn a_buyer_completes_its_own_task_but_no_other() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let own = office
        .agent
        .add_task(
            &deal.id,
            "Pay the deposit",
            json!({"assigneeId": office.buyer.id}),
        )
        .await;
    let shown = office
        .agent
        .add_task(&deal.id, "Inspect", json!({"buyerVisible": true}))
        .await;
    let hidden = office
        .agent
        .add_task(&deal.id, "Check the commission", json!({}))
        .await;

    office.buyer.complete_task(&own).await.expect(200);
    office
        .buyer
        .complete_task(&shown)
        .await
        .refuses(403, "FORBIDDEN");
    office
        .buyer
        .complete_task(&hidden)
        .await
        .refuses(404, "NOT_FOUND");
    assert_eq!(office.agent.read_task(&shown).await["version"], 1);
}

#[tokio::test]
async fn a_blocked_task_is_refused_and_names_what_it_waits_for() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let first = office
        .agent
        .add_task(&deal.id, "Order the title search", json!({}))
        .await;
    let done = office
        .agent
        .add_task(&deal.id, "Done before", json!({}))
        .await;
    let blocked = office
        .agent
        .add_waiting(&deal.id, "Review the title", &[&first, &done])
        .await;
    office.coordinator.complete_task(&done).await.expect(200);

    let answer = office.coordinator.complete_task(&blocked).await;
    let details = answer.refuses(409, "TASK_BLOCKED");
    assert_eq!(
        details["blockedBy"].as_array().map(Vec::len),
        Some(1),
        "{details}"
    );
    assert_eq!(details["blockedBy"][0]["id"], json!(first));
    assert_eq!(details["blockedBy"][0]["title"], "Order the title search");
    assert_eq!(office.agent.read_task(&blocked).await["status"], "BLOCKED");
}

#[tokio::test]
async fn a_buyer_is_told_only_the_part_that_holds_its_task_up() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let hidden = office
        .agent
        .add_task(
            &deal.id,
            "Negotiate the fee",
            json!({"ownerRole": "title_escrow"}),
        )
        .await;
    let fields = json!({"assigneeId": office.buyer.id, "dependsOn": [hidden]});
    let own = office.agent.add_task(&deal.id, "Sign", fields).await;

    let answer = office.buyer.complete_task(&own).await;
    assert_eq!(
        answer.refuses(409, "TASK_BLOCKED")["blockedBy"],
        json!([{"ownerRole": "title_escrow"}])
    );
    assert!(
        !answer.text.contains(&hidden) && !answer.text.contains("Negotiate"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn a_finished_task_is_refused() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let completed = office.agent.add_task(&deal.id, "Once", json!({})).await;
    office.agent.complete_task(&completed).await.expect(200);
    office
        .coordinator
        .complete_task(&completed)
        .await
        .refuses(409, "TASK_ALREADY_DONE");

    let waived = office.agent.add_task(&deal.id, "Never", json!({})).await;
    office
        .coordinator
        .task_command(&waived, "waive", json!({"reason": "not needed"}))
        .await
        .expect(200);
    office
        .coordinator
        .complete_task(&waived)
        .await
        .refuses(409, "TASK_ALREADY_DONE");
    assert_eq!(office.history(&completed).await.len(), 3);
}

#[tokio::test]
async fn a_completion_may_be_back_dated_but_not_into_the_future() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Sent by post", json!({}))
        .await;
    let tomorrow = json!({"completedOn": days_from_today(1)});
    refuses_field(
        &office.agent.task_command(&task, "complete", tomorrow).await,
        "completedOn",
        "max",
    );

    let then = days_from_today(-3);
    let answer = office
        .agent
        .task_command(&task, "complete", json!({"completedOn": then}))
        .await;
    assert_eq!(answer.expect(200)["task"]["completedOn"], json!(then));
}

#[tokio::test]
async fn nothing_was_completed_before_the_deals_first_anchor() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let task = office
        .coordinator
        .task(&deal.id, "verify_executed_contract")
        .await;
    let body = json!({"completedOn": days_from_today(-10)});
    let answer = office
        .coordinator
        .task_command(&text(&task["id"]), "complete", body)
        .await;
    refuses_field(&answer, "completedOn", "min");
}

#[tokio::test]
async fn what_was_done_after_its_due_date_was_completed_late() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let due = days_from_today(-5);
    let late = office
        .agent
        .add_task(&deal.id, "Late", json!({"dueDate": due}))
        .await;
    let answer = office.agent.complete_task(&late).await;
    assert_eq!(answer.expect(200)["task"]["completedLate"], true);
    assert_eq!(answer.json["task"]["status"], "COMPLETED");
    assert_eq!(answer.json["task"]["isOverdue"], false);

    let told_late = office
        .agent
        .add_task(&deal.id, "In time, told late", json!({"dueDate": due}))
        .await;
    let answer = office
        .agent
        .task_command(&told_late, "complete", json!({"completedOn": due}))
        .await;
    assert_eq!(
        answer.expect(200)["task"]["completedLate"],
        false,
        "the due date itself is in time"
    );
}

#[tokio::test]
async fn bodies_that_are_not_a_completion_are_refused_by_field() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Something", json!({}))
        .await;
    let cases = [
        (
            "a field that does not exist",
            json!({"done": true}),
            "done",
            "unknown",
        ),
        (
            "a status cannot be set",
            json!({"status": "COMPLETED"}),
            "status",
            "unknown",
        ),
        ("a note that is no text", json!({"note": 5}), "note", "type"),
        (
            "a note that is too long",
            json!({"note": "n".repeat(1001)}),
            "note",
            "max_length",
        ),
        (
            "a date with a time",
            json!({"completedOn": "2026-03-02T10:00:00Z"}),
            "completedOn",
            "format",
        ),
        (
            "a day that does not exist",
            json!({"completedOn": "2026-02-30"}),
            "completedOn",
            "format",
        ),
        (
            "a number for a date",
            json!({"completedOn": 20260302}),
            "completedOn",
            "type",
        ),
    ];
    for (why, body, field, constraint) in cases {
        let answer = office.agent.task_command(&task, "complete", body).await;
        refuses_case(why, &answer, field, constraint);
    }
    assert_eq!(
        office.agent.read_task(&task).await["version"],
        1,
        "a refusal changed the task"
    );
}

#[tokio::test]
async fn ids_that_name_no_task_are_not_found() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Something", json!({}))
        .await;
    let odd = [
        random_id(),
        "7".to_owned(),
        task.to_uppercase(),
        task.replace('-', ""),
        deal.id.clone(),
    ];
    for id in odd {
        office
            .coordinator
            .complete_task(&id)
            .await
            .refuses(404, "NOT_FOUND");
    }
    let path = format!("/api/tasks/{task}/complete/");
    office
        .coordinator
        .api
        .post(&path, &json!({}))
        .await
        .refuses(404, "NOT_FOUND");
    office
        .coordinator
        .api
        .send(Method::GET, path.trim_end_matches('/'), &[], None)
        .await
        .refuses(405, "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn the_last_task_of_a_milestone_completes_it() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let plan = office.coordinator.planned(&deal.id).await;
    let milestone = &plan["milestones"][0];
    assert_eq!(milestone["state"], "CURRENT");
    let mut open = ids(milestone["tasks"].as_array().unwrap());
    let mut completed = Vec::new();
    while !open.is_empty() {
        let mut blocked = Vec::new();
        for task in &open {
            let answer = office.coordinator.complete_task(task).await;
            if answer.status == 409 {
                answer.refuses(409, "TASK_BLOCKED");
                blocked.push(task.clone());
            } else {
                completed.push(answer.expect(200)["milestoneCompleted"].clone());
            }
        }
        assert!(blocked.len() < open.len(), "a milestone waits for another");
        open = blocked;
    }
    assert_eq!(completed.last(), Some(&milestone["id"]));
    assert_eq!(
        completed.iter().filter(|told| !told.is_null()).count(),
        1,
        "{completed:?}"
    );

    let plan = office.coordinator.planned(&deal.id).await;
    assert_eq!(plan["milestones"][0]["state"], "DONE");
    assert_eq!(plan["milestones"][1]["state"], "CURRENT");
    assert_eq!(
        office.history(&text(&milestone["id"])).await,
        ["tasks.milestone.completed"]
    );
    office.holds().await;
}

#[tokio::test]
async fn unlocked_names_only_what_the_caller_may_see() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let own = office
        .agent
        .add_task(
            &deal.id,
            "Send the papers",
            json!({"assigneeId": office.buyer.id}),
        )
        .await;
    let hidden = office
        .agent
        .add_waiting(&deal.id, "Check them", &[&own])
        .await;
    let fields = json!({"dependsOn": [own], "buyerVisible": true});
    let shown = office.agent.add_task(&deal.id, "Sign them", fields).await;
    let answer = office.buyer.complete_task(&own).await;
    assert_eq!(answer.expect(200)["unlocked"], json!([shown]));
    assert_eq!(
        office.agent.read_task(&hidden).await["status"],
        "PENDING",
        "it is free all the same"
    );
    office.holds().await;
}

#[tokio::test]
async fn dependents_in_other_milestones_are_unlocked_too() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    for key in ["verify_executed_contract", "confirm_effective_date"] {
        office.coordinator.complete(&deal.id, key).await;
    }
    let answer = office
        .coordinator
        .complete(&deal.id, "enter_key_dates")
        .await;
    let plan = office.coordinator.planned(&deal.id).await;
    let now_free: Vec<String> = tasks_of(&plan)
        .iter()
        .filter(|task| {
            task["dependsOn"]
                .as_array()
                .unwrap()
                .contains(&answer["task"]["id"])
        })
        .map(|task| text(&task["id"]))
        .collect();
    let mut told: Vec<String> = answer["unlocked"]
        .as_array()
        .unwrap()
        .iter()
        .map(text)
        .collect();
    let mut expected = now_free;
    told.sort();
    expected.sort();
    assert!(expected.len() >= 3, "{expected:?}");
    assert_eq!(told, expected);
}
