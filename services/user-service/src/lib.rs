//! user-service: organizations, users, sign-in, and everything that is told to people.
//!
//! It alone knows passwords, makes tokens and sends mail. Deliberately without any knowledge of deals and
//! tasks beyond their names in notifications: who takes part in a deal it reads from the shared authority.

pub mod commands;
pub mod config;
pub mod holidays;
pub mod lockout;
pub mod openapi;
pub mod queries;
pub mod repository;
pub mod routes;
pub mod secrets;
pub mod services;
pub mod session_cache;
pub mod views;

use actix_web::web;
use anyhow::Context as _;
use platform::{
    cache::Cache,
    config::{Env, Secret},
    db::{Db, PoolSize},
    http::{Check, Readiness},
    shutdown, telemetry,
    wait::wait_for,
};
use sqlx::migrate::Migrator;

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
    if wait_for("PostgreSQL", &stop, || services.keys.load()).await.is_none() {
        return Ok(());
    }
    actix_web::rt::spawn(services.keys.clone().keep_loaded(stop.clone()));

    let data = web::Data::new(services.clone());
    let configure = move |config: &mut web::ServiceConfig| {
        config.app_data(data.clone()).configure(routes::configure);
    };
    platform::http::serve(NAME, &config.common, readiness(&services, cache), configure, stop).await
}

/// Brings the schema up to date, with the owner's role.
pub async fn migrate() -> anyhow::Result<()> {
    let url = config::migrate_database_url(Env::from_process())?;
    platform::db::migrate(&url, &MIGRATIONS).await
}

/// Makes a new signing key and retires the present one; answers the new key's id.
pub async fn rotate_keys() -> anyhow::Result<String> {
    let (url, key) = config::rotation(Env::from_process())?;
    signing_keys::rotate(&connect(&url)?, &key).await
}

fn connect(url: &Secret) -> anyhow::Result<Db> {
    Db::connect(url, "identity", PoolSize::Small).context("DATABASE_URL cannot be used")
}

fn readiness(services: &Services, cache: Cache) -> Readiness {
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
    ]
}
