//! How long each activity is tried: what Temporal is asked for, and applies.

use std::collections::BTreeMap;

use serde_json::json;
use temporalio_client::{Client, WorkflowFetchHistoryOptions, WorkflowHandle};
use temporalio_common::{
    HasWorkflowDefinition, protos::temporal::api::history::v1::history_event::Attributes,
};

use crate::{
    notifications,
    support::{
        follow,
        stand_in::{task, task_id},
        with_workers,
    },
    world::{DEAL, World},
};

/// A year, in seconds.
const YEAR: i64 = 365 * 24 * 60 * 60;

/// The bounds of one activity, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    /// All attempts together; none for what is tried until it succeeds.
    patience: Option<i64>,
    attempt: i64,
    pause_max: i64,
}

/// What was asked of Temporal for each activity of a run.
async fn scheduled<W: HasWorkflowDefinition>(
    run: &WorkflowHandle<Client, W>,
) -> BTreeMap<String, Bounds> {
    let history = run.fetch_history(WorkflowFetchHistoryOptions::default());
    let events = history.into_events().await.unwrap();
    let activities = events
        .into_iter()
        .filter_map(|event| match event.attributes {
            Some(Attributes::ActivityTaskScheduledEventAttributes(activity)) => Some(activity),
            _ => None,
        });
    activities
        .map(|activity| {
            let patience = activity.schedule_to_close_timeout.map(|time| time.seconds);
            let retries = activity.retry_policy.unwrap();
            let bounds = Bounds {
                // The test server says ten years for what has no such bound.
                patience: patience.filter(|seconds| *seconds < YEAR),
                attempt: activity.start_to_close_timeout.unwrap().seconds,
                pause_max: retries.maximum_interval.unwrap().seconds,
            };
            (activity.activity_type.unwrap().name, bounds)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_step_of_a_deal_is_tried_for_five_minutes_and_the_worklist_until_it_is_read() {
    let world = World::new().await;
    let due = world.date_in(2).await;
    {
        let mut answers = world.services.answers();
        answers.deal(DEAL, "PENDING", vec![task(0, Some(due)), task(4, None)]);
        answers.set_task(task_id(4), "status", json!("COMPLETED"));
    }
    with_workers(&world.client, &world.services, async {
        let run = follow(&world.client, DEAL).await;
        world.notices(2).await;
        world.sleep_hours(4 * 24).await;
        world.notices(4).await;
        let scheduled = scheduled(&run).await;
        let step = Bounds {
            patience: Some(300),
            attempt: 20,
            pause_max: 15,
        };
        let worklist = Bounds {
            patience: None,
            ..step
        };
        let expected = [
            ("apply_deal_template", step),
            ("check_milestone_completion", step),
            ("load_worklist", worklist),
            ("mark_overdue", step),
            ("notify", step),
        ];
        let expected = expected.map(|(name, bounds)| (name.to_owned(), bounds));
        assert_eq!(scheduled, BTreeMap::from(expected));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_email_is_tried_for_a_day_every_five_minutes_at_least_and_giving_it_up_for_ever() {
    let world = World::new().await;
    world.services.answers().delivery_refused = true;
    with_workers(&world.client, &world.services, async {
        let outcome = notifications::delivered(&world).await;
        assert_eq!(outcome.email_status, "DEAD");
        let scheduled = scheduled(&notifications::run(&world)).await;
        let email = Bounds {
            patience: Some(24 * 60 * 60),
            attempt: 20,
            pause_max: 300,
        };
        let given_up = Bounds {
            patience: None,
            ..email
        };
        let expected = [
            ("deliver_notification", email),
            ("give_up_notification", given_up),
        ];
        let expected = expected.map(|(name, bounds)| (name.to_owned(), bounds));
        assert_eq!(scheduled, BTreeMap::from(expected));
    })
    .await;
}
