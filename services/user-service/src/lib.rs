//! user-service: organizations, users, sign-in, and everything that is told to people.
//!
//! It alone knows passwords, makes tokens and sends mail. Deliberately without any knowledge of deals and
//! tasks beyond their names in notifications: who takes part in a deal it reads from the shared authority.

pub mod commands;
pub mod config;
pub mod consumers;
pub mod holidays;
pub mod lockout;
pub mod mail;
pub mod notices;
pub mod openapi;
pub mod queries;
pub mod repository;
pub mod routes;
pub mod secrets;
pub mod services;
pub mod session_cache;
mod upkeep;
pub mod views;

use actix_web::{
    rt::{self, task::JoinHandle},
    web,
};
use futures::future::join_all;
use platform::{
    cache::Cache,
    config::Env,
    db::{Db, Inbox, PoolSize},
    http::{Check, Readiness},
    messaging::{self, Delivery, Publisher, topology::USER_SERVICE},
    outbox::Relay,
    shutdown, telemetry,
    wait::wait_for,
};
use sqlx::migrate::Migrator;
use tokio_util::sync::CancellationToken;

use crate::{config::Config, secrets::signing_keys, services::Services};

/// The service's name, in logs, events and tokens.
pub const NAME: &str = "user-service";

/// The schema `identity`.
static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations/identity");

/// Serves until the process is asked to end.
pub async fn serve() -> anyhow::Result<()> {
    let config = Config::from_env(Env::from_process())?;
    let _telemetry = telemetry::init(NAME, &config.common)?;
    let stop = shutdown::on_signal()?;
    let cache = Cache::connect(&config.redis_url)?;
    let services = Services::new(&config, &cache)?;
    if wait_for("PostgreSQL", &stop, || services.keys.load())
        .await
        .is_none()
    {
        return Ok(());
    }
    let publisher = Publisher::new(config.amqp_url.clone(), NAME);
    let background = start_background(&config, &services, &cache, &publisher, &stop)?;

    let data = web::Data::new(services.clone());
    let keys = web::Data::new(config.service_keys.clone());
    let routes = move || routes::all().data(data.clone()).data(keys.clone());
    let readiness = readiness(&services, cache, publisher);
    let served = platform::http::serve(NAME, &config.common, readiness, routes, stop.clone()).await;
    stop.cancel();
    join_all(background).await;
    served
}

/// Everything that goes on beside requests, until `stop` is cancelled.
fn start_background(
    config: &Config,
    services: &Services,
    cache: &Cache,
    publisher: &Publisher,
    stop: &CancellationToken,
) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let relay = Relay::new(
        &config.relay_database_url,
        "identity",
        NAME,
        publisher.clone(),
    )?;
    let hearing = services.clone();
    let inbox = Inbox::new(services.db.clone(), USER_SERVICE.queue);
    let heard = messaging::consume(
        config.amqp_url.clone(),
        USER_SERVICE,
        config.common.event_patience,
        None,
        |_| false,
        async move |events: &[Delivery]| consumers::handle(&hearing, &inbox, events).await,
        stop.clone(),
    );
    Ok(vec![
        rt::spawn(services.keys.clone().keep_loaded(stop.clone())),
        rt::spawn(relay.run(stop.clone())),
        rt::spawn(heard),
        rt::spawn(upkeep::run(services.db.clone(), stop.clone())),
        rt::spawn(cache.clone().wait_until_there(stop.clone())),
    ])
}

/// Brings the schema up to date, with the owner's role.
pub async fn migrate() -> anyhow::Result<()> {
    let url = config::migrate_database_url(Env::from_process())?;
    platform::db::migrate(&url, &MIGRATIONS).await
}

/// Makes a new signing key and retires the present one; answers the new key's id.
pub async fn rotate_keys() -> anyhow::Result<String> {
    let (url, key) = config::rotation(Env::from_process())?;
    let db = Db::connect(&url, "identity", PoolSize::Small)?;
    signing_keys::rotate(&db, &key).await
}

fn readiness(services: &Services, cache: Cache, publisher: Publisher) -> Readiness {
    let db = services.db.clone();
    vec![
        Check::required("postgresql", move || {
            let db = db.clone();
            async move { db.ping().await }
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
