//! Records the histories that `tests/replay.rs` replays: real runs of today's workflows on a Temporal server.
//!
//! Run before a release that changes workflow code, and commit the new files beside the old ones:
//!
//!     HAUSHAVN_TEMPORAL_URL=http://127.0.0.1:18733 cargo run -p workflow-worker --example record_histories -- v0.1

#![expect(
    clippy::unwrap_used,
    reason = "a recording that cannot go on should say so and stop"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};

use serde_json::json;
use support::stand_in::{StandIn, task, task_id};
use temporalio_client::{
    Client, WorkflowFetchHistoryOptions, WorkflowGetResultOptions, WorkflowHandle,
    WorkflowSignalOptions, WorkflowStartOptions,
};
use temporalio_common::{HasWorkflowDefinition, SignalDefinition};
use time::OffsetDateTime;
use uuid::Uuid;
use workflow_worker::workflows::{
    DealLifecycle, NOTIFICATION_QUEUE, Notification,
    deal_lifecycle::{DealChanged, Progress},
    notification::{self, NotificationInput},
};

#[tokio::main]
async fn main() {
    let version = std::env::args().nth(1).unwrap();
    let url = std::env::var("HAUSHAVN_TEMPORAL_URL").unwrap();
    let namespace = std::env::var("HAUSHAVN_TEMPORAL_NAMESPACE");
    let namespace = namespace.unwrap_or_else(|_| "haushavn".to_owned());
    let client = support::connect(&url, &namespace).await;
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/histories")
        .join(version);
    std::fs::create_dir_all(&directory).unwrap();
    closed_deal(&client, &directory).await;
    cancelled_deal_without_plan(&client, &directory).await;
    held_deal(&client, &directory).await;
    given_up_notification(&client, &directory).await;
}

/// Plan, reminders, overdue, escalation, milestones, closing.
async fn closed_deal(client: &Client, directory: &Path) {
    let (services, deal_id) = (StandIn::start(), Uuid::now_v7());
    let due = |days: i64| {
        let date = (OffsetDateTime::now_utc() + time::Duration::days(days)).date();
        Some(contracts::field::date_text(date))
    };
    services.answers().deal(
        deal_id,
        "PENDING",
        vec![
            task(0, due(2)),
            task(4, due(-2)),
            task(5, due(-30)),
            task(6, None),
        ],
    );
    services.answers().failures = 2;
    support::with_workers(client, &services, async {
        let run = support::follow(client, deal_id).await;
        support::eventually("all deadlines", || async {
            (services.answers().notices.len() == 4).then_some(())
        })
        .await;
        for number in [0, 4, 5, 6] {
            services
                .answers()
                .set_task(task_id(number), "status", "COMPLETED".into());
            signal(&run, DealLifecycle::task_completed).await;
        }
        until(&run, |progress| progress.completed_task_ids.len() == 4).await;
        services
            .answers()
            .set_task(task_id(6), "status", "IN_PROGRESS".into());
        signal(&run, DealLifecycle::task_reopened).await;
        until(&run, |progress| progress.completed_task_ids.len() == 3).await;
        services
            .answers()
            .set_task(task_id(6), "status", "WAIVED".into());
        signal(&run, DealLifecycle::task_waived).await;
        until(&run, |progress| progress.waiting_for.is_empty()).await;
        services.answers().set_name(deal_id, "14 Elm Street");
        services.answers().set_status(deal_id, "CLOSED");
        signal(&run, DealLifecycle::deal_closed).await;
        run.get_result(WorkflowGetResultOptions::default())
            .await
            .unwrap();
        save(&run, directory.join("deal_closed.json")).await;
    })
    .await;
}

