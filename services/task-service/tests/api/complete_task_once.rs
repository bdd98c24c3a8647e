//! Completing at the same time, again, and with an idempotency key: it happens once.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Office, Tasks, post_once, refuses_field, text};

#[tokio::test]
async fn of_many_simultaneous_completions_exactly_one_changes_the_task() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office
        .agent
        .add_task(&deal.id, "Once only", json!({}))
        .await;
    let dependent = office
        .agent
        .add_waiting(&deal.id, "Afterwards", &[&task])
        .await;
    let mut attempts = JoinSet::new();
    for place in 0..12 {
        let user = if place % 2 == 0 {
            office.coordinator.clone()
        } else {
            office.agent.clone()
        };
        let task = task.clone();
        attempts.spawn(async move { user.complete_task(&task).await });
    }
    let mut won = Vec::new();
    while let Some(answer) = attempts.join_next().await {
        let answer = answer.unwrap();
        if answer.status == 200 {
            won.push(answer.json["unlocked"].clone());
        } else if answer.status == 403 {
            // The other one was faster and has it now.
            answer.refuses(403, "FORBIDDEN");
        } else {
            answer.refuses(409, "TASK_ALREADY_DONE");
        }
    }
    assert_eq!(won, [json!([dependent])]);
    assert_eq!(
        office.history(&task).await,
        [
            "tasks.task.created",
            "tasks.task.assigned",
            "tasks.task.completed"
        ]
    );
    assert_eq!(
        office.history(&dependent).await,
        ["tasks.task.created", "tasks.task.unlocked"]
    );
    office.holds().await;
}

#[tokio::test]
async fn the_same_key_and_body_answers_the_first_response_again() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal.id, "Keyed", json!({})).await;
    let path = format!("/api/tasks/{task}/complete");
    let first = post_once(
        &office.agent,
        &path,
        "complete-1",
        &json!({"note": "a", "completedOn": null}),
    )
    .await;
    first.expect(200);
    assert_eq!(first.header("idempotent-replayed"), "");
    let again = post_once(
        &office.agent,
        &path,
        "complete-1",
        &json!({"completedOn": null, "note": "a"}),
    )
    .await;
    assert_eq!(again.expect(200), &first.json, "bodies compare by meaning");
    assert_eq!(again.header("idempotent-replayed"), "true");

    let other = post_once(&office.agent, &path, "complete-1", &json!({"note": "b"})).await;
    other.refuses(422, "IDEMPOTENCY_MISMATCH");
    assert_eq!(other.json["error"], "Conflict");
    // A key belongs to its user, and to its route.
    post_once(
        &office.coordinator,
        &path,
        "complete-1",
        &json!({"note": "a", "completedOn": null}),
    )
    .await
    .refuses(409, "TASK_ALREADY_DONE");
    let next = office.agent.add_task(&deal.id, "Next", json!({})).await;
    post_once(
        &office.agent,
        &format!("/api/tasks/{next}/complete"),
        "complete-1",
        &json!({}),
    )
    .await
    .expect(200);
    assert_eq!(office.history(&task).await.len(), 3);
}

#[tokio::test]
async fn a_replay_is_the_first_answer_to_the_byte_whatever_it_was() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let [first, second] = office.agent.add_chain(&deal.id, ["First", "Second"]).await;
    for (task, status) in [(&second, 409), (&first, 200)] {
        let path = format!("/api/tasks/{task}/complete");
        let answer = post_once(&office.agent, &path, "bytes", &json!({})).await;
        answer.expect(status);
        let again = post_once(&office.agent, &path, "bytes", &json!({})).await;
        assert_eq!(again.text, answer.text);
        assert_eq!(again.header("content-type"), answer.header("content-type"));
        assert_eq!(again.header("idempotent-replayed"), "true");
    }
}

#[tokio::test]
async fn an_absent_body_and_an_empty_one_are_the_same_request_to_a_key() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal.id, "Keyed", json!({})).await;
    let path = format!("/api/tasks/{task}/complete");
    let key = [("Idempotency-Key", "no-body")];
    let first = office.agent.api.send(Method::POST, &path, &key, None).await;
    first.expect(200);
    let again = post_once(&office.agent, &path, "no-body", &json!({})).await;
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    let once_more = office.agent.api.send(Method::POST, &path, &key, None).await;
    assert_eq!(once_more.expect(200), &first.json);
}

