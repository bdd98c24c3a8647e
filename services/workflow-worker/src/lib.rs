//! Workflows: a deal is followed from its activation to its end, a notification until it is delivered.
//!
//! Deliberately without a database and without rules: the state is Temporal's, the rules are the domain's,
//! and what happens, happens in the services that activities call.

pub mod activities;
pub mod agenda;
pub mod config;
pub mod dead_letters;
pub mod openapi;
mod routes;
mod starters;
mod temporal;
pub mod worker;
pub mod workflows;
pub mod worklist;

use std::thread;

use actix_web::web;
use anyhow::Context as _;
use platform::{
    client::ServiceClient,
    config::HttpUrl,
    http::{self, Check},
    shutdown, telemetry,
};
use temporalio_sdk::opentelemetry::WorkflowIdGenerator;
use tokio_util::sync::CancellationToken;

use self::{
    activities::remote::Remote, config::Config, routes::workflow::TemporalPages, starters::bridge,
    temporal::Temporal, worker::Remotes,
};

/// The service's name, in logs and tokens.
pub const SERVICE: &str = "workflow-worker";

/// Serves until the process is asked to end.
pub async fn serve() -> anyhow::Result<()> {
    let config = Config::from_process()?;
    let guard = telemetry::init_with_ids(SERVICE, &config.common, WorkflowIdGenerator::default())?;
    let shutdown = shutdown::on_signal()?;
    let outcome = run(&config, shutdown).await;
    guard.finish().await;
    outcome
}

async fn run(config: &Config, shutdown: CancellationToken) -> anyhow::Result<()> {
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
    let front = front_thread(config.clone(), temporal.clone(), shutdown.clone())?;
    if let Some(client) = temporal.connect(&config.temporal, &shutdown).await {
        worker::run(&runtime, &client, &remotes, &shutdown).await;
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
    shutdown: CancellationToken,
) -> anyhow::Result<thread::JoinHandle<anyhow::Result<()>>> {
    thread::Builder::new()
        .name("front".to_owned())
        .spawn(move || {
            // However this thread ends, the process is to end with it.
            let _ending = shutdown.clone().drop_guard();
            actix_web::rt::System::new().block_on(front(&config, temporal, shutdown))
        })
        .context("failed to start the thread of the HTTP server")
}

async fn front(
    config: &Config,
    temporal: Temporal,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let deals = ServiceClient::new("deal-service", config.services.deal_service.as_str())?;
    let pages = TemporalPages {
        ui_url: config.temporal.ui_url.clone(),
        namespace: config.temporal.namespace.clone(),
    };
    let probed = temporal.clone();
    let readiness = vec![Check::required("temporal", move || {
        let temporal = probed.clone();
        async move { temporal.ping().await }
    })];
    let asked = temporal.clone();
    let routes = move || {
        routes::all()
            .data(web::Data::new(deals.clone()))
            .data(web::Data::new(asked.clone()))
            .data(web::Data::new(pages.clone()))
    };
    let bridge = actix_web::rt::spawn(bridge::run(
        config.amqp_url.clone(),
        config.common.event_patience,
        temporal,
        shutdown.clone(),
    ));
    http::serve(SERVICE, &config.common, readiness, routes, shutdown).await?;
    bridge.await.context("the bridge from the broker failed")
}
