//! Deals: what they are, who takes part, how they go from status to status, and what people see of them.
//!
//! Deliberately without plans, tasks and dates: those belong to task-service, and come back as events that
//! feed this service's read models.

mod commands;
pub mod config;
mod history;
pub mod openapi;
mod queries;
mod repository;
mod routes;
mod task_service;
pub mod upkeep;
mod wire;
mod words;

use actix_web::web;
use anyhow::Context as _;
use platform::{
    auth::ServiceKeys,
    client::ServiceClient,
    config::Env,
    db::{self, Db, PoolSize},
    http::{self, Check},
    messaging::Publisher,
    outbox::Relay,
    shutdown, telemetry,
    wait::wait_for,
};
use tokio_util::sync::CancellationToken;

use self::config::Config;

/// The service's name, in logs, events and tokens.
const SERVICE: &str = "deal-service";
/// The service's schema.
const SCHEMA: &str = "deal";

/// Serves until the process is asked to end.
pub async fn serve() -> anyhow::Result<()> {
    let config = Config::read(Env::from_process())?;
    let guard = telemetry::init(SERVICE, &config.common)?;
    let shutdown = shutdown::on_signal()?;
    let outcome = run(&config, shutdown).await;
    guard.finish().await;
    outcome
}

async fn run(config: &Config, shutdown: CancellationToken) -> anyhow::Result<()> {
    let db = Db::connect(&config.database_url, SCHEMA, PoolSize::Requests)?;
    let keys = ServiceKeys::load(SERVICE, &config.service_keys)?;
    let tasks = ServiceClient::new("task-service", &config.task_service_url)?;
    if wait_for("PostgreSQL", &shutdown, || db.ping()).await.is_none() {
        return Ok(());
    }
    let publisher = Publisher::new(config.amqp_url.clone(), SERVICE);
    let relay = Relay::new(&config.relay_database_url, SCHEMA, SERVICE, publisher)?;
    let relaying = actix_web::rt::spawn(relay.run(shutdown.clone()));

    let probed = db.clone();
    let readiness = vec![Check::required("PostgreSQL", move || {
        let db = probed.clone();
        async move { db.ping().await }
    })];
    let configure = move |app: &mut web::ServiceConfig| {
        app.app_data(web::Data::new(db.clone()))
            .app_data(web::Data::new(keys.clone()))
            .app_data(web::Data::new(tasks.clone()))
            .configure(routes::configure);
    };
    http::serve(SERVICE, &config.common, readiness, configure, shutdown).await?;
    relaying.await.context("the outbox relay failed")?;
    Ok(())
}

/// Applies this service's migrations with its migration role.
pub async fn migrate() -> anyhow::Result<()> {
    let url = config::database_url(Env::from_process(), "MIGRATE_DATABASE_URL")?;
    db::migrate(&url, &sqlx::migrate!("../../migrations/deal")).await
}