#[tokio::test]
async fn who_has_lost_sight_of_the_task_is_told_nothing_by_an_old_key() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let fields = json!({"buyerVisible": true, "assigneeId": office.buyer.id});
    let task = office
        .agent
        .add_task(&deal.id, "Sign", fields.clone())
        .await;
    let waiting = office.agent.add_task(&deal.id, "Wait", json!({})).await;
    let mut blocked = fields;
    blocked["dependsOn"] = json!([waiting]);
    let blocked = office.agent.add_task(&deal.id, "Blocked", blocked).await;
    let paths = [&task, &blocked].map(|task| format!("/api/tasks/{task}/complete"));
    for (path, status) in paths.iter().zip([200, 409]) {
        for _ in 0..2 {
            post_once(&office.buyer, path, "a-key", &json!({}))
                .await
                .expect(status);
        }
    }
    let parties = format!("/api/deals/{}/parties", deal.id);
    let listed = office.agent.api.get(&parties).await;
    let of_buyer = |party: &&Value| party["userId"] == office.buyer.id;
    let buyer = listed.expect(200)["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(of_buyer);
    let buyer = text(&buyer.unwrap()["id"]);
    office
        .agent
        .api
        .delete(&format!("{parties}/{buyer}"))
        .await
        .expect(204);
    for path in &paths {
        let answer = post_once(&office.buyer, path, "a-key", &json!({})).await;
        answer.refuses(404, "NOT_FOUND");
        assert_eq!(answer.header("idempotent-replayed"), "");
    }
}

#[tokio::test]
async fn of_many_requests_with_one_key_one_completes_and_the_rest_are_told_so() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal.id, "Keyed", json!({})).await;
    let mut attempts = JoinSet::new();
    for _ in 0..12 {
        let (user, path) = (office.agent.clone(), format!("/api/tasks/{task}/complete"));
        attempts.spawn(async move { post_once(&user, &path, "one-key", &json!({})).await });
    }
    let mut answers: BTreeMap<String, usize> = BTreeMap::new();
    while let Some(answer) = attempts.join_next().await {
        let answer = answer.unwrap();
        if answer.status == 200 {
            *answers.entry(answer.text).or_default() += 1;
        } else {
            answer.refuses(409, "IDEMPOTENCY_IN_FLIGHT");
        }
    }
    assert_eq!(answers.len(), 1, "answers differ: {answers:?}");
    assert_eq!(
        office.history(&task).await,
        [
            "tasks.task.created",
            "tasks.task.assigned",
            "tasks.task.completed"
        ]
    );
    office.holds().await;
}

#[tokio::test]
async fn a_refusal_for_the_state_is_kept_under_its_key_and_one_for_the_shape_is_not() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let [first, second] = office.agent.add_chain(&deal.id, ["First", "Second"]).await;
    let path = format!("/api/tasks/{second}/complete");
    post_once(&office.agent, &path, "early", &json!({}))
        .await
        .refuses(409, "TASK_BLOCKED");
    office.agent.complete_task(&first).await.expect(200);
    let again = post_once(&office.agent, &path, "early", &json!({})).await;
    again.refuses(409, "TASK_BLOCKED");
    assert_eq!(again.header("idempotent-replayed"), "true");

    post_once(&office.agent, &path, "wrong", &json!({"note": 1}))
        .await
        .refuses(400, "VALIDATION_001");
    post_once(&office.agent, &path, "wrong", &json!({}))
        .await
        .expect(200);
}

#[tokio::test]
async fn keys_that_are_no_keys_are_refused() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = office.agent.add_task(&deal.id, "Keyed", json!({})).await;
    let path = format!("/api/tasks/{task}/complete");
    let long = "k".repeat(256);
    for key in ["", long.as_str(), "clé"] {
        refuses_field(
            &post_once(&office.agent, &path, key, &json!({})).await,
            "Idempotency-Key",
            "format",
        );
    }
    post_once(&office.agent, &path, &long[..255], &json!({}))
        .await
        .expect(200);
}
