//! Signals that come twice, early, late, all at once or never.

use serde_json::json;
use temporalio_client::WorkflowGetResultOptions;
use workflow_worker::workflows::DealLifecycle;

use crate::{
    support::{
        follow,
        stand_in::{task, task_id},
        with_workers,
    },
    world::{DEAL, World, count, signal},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_comes_five_times_or_before_the_plan_counts_once() {
    let world = World::new().await;
    {
        let mut answers = world.services.answers();
        answers.deal(DEAL, "PENDING", vec![task(0, None), task(4, None)]);
        answers.set_task(task_id(0), "status", "COMPLETED".into());
        // Task-service is unavailable at first: the signals come before the workflow knows of any task.
        answers.failures = 3;
    }
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        for _ in 0..5 {
            signal(&run, DealLifecycle::task_completed, 1).await;
        }
        let progress = world
            .progress(&run, "the completion", |p| !p.completed_task_ids.is_empty())
            .await;
        assert_eq!(progress.completed_task_ids, [task_id(0)]);
        assert_eq!(progress.changes_heard, 1);
        assert_eq!(world.notices(1).await, ["MILESTONE_REACHED"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_completion_that_was_never_told_of_is_found_within_a_day() {
    let world = World::new().await;
    world
        .services
        .answers()
        .deal(DEAL, "APPLIED", vec![task(0, None), task(4, None)]);
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        world
            .progress(&run, "the first look", |p| p.waiting_for.len() == 2)
            .await;
        world
            .services
            .answers()
            .set_task(task_id(0), "status", "COMPLETED".into());
        world.sleep_hours(25).await;
        assert_eq!(world.notices(1).await, ["MILESTONE_REACHED"]);
        let progress = world
            .progress(&run, "the completion", |p| p.waiting_for.len() == 1)
            .await;
        assert_eq!(progress.completed_task_ids, [task_id(0)]);
        assert_eq!(
            progress.milestone.map(|milestone| milestone.key).as_deref(),
            Some("m1")
        );
        assert_eq!(progress.changes_heard, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_of_completions_is_read_in_few_looks_and_tells_of_each_milestone_once() {
    let world = World::new().await;
    let tasks = (0..48).map(|number| task(number, None)).collect();
    world.services.answers().deal(DEAL, "APPLIED", tasks);
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        world
            .progress(&run, "the first look", |p| p.waiting_for.len() == 48)
            .await;
        for number in 0..48 {
            world
                .services
                .answers()
                .set_task(task_id(number), "status", "COMPLETED".into());
            signal(&run, DealLifecycle::task_completed, 1 + number as u128).await;
        }
        let progress = world
            .progress(&run, "all completions", |p| {
                p.completed_task_ids.len() == 48
            })
            .await;
        assert_eq!((progress.changes_heard, progress.milestone), (48, None));
        let mut kinds = world.notices(13).await;
        kinds.sort();
        let mut expected = vec!["MILESTONE_REACHED"; 12];
        expected.insert(0, "DEAL_READY_TO_CLOSE");
        assert_eq!(kinds, expected);
        let looks = count(&world.services.answers(), "/worklist");
        assert!(
            looks < 24,
            "{looks} looks at the worklist for 48 completions"
        );

        world.services.answers().set_status(DEAL, "CLOSED");
        signal(&run, DealLifecycle::deal_closed, 100).await;
        let outcome = run
            .get_result(WorkflowGetResultOptions::default())
            .await
            .unwrap();
        assert_eq!(outcome.deal_status, "CLOSED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn milestones_reached_just_before_the_closing_are_still_told_of() {
    let world = World::new().await;
    let tasks = (0..8).map(|number| task(number, None)).collect();
    world.services.answers().deal(DEAL, "APPLIED", tasks);
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        world
            .progress(&run, "the first look", |p| p.waiting_for.len() == 8)
            .await;
        {
            let mut answers = world.services.answers();
            for number in 0..8 {
                answers.set_task(task_id(number), "status", "COMPLETED".into());
            }
            answers.set_status(DEAL, "CLOSED");
        }
        signal(&run, DealLifecycle::deal_closed, 1).await;
        let outcome = run
            .get_result(WorkflowGetResultOptions::default())
            .await
            .unwrap();
        assert_eq!(outcome.deal_status, "CLOSED");
        assert_eq!(world.notices(2).await, ["MILESTONE_REACHED"; 2]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_signal_of_a_closing_does_not_end_a_deal_that_goes_on() {
    let world = World::new().await;
    world
        .services
        .answers()
        .deal(DEAL, "APPLIED", vec![task(0, None)]);
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        signal(&run, DealLifecycle::deal_closed, 1).await;
        world.sleep_hours(48).await;
        let progress = world
            .progress(&run, "going on", |p| p.changes_heard == 1)
            .await;
        assert_eq!(progress.deal_status.as_deref(), Some("ACTIVE"));

        world.services.answers().set_status(DEAL, "CANCELLED");
        signal(&run, DealLifecycle::deal_cancelled, 2).await;
        let outcome = run
            .get_result(WorkflowGetResultOptions::default())
            .await
            .unwrap();
        assert_eq!(outcome.deal_status, "CANCELLED");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reopened_task_takes_its_milestone_back() {
    let world = World::new().await;
    world
        .services
        .answers()
        .deal(DEAL, "APPLIED", vec![task(0, None), task(4, None)]);
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        world
            .services
            .answers()
            .set_task(task_id(0), "status", "COMPLETED".into());
        signal(&run, DealLifecycle::task_completed, 1).await;
        world.notices(1).await;
        world
            .services
            .answers()
            .set_task(task_id(0), "status", json!("IN_PROGRESS"));
        signal(&run, DealLifecycle::task_reopened, 2).await;
        let progress = world
            .progress(&run, "the reopening", |p| {
                p.completed_task_ids.is_empty() && p.changes_heard == 2
            })
            .await;
        assert_eq!(
            progress.milestone.map(|milestone| milestone.key).as_deref(),
            Some("m0")
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_milestone_that_is_done_again_is_told_of_again_under_the_deals_present_name() {
    let world = World::new().await;
    world
        .services
        .answers()
        .deal(DEAL, "APPLIED", vec![task(0, None), task(4, None)]);
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        let set = |status: &str| {
            let mut answers = world.services.answers();
            answers.set_task(task_id(0), "status", status.into());
        };
        set("COMPLETED");
        signal(&run, DealLifecycle::task_completed, 1).await;
        world.notices(1).await;
        set("IN_PROGRESS");
        signal(&run, DealLifecycle::task_reopened, 2).await;
        world
            .progress(&run, "the reopening", |p| p.completed_task_ids.is_empty())
            .await;
        world.services.answers().set_name(DEAL, "14 Elm Street");
        set("COMPLETED");
        signal(&run, DealLifecycle::task_completed, 3).await;
        assert_eq!(
            world.notices(2).await,
            ["MILESTONE_REACHED", "MILESTONE_REACHED"]
        );
        let names: Vec<_> = world
            .services
            .answers()
            .notices
            .iter()
            .map(|notice| notice["params"]["dealName"].clone())
            .collect();
        assert_eq!(names, ["12 Elm Street", "14 Elm Street"]);
    })
    .await;
}
