//! `GET /api/tasks/:id/why-blocked`: who holds it up.

use serde_json::json;

use crate::support::{Office, Tasks};

#[tokio::test]
async fn it_walks_to_the_tasks_that_could_be_done_now() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let frontier = office
        .agent
        .add_task(
            &deal.id,
            "Order the appraisal",
            json!({"assigneeId": office.agent.id}),
        )
        .await;
    let done = office
        .agent
        .add_task(&deal.id, "Done long ago", json!({}))
        .await;
    office.agent.complete_task(&done).await.expect(200);
    let middle = office
        .agent
        .add_waiting(&deal.id, "Read it", &[&frontier, &done])
        .await;
    let last = office
        .agent
        .add_waiting(&deal.id, "Answer it", &[&middle])
        .await;

    let answer = office
        .agent
        .api
        .get(&format!("/api/tasks/{last}/why-blocked"))
        .await;
    answer.expect(200);
    assert!(
        answer.text.contains(&frontier) && answer.text.contains("Order the appraisal"),
        "{}",
        answer.text
    );
    assert!(
        answer.text.contains(&office.agent.id),
        "who holds it up is not told: {}",
        answer.text
    );
    assert!(
        !answer.text.contains(&done),
        "what is done holds nothing up: {}",
        answer.text
    );
}

#[tokio::test]
async fn a_task_that_waits_for_nothing_is_held_up_by_nobody() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let first = office.agent.add_task(&deal.id, "First", json!({})).await;
    let second = office
        .agent
        .add_waiting(&deal.id, "Second", &[&first])
        .await;
    office.agent.complete_task(&first).await.expect(200);
    let answer = office
        .agent
        .api
        .get(&format!("/api/tasks/{second}/why-blocked"))
        .await;
    answer.expect(200);
    assert!(!answer.text.contains(&first), "{}", answer.text);
}

#[tokio::test]
async fn a_buyer_is_not_told_of_what_it_may_not_see() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let hidden = office
        .agent
        .add_task(
            &deal.id,
            "Split the commission",
            json!({"ownerRole": "broker"}),
        )
        .await;
    let own = office
        .agent
        .add_task(
            &deal.id,
            "Sign",
            json!({"assigneeId": office.buyer.id, "dependsOn": [hidden]}),
        )
        .await;
    let answer = office
        .buyer
        .api
        .get(&format!("/api/tasks/{own}/why-blocked"))
        .await;
    answer.expect(200);
    assert!(
        answer.text.contains("broker"),
        "the part that holds it up is not told: {}",
        answer.text
    );
    assert!(
        !answer.text.contains(&hidden) && !answer.text.contains("commission"),
        "{}",
        answer.text
    );
    office
        .buyer
        .api
        .get(&format!("/api/tasks/{hidden}/why-blocked"))
        .await
        .refuses(404, "NOT_FOUND");
}
