//! From run to run: continue-as-new, and a deal that is reopened.

use futures::{StreamExt as _, stream};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use uuid::Uuid;
use workflow_worker::workflows::{
    DEAL_QUEUE, DealLifecycle,
    deal_lifecycle::{self, DealChanged, DealInput},
};

use crate::{
    support::{
        ORGANIZATION, follow,
        stand_in::{task, task_id},
        with_workers,
    },
    world::{DEAL, World, count, signal},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_history_goes_on_in_a_new_run_that_remembers() {
    let world = World::new().await;
    let due = world.date_in(2).await;
    {
        let mut answers = world.services.answers();
        answers.deal(DEAL, "APPLIED", vec![task(0, Some(due)), task(4, None)]);
        answers.set_task(task_id(4), "status", "COMPLETED".into());
    }
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        world.notices(2).await;
        // A flood of one event: it counts once, but each repetition makes the history longer.
        stream::iter(0..4_200)
            .for_each_concurrent(100, |_| signal(&run, DealLifecycle::deadlines_changed, 1))
            .await;
        let progress = world
            .progress(&run, "a second run", |p| {
                p.runs >= 2 && p.deal_status.is_some()
            })
            .await;
        assert_eq!(
            progress.changes_heard, 1,
            "the event is still known in the next run"
        );

        signal(&run, DealLifecycle::deadlines_changed, 1).await;
        signal(&run, DealLifecycle::deadlines_changed, 2).await;
        world
            .progress(&run, "the new event", |p| p.changes_heard == 2)
            .await;
        assert_eq!(
            count(&world.services.answers(), "/internal/notifications"),
            2,
            "no notice is sent again"
        );

        world.services.answers().set_status(DEAL, "CLOSED");
        signal(&run, DealLifecycle::deal_closed, 3).await;
        let outcome = run
            .get_result(WorkflowGetResultOptions::default())
            .await
            .unwrap();
        assert!(outcome.runs >= 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reopened_deal_gets_a_new_run_under_the_same_id() {
    let world = World::new().await;
    world
        .services
        .answers()
        .deal(DEAL, "APPLIED", vec![task(0, None)]);
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        world.services.answers().set_status(DEAL, "CLOSED");
        signal(&run, DealLifecycle::deal_closed, 1).await;
        run.get_result(WorkflowGetResultOptions::default())
            .await
            .unwrap();

        world.services.answers().set_status(DEAL, "ACTIVE");
        let reopened = world
            .client
            .signal_with_start_workflow(
                DealLifecycle::run,
                DealInput {
                    deal_id: DEAL,
                    organization_id: ORGANIZATION,
                    deal_name: None,
                    template_key: None,
                    carried: None,
                },
                DealLifecycle::deal_resumed,
                DealChanged {
                    event_id: Uuid::from_u128(2),
                    task_id: None,
                },
                WorkflowStartOptions::new(DEAL_QUEUE, deal_lifecycle::workflow_id(DEAL)).build(),
            )
            .await
            .unwrap();
        let progress = world
            .progress(&run, "the new run", |p| {
                p.deal_status.as_deref() == Some("ACTIVE")
            })
            .await;
        assert_eq!(progress.waiting_for, [task_id(0)]);
        assert!(reopened.run_id().is_some());
    })
    .await;
}
