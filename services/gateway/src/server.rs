//! The server: where it listens, how long it waits for clients, and when it is ready.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix_cors::Cors;
use actix_web::{
    App, HttpServer,
    dev::Server,
    http::KeepAlive,
    middleware::{Condition, from_fn},
    rt::spawn,
    web::{self, Data},
};
use anyhow::Context as _;
use platform::{
    config::Env,
    http::{
        Check, Probes,
        server::{admin_server, drained},
    },
    service,
};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::{
    NAME,
    config::{Config, Origins},
    door,
    envelope::envelope,
    state::Gateway,
    upstream::{Upstream, committed_documents},
};

/// Threads that answer requests.
const WORKERS: usize = 2;
/// An idle connection is kept so long.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// A client must have sent its request's head within this time.
pub(crate) const CLIENT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// A client that disconnects gets this long to do so.
const CLIENT_DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A connection is closed when its client has not read what was sent for this long.
const UNREAD_TIMEOUT: Duration = Duration::from_secs(30);
/// A worker's connections to clients, at most.
pub(crate) const CONNECTIONS_MAX: usize = 8_192;
/// At the end, requests under way get this long.
const SHUTDOWN_TIMEOUT_SECONDS: u64 = 30;
/// A preflight's answer holds so long, in seconds.
const PREFLIGHT_SECONDS: usize = 600;

/// Serves until the process is asked to end.
///
/// # Errors
/// When the settings are wrong or an address is taken.
pub async fn serve() -> anyhow::Result<()> {
    let config = Config::from_env(Env::from_process())?;
    let common = config.common.clone();
    service::run(NAME, &common, async |stop| {
        let documents = committed_documents().context("failed to read the services' documents")?;
        let gateway = Arc::new(Gateway::new(config, &documents)?);
        // Logs when Redis is unavailable at start, and when it becomes available. Requests are served without it.
        let waiting = spawn(gateway.redis.clone().wait_until_there(stop.clone()));
        let probes = Data::new(readiness(&gateway));
        let (address, api) = listen(&gateway, probes.clone(), stop.clone())?;
        let admin = admin_server(&common, probes, stop.clone())?;
        tracing::info!(listen = %address, adminListen = %common.admin_listen, "{NAME} listens");
        let served = futures::try_join!(api, admin).context("failed to serve");
        tracing::info!("{NAME} has stopped listening");
        stop.cancel();
        waiting.await.context("the wait for Redis failed")?;
        served.map(|_| ())
    })
    .await
}

/// The content of `/readyz`. Nothing takes the gateway out: without Redis or a service the rest still works.
pub fn readiness(gateway: &Arc<Gateway>) -> Probes {
    let redis = Check::reported("redis", &gateway.redis, async |redis| redis.ping().await);
    let services = Upstream::ALL.map(|upstream| {
        Check::reported(upstream.name(), gateway, move |gateway| async move {
            let is_open = gateway.breakers[upstream.index()].is_open();
            anyhow::ensure!(!is_open, "could not be reached several times in a row");
            Ok(())
        })
    });
    Probes::new([redis].into_iter().chain(services).collect())
}

/// Starts to listen, and returns the address. The server ends when `shutdown` is cancelled, after requests under way.
///
/// # Errors
/// When the address is taken or the settings do not make a gateway.
pub fn listen(
    gateway: &Arc<Gateway>,
    probes: Data<Probes>,
    shutdown: CancellationToken,
) -> anyhow::Result<(SocketAddr, Server)> {
    let listen = gateway.config.common.listen;
    let limits = gateway.config.limits;
    // Found out here: the workers' factory cannot fail.
    gateway.worker()?;
    let shared = Data::from(Arc::clone(gateway));
    let draining = Data::new(shutdown.clone());
    let server = HttpServer::new(move || {
        let origins = &shared.config.cors_origins;
        let app = App::new()
            .app_data(shared.clone())
            .app_data(probes.clone())
            .app_data(draining.clone())
            .default_service(web::to(door::enter))
            .wrap(Condition::new(
                !origins.as_slice().is_empty(),
                cors(origins),
            ))
            .wrap(from_fn(envelope));
        match shared.worker() {
            Ok(worker) => app.app_data(Data::new(worker)),
            Err(error) => {
                tracing::error!(error = format!("{error:#}"), "a worker cannot work");
                app
            }
        }
    })
    .on_connect(|connection, _| {
        if let Some(stream) = connection.downcast_ref::<TcpStream>() {
            // Not on every system; without it a client that never reads keeps its own connection, and nothing else.
            if let Err(error) = SockRef::from(stream).set_tcp_user_timeout(Some(UNREAD_TIMEOUT)) {
                tracing::debug!(%error, "connections have no time limit for what is not read");
            }
        }
    })
    .workers(WORKERS)
    .max_connections(limits.client_connections)
    .tcp_nodelay(true)
    .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
    .client_request_timeout(limits.head)
    .client_disconnect_timeout(CLIENT_DISCONNECT_TIMEOUT)
    .shutdown_timeout(SHUTDOWN_TIMEOUT_SECONDS)
    .shutdown_signal(drained(shutdown, gateway.config.common.drain))
    .bind(listen)
    .with_context(|| format!("failed to listen on {listen}"))?;
    let address = server.addrs().first().copied().unwrap_or(listen);
    Ok((address, server.run()))
}

fn cors(origins: &Origins) -> Cors {
    let cors = Cors::default()
        .allowed_methods(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
        .allowed_headers([
            "authorization",
            "content-type",
            "idempotency-key",
            "if-match",
            "if-none-match",
            "traceparent",
            "x-request-id",
        ])
        .expose_headers([
            "etag",
            "idempotent-replayed",
            "location",
            "ratelimit",
            "ratelimit-policy",
            "retry-after",
            "x-ratelimit-limit",
            "x-ratelimit-remaining",
            "x-ratelimit-reset",
            "x-request-id",
        ])
        .max_age(PREFLIGHT_SECONDS);
    origins
        .as_slice()
        .iter()
        .fold(cors, |cors, origin| cors.allowed_origin(origin))
}
