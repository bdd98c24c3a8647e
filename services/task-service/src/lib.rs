//! task-service: templates, plans, key dates and tasks.
//!
//! It owns what is to be done in a deal and by when. Deliberately without any knowledge of the deal's own
//! fields: whether a deal exists, runs and may be seen it reads from the shared authority, and what a plan is
//! made from it asks deal-service.

// Consumers and commands nest deeper than the compiler's default lets layouts be asked.
#![recursion_limit = "256"]

mod commands;
mod config;
mod consumers;
mod history;
mod holidays;
mod openapi;
mod parsing;
mod planning;
mod queries;
mod repository;
mod routes;
mod rules;
mod services;
mod shipped;
mod sight;
mod views;

use std::pin::Pin;

use actix_web::{rt, web};
use platform::{
    client::ServiceClient,
    config::Env,
    db::{Db, Inbox, PoolSize},
    http::{Check, Cursors, Readiness},
    messaging::{self, Publisher, topology},
    outbox::Relay,
    shutdown, telemetry,
    wait::wait_for,
};
use sqlx::migrate::Migrator;

use crate::{config::Config, repository::tasks, services::Services};

pub use openapi::print as openapi;

/// The service's name, in logs, events and tokens.
pub const NAME: &str = "task-service";

/// The schema that is this service's own.
const SCHEMA: &str = "task";

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/task");

/// Serves, relays and consumes until the process is asked to end.
pub async fn serve() -> anyhow::Result<()> {
    let config = Config::from_env(Env::from_process())?;
    let _telemetry = telemetry::init(NAME, &config.common)?;
    let stop = shutdown::on_signal()?;
    let services = Services {
        db: Db::connect(&config.database_url, SCHEMA, PoolSize::Requests)?
            .with_sights(tasks::SIGHTS),
        cursors: Cursors::new(&config.service_keys),
        keys: config.service_keys,
        deal_service: ServiceClient::new("deal-service", config.deal_service_url.as_str())?,
    };
    if wait_for("PostgreSQL", &stop, || services.db.ping())
        .await
        .is_none()
    {
        return Ok(());
    }
    let publisher = Publisher::new(config.amqp_url.clone(), NAME);
    let relay = Relay::new(&config.relay_database_url, SCHEMA, NAME, publisher.clone())?;
    let relaying = rt::spawn(relay.run(stop.clone()));
    let consuming = rt::spawn({
        let (url, services, stop) = (config.amqp_url.clone(), services.clone(), stop.clone());
        let patience = config.common.event_patience;
        async move {
            let subscription = topology::TASK_SERVICE;
            let inbox = Inbox::new(services.db.clone(), subscription.queue);
            // Boxed, so that the type of what consumes does not hold the types of all that a command may do.
            let handle = async |events: &[messaging::Delivery]| {
                let handling: Pin<Box<dyn Future<Output = messaging::Outcome> + '_>> =
                    Box::pin(consumers::handle(&services, &inbox, events));
                handling.await
            };
            let alone = consumers::asks_for_something;
            messaging::consume(url, subscription, patience, None, alone, handle, stop).await;
        }
    });

    let keys = web::Data::new(services.keys.clone());
    let readiness = readiness(&services, &publisher);
    let data = web::Data::new(services);
    let routes = move || routes::all().data(keys.clone()).data(data.clone());
    platform::http::serve(NAME, &config.common, readiness, routes, stop).await?;
    consuming.await?;
    relaying.await?;
    Ok(())
}

/// Brings the schema up to date, with the owner's role.
pub async fn migrate() -> anyhow::Result<()> {
    let url = config::owner_database_url(Env::from_process())?;
    platform::db::migrate(&url, &MIGRATIONS).await
}

/// Loads the built-in templates, with the owner's role; answers how many were added.
pub async fn load_templates() -> anyhow::Result<u64> {
    let url = config::owner_database_url(Env::from_process())?;
    shipped::load(&url).await
}

fn readiness(services: &Services, publisher: &Publisher) -> Readiness {
    let db = services.db.clone();
    let publisher = publisher.clone();
    vec![
        Check::required("postgresql", move || {
            let db = db.clone();
            async move { db.ping().await }
        }),
        Check::reported("rabbitmq", move || {
            let publisher = publisher.clone();
            async move { publisher.ping().await }
        }),
    ]
}
