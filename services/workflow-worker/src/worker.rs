//! The workers: one for deals, one for notifications, so that neither waits behind the other.

use std::{convert::Infallible, future, sync::Arc, time::Duration};

use anyhow::Context as _;
use temporalio_client::Client;
use temporalio_common::telemetry::{
    PrometheusExporterOptions, TelemetryOptions, metrics::CoreMeter,
    start_prometheus_metric_exporter,
};
use temporalio_sdk::{
    Runtime, Worker, WorkerOptions,
    runtime::{PollerBehavior, RuntimeOptions},
};
use tokio_util::sync::CancellationToken;

use crate::{
    activities::{NoticeActivities, PlanActivities, remote::Remote},
    config::TemporalSettings,
    workflows::{DEAL_QUEUE, DealLifecycle, NOTIFICATION_QUEUE, Notification},
};

/// Polls for workflow tasks. With the SDK's default only one of them would ask for new runs.
const POLLERS: usize = 20;
/// The share of them that asks for new runs.
const NONSTICKY_RATIO: f32 = 0.5;
/// After a worker has died, its cached runs wait so long before another one takes them over.
const STICKY_TIMEOUT: Duration = Duration::from_secs(3);
/// At the end, activities under way get this long.
const GRACEFUL_SHUTDOWN: Duration = Duration::from_secs(10);
/// Before the workers are started again after they failed.
const RESTART_PAUSE: Duration = Duration::from_secs(5);

/// The services that activities call.
#[derive(Clone, Debug)]
pub struct Remotes {
    /// Plans, tasks, milestones.
    pub task_service: Remote,
    /// Notifications.
    pub user_service: Remote,
}

/// What the SDK's workers run on, with their own metrics at the given address.
///
/// # Errors
/// When the address is taken. Needs a Tokio runtime.
pub fn runtime(settings: &TemporalSettings) -> anyhow::Result<Runtime> {
    let exporter = start_prometheus_metric_exporter(
        PrometheusExporterOptions::builder()
            .socket_addr(settings.metrics_listen)
            .counters_total_suffix(true)
            .unit_suffix(true)
            .use_seconds_for_durations(true)
            .build(),
    )
    .context("failed to show the metrics of the Temporal SDK")?;
    let telemetry = TelemetryOptions::builder()
        .metrics(exporter.meter as Arc<dyn CoreMeter>)
        .build();
    let options = RuntimeOptions::builder()
        .telemetry_options(telemetry)
        .build()
        .map_err(anyhow::Error::msg)?;
    Runtime::from_current_tokio(options).context("failed to make the Temporal runtime")
}

/// Runs both workers until the process is asked to end. When they fail, such as while the namespace does not
/// exist yet, they are started again.
pub async fn run(
    runtime: &Runtime,
    client: &Client,
    remotes: &Remotes,
    shutdown: &CancellationToken,
) {
    while !shutdown.is_cancelled() {
        let Err(error) = run_once(runtime, client, remotes, shutdown).await else {
            continue;
        };
        tracing::warn!(
            error = format!("{error:#}"),
            "the workflow workers stopped, starting them again in {RESTART_PAUSE:?}"
        );
        tokio::select! {
            () = tokio::time::sleep(RESTART_PAUSE) => {}
            () = shutdown.cancelled() => {}
        }
    }
}

/// Returns once the process is asked to end and both workers are through, or when one of them fails.
pub async fn run_once(
    runtime: &Runtime,
    client: &Client,
    remotes: &Remotes,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let notices = || NoticeActivities {
        user_service: remotes.user_service.clone(),
    };
    let deals = WorkerOptions::new(DEAL_QUEUE)
        .register_activities(PlanActivities {
            task_service: remotes.task_service.clone(),
        })
        .register_activities(notices())
        .register_workflow::<DealLifecycle>()?
        .build();
    let notifications = WorkerOptions::new(NOTIFICATION_QUEUE)
        .register_activities(notices())
        .register_workflow::<Notification>()?
        .build();
    let mut deals = Worker::new(runtime, client.clone(), tuned(deals))?;
    let mut notifications = Worker::new(runtime, client.clone(), tuned(notifications))?;

    let (stop_deals, stop_notifications) =
        (deals.shutdown_handle(), notifications.shutdown_handle());
    let stopping = async {
        shutdown.cancelled().await;
        stop_deals();
        stop_notifications();
        future::pending::<Infallible>().await
    };
    tracing::info!("following deals and delivering notifications");
    tokio::select! {
        outcome = async { tokio::try_join!(deals.run(), notifications.run()) } => {
            outcome?;
            Ok(())
        }
        never = stopping => match never {},
    }
}

/// What both workers have in common.
fn tuned(mut options: WorkerOptions) -> WorkerOptions {
    options.workflow_task_poller_behavior = Some(PollerBehavior::SimpleMaximum(POLLERS));
    options.nonsticky_to_sticky_poll_ratio = NONSTICKY_RATIO;
    options.sticky_queue_schedule_to_start_timeout = STICKY_TIMEOUT;
    options.graceful_shutdown_period = Some(GRACEFUL_SHUTDOWN);
    options
}
