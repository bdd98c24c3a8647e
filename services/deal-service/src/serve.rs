//! What the process of this service does: serve, or bring its schema up to date.

use futures::FutureExt as _;
use platform::{
    config::Env,
    db::{self, Inbox},
    http::Check,
    messaging::{self, Delivery, Publisher, topology::DEAL_SERVICE},
    outbox::Relay,
    service::{self, Service},
};
use tokio_util::sync::CancellationToken;

use crate::{
    NAME, SCHEMA,
    config::{self, Config},
    consumers::project,
    gauges, routes,
    services::Services,
};

/// Serves, relays and consumes until the process is asked to end.
pub async fn serve() -> anyhow::Result<()> {
    let config = Config::from_env(Env::from_process())?;
    service::run(NAME, &config.common, async |stop| {
        let services = Services::connect(&config)?;
        let publisher = Publisher::new(config.amqp_url.clone(), NAME);
        let relay = Relay::new(&config.relay_database_url, SCHEMA, NAME, publisher.clone())?;
        let consuming = consume(config.clone(), services.clone(), stop.clone());
        let cache = services.cache.clone();
        let postgresql = Check::required("postgresql", &services.db, async |db| db.ping().await);
        Service {
            name: NAME,
            common: &config.common,
            wait_for: vec![postgresql.clone()],
            readiness: vec![
                postgresql,
                Check::reported("audit log", &services.auditor, async |log| log.ping().await),
                Check::reported("redis", &cache, async |cache| cache.ping().await),
                Check::reported("rabbitmq", &publisher, async |broker| broker.ping().await),
            ],
            background: vec![
                relay.run(stop.clone()).boxed_local(),
                consuming.boxed_local(),
                gauges::run(services.db.clone(), stop.clone()).boxed_local(),
                cache.wait_until_there(stop.clone()).boxed_local(),
            ],
            routes: move || routes::all(&services),
        }
        .serve(stop)
        .await
    })
    .await
}

/// Consumes until `stop` is cancelled.
async fn consume(config: Config, services: Services, stop: CancellationToken) {
    let inbox = Inbox::new(services.db.clone(), DEAL_SERVICE.queue);
    let handle = async |events: &[Delivery]| project::handle(&inbox, &services.cache, events).await;
    messaging::consume(
        config.amqp_url,
        DEAL_SERVICE,
        config.common.event_patience,
        Some(inbox.clone()),
        |_| false,
        handle,
        stop,
    )
    .await;
}

/// Brings the schema up to date, with the owner's role.
pub async fn migrate() -> anyhow::Result<()> {
    let url = config::database_url(Env::from_process(), "MIGRATE_DATABASE_URL")?;
    db::migrate(&url, &sqlx::migrate!("../../migrations/deal")).await
}
