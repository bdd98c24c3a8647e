//! The only public door of Haushavn: checks who asks and what for, limits how often, and passes requests on to
//! the services as streams.
//!
//! Deliberately without any business: it knows routes, permissions and limits, and nothing of deals and tasks.
//! It is not a trust boundary either: every service verifies tokens and permissions again.

pub mod body;
pub mod breaker;
pub mod config;
pub mod docs;
pub mod door;
pub mod envelope;
pub mod gateway;
pub mod headers;
pub mod identity;
pub mod limits;
pub mod openapi;
pub mod proxy;
pub mod routes;
pub mod session;
pub mod trusted_proxies;
pub mod upstream;
pub mod visit;

use std::sync::Arc;

use actix_web::web::Data;
use anyhow::Context as _;
use platform::{http::server::admin_server, shutdown, telemetry};

use crate::{
    config::Config,
    gateway::{Gateway, NAME, listen, readiness},
    upstream::committed_documents,
};

/// Serves until the process is asked to end.
///
/// # Errors
/// When the settings are wrong or an address is taken.
pub async fn serve() -> anyhow::Result<()> {
    let config = Config::from_process()?;
    let telemetry = telemetry::init(NAME, &config.common)?;
    let shutdown = shutdown::on_signal()?;
    let common = config.common.clone();
    let documents = committed_documents().context("failed to read the services' documents")?;
    let gateway = Arc::new(Gateway::new(config, &documents)?);
    // Says in the log when Redis is not there at start, and when it has come. Requests are served without it.
    let waiting = gateway.redis.clone().wait_until_there(shutdown.clone());
    let probes = Data::new(readiness(&gateway));
    let (address, api) = listen(&gateway, probes.clone(), shutdown.clone())?;
    let admin = admin_server(&common, probes, shutdown)?;
    tracing::info!(listen = %address, adminListen = %common.admin_listen, "{NAME} listens");
    let waiting = actix_web::rt::spawn(waiting);
    let served = futures::try_join!(api, admin).context("failed to serve");
    waiting.await.context("the wait for Redis failed")?;
    tracing::info!("{NAME} has stopped listening");
    telemetry.finish().await;
    served.map(|_| ())
}

/// The merged OpenAPI document, as it is committed.
///
/// # Errors
/// When a service's document is not JSON, or two of them use one name for different things.
pub fn openapi_document() -> anyhow::Result<String> {
    let documents = committed_documents().context("failed to read the services' documents")?;
    serde_json::to_string_pretty(&openapi::merge(&documents)?)
        .context("failed to write the document")
}
