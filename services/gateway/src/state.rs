//! What the workers share, and what each has for itself.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use anyhow::Context as _;
use platform::{
    auth::{ServiceKeys, TokenVerifier},
    cache::Cache,
};

use crate::{
    breaker::Breaker,
    config::Config,
    docs::Docs,
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

/// Between two warnings of one kind, in seconds.
const WARNING_INTERVAL_SECONDS: u64 = 60;

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

    /// Logs, at most once in a while, that `X-Forwarded-For` came from an untrusted peer: without configuration all
    /// clients behind an ingress count as one.
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

    /// What one more worker has for itself.
    ///
    /// # Errors
    /// When the address of Redis is invalid.
    pub(crate) fn worker(&self) -> anyhow::Result<Worker> {
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
