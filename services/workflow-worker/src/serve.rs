//! What the process of this service does: workflows and activities on the main runtime, HTTP and the broker beside.

use std::thread;

use anyhow::Context as _;
use futures::FutureExt as _;
use platform::{
    client::ServiceClient,
    config::{Env, HttpUrl},
    http::Check,
    service::{self, Service},
};
use temporalio_sdk::opentelemetry::WorkflowIdGenerator;
use tokio_util::sync::CancellationToken;

use crate::{
    NAME,
    activities::remote::Remote,
    config::Config,
    routes::{self, workflow::TemporalPages},
    starters::bridge,
    temporal::Temporal,
    worker::{self, Remotes},
};

/// Runs workflows and serves until the process is asked to end.
pub async fn serve() -> anyhow::Result<()> {
    let config = Config::from_env(Env::from_process())?;
    let ids = WorkflowIdGenerator::default();
    service::run_with_ids(NAME, &config.common, ids, async |stop| {
        run(&config, stop).await
    })
    .await
}

async fn run(config: &Config, stop: CancellationToken) -> anyhow::Result<()> {
    let remote = |name, url: &HttpUrl| {
        let client = ServiceClient::new(name, url.as_str())?;
        anyhow::Ok(Remote::new(client, config.service_keys.clone()))
    };
    let remotes = Remotes {
        task_service: remote("task-service", &config.services.task_service)?,
        user_service: remote("user-service", &config.services.user_service)?,
    };
    let runtime = worker::runtime(&config.temporal)?;
    let temporal = Temporal::default();
    let front = front_thread(config.clone(), temporal.clone(), stop.clone())?;
    if let Some(client) = temporal.connect(&config.temporal, &stop).await {
        worker::run(&runtime, &client, &remotes, &stop).await;
    }
    let ended = tokio::task::spawn_blocking(move || front.join()).await;
    ended
        .context("failed to wait for the HTTP server")?
        .map_err(|_| anyhow::anyhow!("the HTTP server panicked"))?
}

/// HTTP and the broker, on a thread with a runtime of its own: workflows occupy the main one.
fn front_thread(
    config: Config,
    temporal: Temporal,
    stop: CancellationToken,
) -> anyhow::Result<thread::JoinHandle<anyhow::Result<()>>> {
    thread::Builder::new()
        .name("front".to_owned())
        .spawn(move || {
            // However this thread ends, the process is to end with it.
            let _ending = stop.clone().drop_guard();
            actix_web::rt::System::new().block_on(front(&config, temporal, stop))
        })
        .context("failed to start the thread of the HTTP server")
}

async fn front(config: &Config, temporal: Temporal, stop: CancellationToken) -> anyhow::Result<()> {
    let deals = ServiceClient::new("deal-service", config.services.deal_service.as_str())?;
    let pages = TemporalPages::new(&config.temporal);
    let bridge = bridge::run(
        config.amqp_url.clone(),
        config.common.event_patience,
        temporal.clone(),
        stop.clone(),
    );
    Service {
        name: NAME,
        common: &config.common,
        // Without Temporal there is still an answer, which says so.
        wait_for: Vec::new(),
        readiness: vec![Check::required("temporal", &temporal, async |temporal| {
            temporal.ping().await
        })],
        background: vec![bridge.boxed_local()],
        routes: move || routes::all(&deals, &temporal, &pages),
    }
    .serve(stop)
    .await
}
