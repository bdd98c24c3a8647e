//! `POST` and `DELETE /api/tasks/:id/dependencies`: what waits for what, without a cycle.

use serde_json::{Value, json};
use testkit::{Response, User};

use crate::support::{
    Office, Tasks, random_id, refuses_field, refuses_permission, refuses_reference,
};

async fn wait_for(user: &User, task: &str, prerequisite: &str) -> Response {
    user.api
        .post(
            &format!("/api/tasks/{task}/dependencies"),
            &json!({"dependsOnId": prerequisite}),
        )
        .await
}

#[track_caller]
fn succeeds(answer: &Response) {
    assert!(
        answer.status.is_success(),
        "{}: {}",
        answer.request,
        answer.text
    );
}

#[tokio::test]
async fn a_task_made_to_wait_is_blocked_until_the_dependency_is_removed() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let first = office.agent.add_task(&deal.id, "First", json!({})).await;
    let second = office.agent.add_task(&deal.id, "Second", json!({})).await;
    succeeds(&wait_for(&office.coordinator, &second, &first).await);
    let read = office.agent.read_task(&second).await;
    assert_eq!(
        (&read["status"], &read["dependencies"][0]["id"]),
        (&json!("BLOCKED"), &json!(first))
    );
    office.holds().await;

    let path = format!("/api/tasks/{second}/dependencies/{first}");
    office.coordinator.api.delete(&path).await.expect(204);
    let read = office.agent.read_task(&second).await;
    assert_eq!(
        (&read["status"], &read["dependencies"]),
        (&json!("PENDING"), &json!([]))
    );
    office
        .coordinator
        .api
        .delete(&path)
        .await
        .refuses(404, "NOT_FOUND");
    assert_eq!(
        office.history(&second).await,
        [
            "tasks.task.created",
            "tasks.task.blocked",
            "tasks.task.unlocked"
        ]
    );
    office.holds().await;
}

#[tokio::test]
async fn what_is_done_already_blocks_nobody() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let done = office.agent.add_task(&deal.id, "Done", json!({})).await;
    office.agent.complete_task(&done).await.expect(200);
    let open = office.agent.add_task(&deal.id, "Open", json!({})).await;
    succeeds(&wait_for(&office.coordinator, &open, &done).await);
    assert_eq!(office.agent.read_task(&open).await["status"], "PENDING");
    let other = office.agent.add_task(&deal.id, "Other", json!({})).await;
    wait_for(&office.coordinator, &done, &other)
        .await
        .refuses(409, "TASK_ALREADY_DONE");
    office.holds().await;
}

#[tokio::test]
async fn a_dependency_that_would_close_a_cycle_is_refused_with_the_path() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let [first, second, third] = office
        .agent
        .add_chain(&deal.id, ["First", "Second", "Third"])
        .await;
    let answer = wait_for(&office.coordinator, &first, &third).await;
    let path = answer.refuses(400, "TASK_DEPENDENCY_CYCLE")["path"]
        .as_array()
        .unwrap();
    assert_eq!(path.len(), 4, "{path:?}");
    assert_eq!(path.first(), path.last());
    for task in [&first, &second, &third] {
        assert!(path.contains(&json!(task)), "{path:?}");
    }
    wait_for(&office.coordinator, &first, &first)
        .await
        .refuses(400, "TASK_DEPENDENCY_CYCLE");
    assert_eq!(office.agent.read_task(&first).await["status"], "PENDING");
}

#[tokio::test]
async fn of_two_additions_that_together_close_a_cycle_one_loses() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let user = &office.coordinator;
    for _ in 0..30 {
        let first = user.add_task(&deal.id, "First", json!({})).await;
        let second = user.add_task(&deal.id, "Second", json!({})).await;
        let (one, other) = tokio::join!(
            wait_for(user, &first, &second),
            wait_for(user, &second, &first)
        );
        let (won, lost) = if one.status.is_success() {
            (one, other)
        } else {
            (other, one)
        };
        succeeds(&won);
        lost.refuses(400, "TASK_DEPENDENCY_CYCLE");
    }
    office.holds().await;
}

#[tokio::test]
async fn of_three_additions_that_together_close_a_cycle_one_loses() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let user = &office.coordinator;
    for _ in 0..15 {
        let mut ring = Vec::new();
        for title in ["A", "B", "C"] {
            ring.push(user.add_task(&deal.id, title, json!({})).await);
        }
        let (one, two, three) = tokio::join!(
            wait_for(user, &ring[0], &ring[1]),
            wait_for(user, &ring[1], &ring[2]),
            wait_for(user, &ring[2], &ring[0]),
        );
        let (won, lost): (Vec<Response>, Vec<Response>) = [one, two, three]
            .into_iter()
            .partition(|answer| answer.status.is_success());
        assert_eq!((won.len(), lost.len()), (2, 1));
        lost[0].refuses(400, "TASK_DEPENDENCY_CYCLE");
    }
    office.holds().await;
}

#[tokio::test]
async fn adding_a_dependency_while_it_is_completed_leaves_nothing_stuck() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let user = &office.coordinator;
    for _ in 0..40 {
        let first = user.add_task(&deal.id, "First", json!({})).await;
        let second = user.add_task(&deal.id, "Second", json!({})).await;
        let (added, completed) =
            tokio::join!(wait_for(user, &second, &first), user.complete_task(&first));
        succeeds(&added);
        completed.expect(200);
        assert_eq!(user.read_task(&second).await["status"], "PENDING");
    }
    office.holds().await;
}

#[tokio::test]
async fn bodies_and_references_that_are_wrong_are_refused_by_field() {
    let office = Office::new().await;
    let (deal, other_deal) = (office.deal().await, office.deal().await);
    let task = office.agent.add_task(&deal.id, "Here", json!({})).await;
    let foreign = Office::new().await;
    let foreign_deal = foreign.deal().await;
    let foreign_task = foreign
        .agent
        .add_task(&foreign_deal.id, "Theirs", json!({}))
        .await;
    for id in [random_id(), foreign_task] {
        refuses_reference(
            &wait_for(&office.coordinator, &task, &id).await,
            "dependsOnId",
        );
    }
    let elsewhere = office
        .agent
        .add_task(&other_deal.id, "Elsewhere", json!({}))
        .await;
    let answer = wait_for(&office.coordinator, &task, &elsewhere).await;
    assert_eq!(
        answer.expect(400)["details"]["field"],
        "dependsOnId",
        "{}",
        answer.text
    );

    let path = format!("/api/tasks/{task}/dependencies");
    let post = async |body: Value| office.coordinator.api.post(&path, &body).await;
    refuses_field(&post(json!({})).await, "dependsOnId", "required");
    refuses_field(
        &post(json!({"dependsOnId": "x"})).await,
        "dependsOnId",
        "format",
    );
    refuses_field(
        &post(json!({"dependsOnId": task, "lag": 2})).await,
        "lag",
        "unknown",
    );
}

#[tokio::test]
async fn changing_the_order_of_work_takes_manage_tasks() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let [first, second] = office.agent.add_chain(&deal.id, ["First", "Second"]).await;
    refuses_permission(
        &wait_for(&office.agent, &first, &second).await,
        "manage_tasks",
    );
    let path = format!("/api/tasks/{second}/dependencies/{first}");
    refuses_permission(&office.agent.api.delete(&path).await, "manage_tasks");
    refuses_permission(&office.buyer.api.delete(&path).await, "manage_tasks");
}
