//! What the workers share, what each has for itself, and the server they make up.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use actix_cors::Cors;
use actix_web::{
    App, HttpServer,
    dev::Server,
    http::KeepAlive,
    middleware::{Condition, from_fn},
    web::{self, Data},
};
use anyhow::Context as _;
use platform::{
    auth::{ServiceKeys, TokenVerifier},
    cache::Cache,
    http::{Check, Probes},
};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::{
    breaker::Breaker,
    config::{Config, Origins},
    docs::Docs,
    door,
    envelope::envelope,
    limits::{
        Policies,
        local::LocalLimits,
        shared::{OutageClock, SharedState},
    },
    openapi,
    proxy::Proxy,
    routes::RouteTable,
    session::Sessions,
    upstream::{ServiceDocument, Upstream},
};

/// The service's name.
pub const NAME: &str = "gateway";
/// Threads that answer requests.
const WORKERS: usize = 2;
/// An idle connection is kept so long.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// A client must have sent its request's head within this time.
const CLIENT_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// A client that hangs up gets this long to do so.
const CLIENT_DISCONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// What was sent to a client and is not taken for so long ends its connection.
const UNREAD_TIMEOUT: Duration = Duration::from_secs(30);
/// A worker's connections to clients, at most.
const CONNECTIONS_MAX: usize = 8_192;
/// At the end, requests under way get this long.
const SHUTDOWN_TIMEOUT_SECONDS: u64 = 30;
/// Between two warnings of one kind, in seconds.
const WARNING_INTERVAL_SECONDS: u64 = 60;
/// A preflight's answer holds so long, in seconds.
const PREFLIGHT_SECONDS: usize = 600;

/// What the workers share.
pub struct Gateway {
    pub(crate) config: Config,
    pub(crate) table: RouteTable,
    pub(crate) docs: Docs,
    pub(crate) keys: ServiceKeys,
    pub(crate) breakers: [Breaker; 4],
    pub(crate) policies: Policies,
    pub(crate) local_limits: LocalLimits,
    pub(crate) sessions: Sessions,
    /// For the readiness check alone: limits and sessions are asked for by each worker's own connection.
    pub(crate) redis: Cache,
    outages: OutageClock,
    pub(crate) verifier: TokenVerifier,
    started: Instant,
    /// When [`Gateway::warn_of_untrusted_proxy`] last did, in seconds from the start; 0 if never.
    warned_at: AtomicU64,
}

impl Gateway {
    /// A gateway to the services with these documents.
    ///
    /// # Errors
    /// When a document leaves a route open, or two of them use one name for different things.
    pub fn new(config: Config, documents: &[ServiceDocument]) -> anyhow::Result<Self> {
        let table = RouteTable::from_documents(documents)
            .context("failed to make the route table of the services' OpenAPI documents")?;
        let document =
            openapi::merge(documents).context("failed to merge the services' OpenAPI documents")?;
        let policies = Policies::scaled(config.rate_limit_scale.factor());
        let outages = OutageClock::default();
        Ok(Self {
            table,
            docs: Docs::new(&document),
            keys: config.service_keys.clone(),
            breakers: Upstream::ALL.map(|_| Breaker::new(config.limits.breaker)),
            policies,
            local_limits: LocalLimits::new(&policies),
            sessions: Sessions::new(outages.clone()),
            redis: Cache::connect(&config.redis_url)?,
            outages,
            verifier: TokenVerifier::new(&config.common)?,
            started: Instant::now(),
            warned_at: AtomicU64::new(0),
            config,
        })
    }

    /// Whether this is not a developer's machine or a test.
    pub(crate) fn is_production(&self) -> bool {
        !self.config.common.is_development()
    }

    /// Says at most once in a while that `X-Forwarded-For` came from somebody whose word does not count: an ingress that
    /// is not configured makes one client of all of them.
    pub(crate) fn warn_of_untrusted_proxy(&self) {
        let now = self.started.elapsed().as_secs();
        let last = self.warned_at.load(Ordering::Relaxed);
        let is_due = last == 0 || now.saturating_sub(last) >= WARNING_INTERVAL_SECONDS;
        let won = is_due
            && self
                .warned_at
                .compare_exchange(last, now.max(1), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if won {
            tracing::warn!(
                "X-Forwarded-For came from an address that is not in HAUSHAVN_TRUSTED_PROXIES; it is not believed"
            );
        }
    }

    fn worker(&self) -> anyhow::Result<Worker> {
        let shared = SharedState::new(&self.config.redis_url, self.outages.clone())
            .context("HAUSHAVN_REDIS_URL is not the address of a Redis server")?;
        Ok(Worker {
            proxy: Proxy::new(self.config.limits),
            shared,
        })
    }
}

/// What each worker has for itself.
pub struct Worker {
    pub(crate) proxy: Proxy,
    pub(crate) shared: SharedState,
}

/// What `/readyz` tells. Nothing takes the gateway out: without Redis or a service the rest still works.
pub fn readiness(gateway: &Arc<Gateway>) -> Probes {
    let redis = gateway.redis.clone();
    let redis = Check::reported("redis", move || {
        let redis = redis.clone();
        async move { redis.ping().await }
    });
    let services = Upstream::ALL.map(|upstream| {
        let gateway = Arc::clone(gateway);
        Check::reported(upstream.name(), move || {
            let is_open = gateway.breakers[upstream.index()].is_open();
            async move {
                anyhow::ensure!(!is_open, "could not be reached several times in a row");
                Ok(())
            }
        })
    });
    Probes::new([redis].into_iter().chain(services).collect())
}

/// Starts to listen, and tells on which address. The server ends when `shutdown` is cancelled, after requests under way.
///
/// # Errors
/// When the address is taken or the settings do not make a gateway.
pub fn listen(
    gateway: &Arc<Gateway>,
    probes: Data<Probes>,
    shutdown: CancellationToken,
) -> anyhow::Result<(SocketAddr, Server)> {
    let listen = gateway.config.common.listen;
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
    .max_connections(CONNECTIONS_MAX)
    .tcp_nodelay(true)
    .keep_alive(KeepAlive::Timeout(KEEP_ALIVE))
    .client_request_timeout(CLIENT_REQUEST_TIMEOUT)
    .client_disconnect_timeout(CLIENT_DISCONNECT_TIMEOUT)
    .shutdown_timeout(SHUTDOWN_TIMEOUT_SECONDS)
    .shutdown_signal(shutdown.cancelled_owned())
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