/// A template that gives no plan, then the cancellation.
async fn cancelled_deal_without_plan(client: &Client, directory: &Path) {
    let (services, deal_id) = (StandIn::start(), Uuid::now_v7());
    services.answers().deal(deal_id, "PENDING", Vec::new());
    services.answers().plan_refusal = Some("closing_date is missing".to_owned());
    support::with_workers(client, &services, async {
        let run = support::follow(client, deal_id).await;
        until(&run, |progress| progress.plan_failure.is_some()).await;
        signal(&run, DealLifecycle::deadlines_changed).await;
        until(&run, |progress| progress.changes_heard == 1).await;
        services.answers().set_status(deal_id, "CANCELLED");
        signal(&run, DealLifecycle::deal_cancelled).await;
        run.get_result(WorkflowGetResultOptions::default())
            .await
            .unwrap();
        save(&run, directory.join("deal_cancelled_without_plan.json")).await;
    })
    .await;
}

/// A run that is still open: held and resumed, asleep until its next deadline.
async fn held_deal(client: &Client, directory: &Path) {
    let (services, deal_id) = (StandIn::start(), Uuid::now_v7());
    services.answers().deal(
        deal_id,
        "APPLIED",
        vec![task(0, Some("2090-06-01".to_owned()))],
    );
    support::with_workers(client, &services, async {
        let run = support::follow(client, deal_id).await;
        until(&run, |progress| progress.deal_status.is_some()).await;
        services.answers().set_status(deal_id, "ON_HOLD");
        signal(&run, DealLifecycle::deal_held).await;
        until(&run, |progress| {
            progress.deal_status.as_deref() == Some("ON_HOLD")
        })
        .await;
        services.answers().set_status(deal_id, "ACTIVE");
        services
            .answers()
            .set_task(task_id(0), "assigneeId", json!(null));
        signal(&run, DealLifecycle::deal_resumed).await;
        until(&run, |progress| {
            progress.deal_status.as_deref() == Some("ACTIVE")
        })
        .await;
        save(&run, directory.join("deal_open_after_hold.json")).await;
        services.answers().set_status(deal_id, "CANCELLED");
        signal(&run, DealLifecycle::deal_cancelled).await;
        run.get_result(WorkflowGetResultOptions::default())
            .await
            .unwrap();
    })
    .await;
}

/// An e-mail that is refused for good.
async fn given_up_notification(client: &Client, directory: &Path) {
    let (services, notification_id) = (StandIn::start(), Uuid::now_v7());
    services.answers().delivery_refused = true;
    support::with_workers(client, &services, async {
        let input = NotificationInput {
            notification_id,
            organization_id: support::ORGANIZATION,
        };
        let id = notification::workflow_id(notification_id, 1);
        let options = WorkflowStartOptions::new(NOTIFICATION_QUEUE, id.clone()).build();
        client
            .start_workflow(Notification::run, input, options)
            .await
            .unwrap();
        let run: WorkflowHandle<Client, Notification> = client.get_workflow_handle(id);
        run.get_result(WorkflowGetResultOptions::default())
            .await
            .unwrap();
        save(&run, directory.join("notification_given_up.json")).await;
    })
    .await;
}

async fn signal<S>(run: &WorkflowHandle<Client, DealLifecycle>, signal: S)
where
    S: SignalDefinition<
            Workflow = <DealLifecycle as HasWorkflowDefinition>::Run,
            Input = DealChanged,
        >,
{
    let change = DealChanged {
        event_id: Uuid::now_v7(),
        task_id: None,
    };
    run.signal(signal, change, WorkflowSignalOptions::default())
        .await
        .unwrap();
}

async fn until(run: &WorkflowHandle<Client, DealLifecycle>, wanted: impl Fn(&Progress) -> bool) {
    support::eventually("the workflow's progress", || async {
        support::progress(run).await.filter(&wanted)
    })
    .await;
}

/// Only what the Rust client writes can be replayed; an export of the command line or the interface cannot.
async fn save<W: HasWorkflowDefinition>(run: &WorkflowHandle<Client, W>, file: PathBuf) {
    let history = run.fetch_history(WorkflowFetchHistoryOptions::default());
    std::fs::write(file, history.to_json().await.unwrap()).unwrap();
}
