//! Deals: what they are, who takes part, how they go from status to status, and what people see of them.
//!
//! Deliberately without plans, tasks and dates: those belong to task-service, and come back as events that
//! feed this service's read models.

mod commands;
pub mod config;
mod consumers;
mod gauges;
mod history;
pub mod openapi;
pub mod placing;
mod queries;
pub mod rebuild;
mod repository;
mod routes;
mod task_service;
pub mod upkeep;
mod wire;
mod words;

use actix_web::{
    rt::{spawn, task::JoinHandle},
    web,
};
use anyhow::Context as _;
use platform::{
    auth::ServiceKeys,
    cache::Cache,
    client::ServiceClient,
    config::Env,
    db::{self, Db, Inbox, PoolSize},
    http::{self, Check, Cursors},
    messaging::{Delivery, Publisher, consume, topology},
    outbox::Relay,
    shutdown, telemetry,
    wait::wait_for,
};
use tokio_util::sync::CancellationToken;

use self::{
    config::Config, consumers::project, queries::audit_log::Auditor, repository::deals,
    routes::audit::export::Exports,
};

/// The service's name, in logs, events and tokens.
pub const SERVICE: &str = "deal-service";
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
    let services = Services::connect(config)?;
    let db = services.db.clone();
    if wait_for("PostgreSQL", &shutdown, || db.ping())
        .await
        .is_none()
    {
        return Ok(());
    }
    let publisher = Publisher::new(config.amqp_url.clone(), SERVICE);
    let background = background(config, &services, publisher.clone(), &shutdown)?;
    let readiness = readiness(&services, publisher);
    let routes = move || {
        routes::all()
            .data(web::Data::new(services.db.clone()))
            .data(web::Data::new(services.auditor.clone()))
            .data(web::Data::new(services.exports.clone()))
            .data(web::Data::new(services.cache.clone()))
            .data(web::Data::new(services.keys.clone()))
            .data(web::Data::new(Cursors::new(&services.keys)))
            .data(web::Data::new(services.tasks.clone()))
    };
    http::serve(SERVICE, &config.common, readiness, routes, shutdown).await?;
    for task in background {
        task.await.context("a background task failed")?;
    }
    Ok(())
}

/// What handlers and consumers work with.
#[derive(Clone)]
struct Services {
    db: Db,
    auditor: Auditor,
    exports: Exports,
    cache: Cache,
    keys: ServiceKeys,
    tasks: ServiceClient,
}

impl Services {
    /// Connects lazily: whatever is away now is found when it is there.
    fn connect(config: &Config) -> anyhow::Result<Self> {
        let log = Db::connect(&config.auditor_database_url, "audit", PoolSize::Small)?;
        Ok(Self {
            db: Db::connect(&config.database_url, SCHEMA, PoolSize::SharedRequests)?
                .with_sights(deals::SIGHTS),
            auditor: Auditor::new(log),
            exports: Exports::default(),
            cache: Cache::connect(&config.redis_url)?,
            keys: config.service_keys.clone(),
            tasks: ServiceClient::new("task-service", config.task_service_url.as_str())?,
        })
    }
}

/// The outbox relay, the consumer, the gauges and the wait for the cache; each ends when `shutdown` is cancelled.
fn background(
    config: &Config,
    services: &Services,
    publisher: Publisher,
    shutdown: &CancellationToken,
) -> anyhow::Result<[JoinHandle<()>; 4]> {
    let relay = Relay::new(&config.relay_database_url, SCHEMA, SERVICE, publisher)?;
    let inbox = Inbox::new(services.db.clone(), topology::DEAL_SERVICE.queue);
    let (applying, cache) = (inbox.clone(), services.cache.clone());
    let handler = async move |events: &[Delivery]| project::handle(&applying, &cache, events).await;
    let consumer = consume(
        config.amqp_url.clone(),
        topology::DEAL_SERVICE,
        config.common.event_patience,
        Some(inbox),
        |_| false,
        handler,
        shutdown.clone(),
    );
    Ok([
        spawn(relay.run(shutdown.clone())),
        spawn(consumer),
        spawn(gauges::run(services.db.clone(), shutdown.clone())),
        spawn(services.cache.clone().wait_until_there(shutdown.clone())),
    ])
}

fn readiness(services: &Services, publisher: Publisher) -> Vec<Check> {
    let (db, auditor, cache) = (
        services.db.clone(),
        services.auditor.clone(),
        services.cache.clone(),
    );
    vec![
        Check::required("postgresql", move || {
            let db = db.clone();
            async move { db.ping().await }
        }),
        Check::reported("audit log", move || {
            let auditor = auditor.clone();
            async move { auditor.ping().await }
        }),
        Check::reported("redis", move || {
            let cache = cache.clone();
            async move { cache.ping().await }
        }),
        Check::reported("rabbitmq", move || {
            let publisher = publisher.clone();
            async move { publisher.ping().await }
        }),
    ]
}

/// Applies this service's migrations with its migration role.
pub async fn migrate() -> anyhow::Result<()> {
    let url = config::database_url(Env::from_process(), "MIGRATE_DATABASE_URL")?;
    db::migrate(&url, &sqlx::migrate!("../../migrations/deal")).await
}
