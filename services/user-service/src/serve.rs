//! What the process of this service does: serve, or one of its other subcommands.

use futures::FutureExt as _;
use platform::{
    cache::Cache,
    config::Env,
    db::{Db, PoolSize},
    http::Check,
    messaging::Publisher,
    outbox::Relay,
    service::{self, Service},
};

use crate::{
    NAME, SCHEMA,
    config::{self, Config},
    consumers, routes,
    secrets::signing_keys,
    services::Services,
    upkeep,
};

/// Serves, relays and consumes until the process is asked to end.
pub async fn serve() -> anyhow::Result<()> {
    let config = Config::from_env(Env::from_process())?;
    service::run(NAME, &config.common, async |stop| {
        let cache = Cache::connect(&config.redis_url)?;
        let services = Services::connect(&config, &cache)?;
        let publisher = Publisher::new(config.amqp_url.clone(), NAME);
        let relay = Relay::new(&config.relay_database_url, SCHEMA, NAME, publisher.clone())?;
        let consuming = consumers::consume(config.clone(), services.clone(), stop.clone());
        let keys = services.keys.clone();
        Service {
            name: NAME,
            common: &config.common,
            // Without a signing key nobody can sign in.
            wait_for: vec![Check::required("postgresql", &keys, async |keys| {
                keys.load().await
            })],
            readiness: vec![
                Check::required("postgresql", &services.db, async |db| db.ping().await),
                Check::reported("redis", &cache, async |cache| cache.ping().await),
                Check::reported("rabbitmq", &publisher, async |broker| broker.ping().await),
            ],
            background: vec![
                relay.run(stop.clone()).boxed_local(),
                consuming.boxed_local(),
                keys.keep_loaded(stop.clone()).boxed_local(),
                upkeep::run(services.db.clone(), stop.clone()).boxed_local(),
                cache.wait_until_there(stop.clone()).boxed_local(),
            ],
            routes: move || routes::all(&services),
        }
        .serve(stop)
        .await
    })
    .await
}

/// Brings the schema up to date, with the owner's role.
pub async fn migrate() -> anyhow::Result<()> {
    let url = config::migrate_database_url(Env::from_process())?;
    platform::db::migrate(&url, &sqlx::migrate!("../../migrations/identity")).await
}

/// Makes a new signing key and retires the present one; answers the new key's id.
pub async fn rotate_keys() -> anyhow::Result<String> {
    let (url, key) = config::rotation(Env::from_process())?;
    let db = Db::connect(&url, SCHEMA, PoolSize::Small)?;
    signing_keys::rotate(&db, &key).await
}
