//! `/healthz` (is the process alive), `/readyz` (can it do its work) and `/metrics`.
//!
//! Only what a service cannot work without makes it unready. The rest is reported: without Redis or the broker
//! everything goes on, slower or later, and no balancer should take the service out.
//!
//! Outcomes are cached: the dependencies are probed at most once a second, however many requests come.

use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::{HttpResponse, http::StatusCode, web};
use futures::{
    FutureExt as _,
    future::{LocalBoxFuture, join_all},
};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::Routes;
use crate::telemetry;

/// A probe takes no longer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the outcomes of probes are reused.
const OUTCOMES_KEPT_FOR: Duration = Duration::from_secs(1);

type Probe = dyn Fn() -> LocalBoxFuture<'static, anyhow::Result<()>> + Send + Sync;

/// Asks whether one dependency is there.
#[derive(Clone)]
pub struct Check {
    name: &'static str,
    required: bool,
    probe: Arc<Probe>,
}

impl Check {
    /// A dependency without which the service is not ready. `probe` gets a clone of it.
    pub fn required<T, F>(
        name: &'static str,
        dependency: &T,
        probe: impl Fn(T) -> F + Send + Sync + 'static,
    ) -> Self
    where
        T: Clone + Send + Sync + 'static,
        F: Future<Output = anyhow::Result<()>> + 'static,
    {
        let dependency = dependency.clone();
        Self {
            name,
            required: true,
            probe: Arc::new(move || probe(dependency.clone()).boxed_local()),
        }
    }

    /// A dependency that is only reported.
    pub fn reported<T, F>(
        name: &'static str,
        dependency: &T,
        probe: impl Fn(T) -> F + Send + Sync + 'static,
    ) -> Self
    where
        T: Clone + Send + Sync + 'static,
        F: Future<Output = anyhow::Result<()>> + 'static,
    {
        Self {
            required: false,
            ..Self::required(name, dependency, probe)
        }
    }

    /// The dependency's name.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// Asks it, for as long as it takes to answer.
    pub(crate) async fn ask(&self) -> anyhow::Result<()> {
        (self.probe)().await
    }

    async fn is_there(&self) -> bool {
        match tokio::time::timeout(PROBE_TIMEOUT, self.ask()).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::debug!(
                    dependency = self.name,
                    error = format!("{error:#}"),
                    "a readiness check failed"
                );
                false
            }
            Err(_) => false,
        }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Check")
            .field("name", &self.name)
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}

/// The checks of a service.
pub type Readiness = Vec<Check>;

/// The checks of a service, and what they said last.
#[derive(Debug)]
pub struct Probes {
    checks: Readiness,
    kept_for: Duration,
    last: Mutex<Option<Outcomes>>,
}

/// Whether each dependency was there, in the order of the checks.
#[derive(Clone, Debug)]
struct Outcomes {
    at: Instant,
    there: Vec<bool>,
}

impl Probes {
    /// Nothing has been asked yet.
    pub fn new(checks: Readiness) -> Self {
        Self::keeping(checks, OUTCOMES_KEPT_FOR)
    }

    fn keeping(checks: Readiness, kept_for: Duration) -> Self {
        Self {
            checks,
            kept_for,
            last: Mutex::new(None),
        }
    }

    /// The known outcomes; probes the dependencies if they are too old. Concurrent callers wait for the same probes.
    async fn outcomes(&self) -> Vec<bool> {
        let mut last = self.last.lock().await;
        if let Some(known) = &*last
            && known.at.elapsed() < self.kept_for
        {
            return known.there.clone();
        }
        let there = join_all(self.checks.iter().map(Check::is_there)).await;
        *last = Some(Outcomes {
            at: Instant::now(),
            there: there.clone(),
        });
        there
    }
}

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/healthz", healthz)
        .get("/readyz", readyz)
}

pub(super) fn admin_routes() -> Routes {
    routes().get("/metrics", metrics)
}

/// The process lives.
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}

/// Whether the service can do its work, and how each dependency is.
pub async fn readyz(
    probes: web::Data<Probes>,
    shutdown: web::Data<CancellationToken>,
) -> HttpResponse {
    let outcomes = probes.outcomes().await;
    let ready = !shutdown.is_cancelled()
        && probes
            .checks
            .iter()
            .zip(&outcomes)
            .all(|(check, there)| *there || !check.required);
    let dependencies: Map<String, Value> = probes
        .checks
        .iter()
        .zip(outcomes)
        .map(|(check, there)| {
            (
                check.name.to_owned(),
                if there { "ok" } else { "away" }.into(),
            )
        })
        .collect();
    let (status, word) = if ready {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unready")
    };
    HttpResponse::build(status).json(json!({ "status": word, "dependencies": dependencies }))
}

async fn metrics() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(telemetry::metrics::render())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    /// How often a dependency is asked by twenty who want to know at once.
    async fn asked(kept_for: Duration) -> u32 {
        let asked = Arc::new(AtomicU32::new(0));
        let check = Check::required("redis", &asked, async |counter: Arc<AtomicU32>| {
            counter.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            Ok(())
        });
        let probes = Probes::keeping(vec![check], kept_for);
        let outcomes = join_all((0..20).map(|_| probes.outcomes())).await;
        assert!(outcomes.iter().all(|there| there == &[true]));
        asked.load(Ordering::Relaxed)
    }

    #[actix_web::test]
    async fn a_dependency_is_asked_once_however_many_want_to_know() {
        assert_eq!(asked(Duration::MAX).await, 1);
        assert_eq!(asked(Duration::ZERO).await, 20);
    }

    #[actix_web::test]
    async fn a_dependency_that_does_not_answer_within_a_second_counts_as_unavailable() {
        tokio::time::pause();
        let silent = Check::required("redis", &(), async |()| std::future::pending().await);
        let asked = tokio::time::Instant::now();
        let probes = Probes::new(vec![silent]);
        let asking = probes.outcomes();
        let outcomes = tokio::time::timeout(Duration::from_hours(1), asking).await;
        assert_eq!(outcomes, Ok(vec![false]));
        assert_eq!(asked.elapsed().as_secs(), PROBE_TIMEOUT.as_secs());
    }
}
