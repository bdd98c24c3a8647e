//! What the process of this service does: serve, or one of its other subcommands.

use futures::FutureExt as _;
use platform::{
    config::Env,
    http::Check,
    messaging::Publisher,
    outbox::Relay,
    service::{self, Service},
};

use crate::{
    NAME, SCHEMA,
    config::{self, Config},
    consumers, routes,
    services::Services,
    shipped,
};

/// Serves, relays and consumes until the process is asked to end.
pub async fn serve() -> anyhow::Result<()> {
    let config = Config::from_env(Env::from_process())?;
    service::run(NAME, &config.common, async |stop| {
        let services = Services::connect(&config)?;
        let publisher = Publisher::new(config.amqp_url.clone(), NAME);
        let relay = Relay::new(&config.relay_database_url, SCHEMA, NAME, publisher.clone())?;
        let consuming = consumers::consume(config.clone(), services.clone(), stop.clone());
        let postgresql = Check::required("postgresql", &services.db, async |db| db.ping().await);
        let rabbitmq = Check::reported("rabbitmq", &publisher, async |broker| broker.ping().await);
        Service {
            name: NAME,
            common: &config.common,
            wait_for: vec![postgresql.clone()],
            readiness: vec![postgresql, rabbitmq],
            background: vec![
                relay.run(stop.clone()).boxed_local(),
                consuming.boxed_local(),
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
    let url = config::owner_database_url(Env::from_process())?;
    platform::db::migrate(&url, &sqlx::migrate!("../../migrations/task")).await
}

/// Loads the built-in templates, with the owner's role; answers how many were added.
pub async fn load_templates() -> anyhow::Result<u64> {
    let url = config::owner_database_url(Env::from_process())?;
    shipped::load(&url).await
}
