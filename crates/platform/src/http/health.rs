//! `/healthz` (is the process alive), `/readyz` (can it do its work) and `/metrics`.
//!
//! Only what a service cannot work without makes it unready. The rest is reported: with Redis or the
//! broker away everything goes on, slower or later, and no balancer should take the service out.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use actix_web::{HttpResponse, http::StatusCode, web};
use futures::{
    FutureExt as _,
    future::{LocalBoxFuture, join_all},
};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::Routes;
use crate::telemetry;

/// A probe takes no longer.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);

type Probe = dyn Fn() -> LocalBoxFuture<'static, anyhow::Result<()>> + Send + Sync;

/// Asks whether one dependency is there.
#[derive(Clone)]
pub struct Check {
    name: &'static str,
    required: bool,
    probe: Arc<Probe>,
}

impl Check {
    /// A dependency without which the service is not ready.
    pub fn required<F>(name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + 'static,
    {
        Self {
            name,
            required: true,
            probe: Arc::new(move || probe().boxed_local()),
        }
    }

    /// A dependency that is only reported.
    pub fn reported<F>(name: &'static str, probe: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + 'static,
    {
        Self {
            required: false,
            ..Self::required(name, probe)
        }
    }

    async fn is_there(&self) -> bool {
        match tokio::time::timeout(PROBE_TIMEOUT, (self.probe)()).await {
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
    checks: web::Data<Readiness>,
    shutdown: web::Data<CancellationToken>,
) -> HttpResponse {
    let outcomes = join_all(checks.iter().map(Check::is_there)).await;
    let ready = !shutdown.is_cancelled()
        && checks
            .iter()
            .zip(&outcomes)
            .all(|(check, there)| *there || !check.required);
    let dependencies: Map<String, Value> = checks
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
