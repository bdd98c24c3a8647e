//! Making the plan, and not being able to.

use temporalio_client::WorkflowGetResultOptions;
use workflow_worker::workflows::DealLifecycle;

use crate::{
    support::{follow, stand_in::task, with_workers},
    world::{DEAL, World, count, kinds, signal},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_that_cannot_be_made_is_told_of_once_and_tried_again_with_the_next_change() {
    let world = World::new().await;
    {
        let mut answers = world.services.answers();
        answers.deal(DEAL, "PENDING", vec![task(0, None)]);
        answers.plan_refusal = Some("closing_date is missing".to_owned());
    }
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        assert_eq!(world.notices(1).await, ["PLAN_FAILED"]);
        world.sleep_hours(72).await;
        {
            let answers = world.services.answers();
            assert!(count(&answers, "/plan") >= 3, "tried again each day");
            assert_eq!(kinds(&answers), ["PLAN_FAILED"], "one notice");
            assert_eq!(
                answers.notices[0]["audience"],
                serde_json::json!(["COORDINATORS"])
            );
        }
        let progress = world
            .progress(&run, "the reason", |p| p.plan_failure.is_some())
            .await;
        assert!(
            progress
                .plan_failure
                .unwrap()
                .contains("closing_date is missing")
        );

        world.services.answers().plan_refusal = None;
        signal(&run, DealLifecycle::deadlines_changed, 1).await;
        let progress = world
            .progress(&run, "the plan", |p| {
                p.plan_state.as_deref() == Some("APPLIED")
            })
            .await;
        assert_eq!(
            (progress.plan_failure, progress.waiting_for.len()),
            (None, 1)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_whose_plan_cannot_be_made_can_be_cancelled() {
    let world = World::new().await;
    {
        let mut answers = world.services.answers();
        answers.deal(DEAL, "FAILED", Vec::new());
        answers.plan_refusal = Some("the template has a cycle".to_owned());
    }
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        world.notices(1).await;
        world.services.answers().set_status(DEAL, "CANCELLED");
        signal(&run, DealLifecycle::deal_cancelled, 1).await;
        let outcome = run
            .get_result(WorkflowGetResultOptions::default())
            .await
            .unwrap();
        assert_eq!(outcome.deal_status, "CANCELLED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_nobody_knows_ends_by_itself() {
    let world = World::new().await;
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        let outcome = run
            .get_result(WorkflowGetResultOptions::default())
            .await
            .unwrap();
        assert_eq!(outcome.deal_status, "GONE");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_carries_an_idempotency_key_and_its_retries_the_same() {
    let world = World::new().await;
    {
        let mut answers = world.services.answers();
        answers.deal(DEAL, "PENDING", vec![task(0, None)]);
        answers.failures = 2;
    }
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        world
            .progress(&run, "the plan", |p| {
                p.plan_state.as_deref() == Some("APPLIED")
            })
            .await;
        let answers = world.services.answers();
        let keys: Vec<&str> = answers.calls.iter().map(|(_, key)| key.as_str()).collect();
        assert!(
            keys.iter()
                .all(|key| key.starts_with(&format!("deal-{DEAL}:"))),
            "{keys:?}"
        );
        assert_eq!(
            (keys[0], keys[1]),
            (keys[1], keys[2]),
            "three attempts at one activity"
        );
        assert_ne!(keys[2], keys[3], "another activity");
    })
    .await;
}
