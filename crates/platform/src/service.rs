//! The process of a service: the same steps, from the first log line to the last span, in all of them.
//!
//! Deliberately without any knowledge of what a service does: it brings what it serves and what runs beside that.

use actix_web::rt::spawn;
use anyhow::Context as _;
use futures::future::{LocalBoxFuture, join_all};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Common,
    http::{self, Check, Readiness, Routes},
    shutdown, telemetry,
    wait::wait_for,
};

/// What a service with an HTTP API is made of.
pub struct Service<'a, R> {
    /// The service's name, in logs, events and tokens.
    pub name: &'static str,
    /// The settings that every service has.
    pub common: &'a Common,
    /// What must have answered once before the service listens.
    pub wait_for: Vec<Check>,
    /// What `/readyz` reports.
    pub readiness: Readiness,
    /// What runs beside requests. Each ends when the process is asked to end.
    pub background: Vec<LocalBoxFuture<'static, ()>>,
    /// Makes the routes, with their data.
    pub routes: R,
}

impl<R: Fn() -> Routes + Clone + Send + 'static> Service<'_, R> {
    /// Waits for what is needed, then serves until `stop` is cancelled, and then until everything has ended.
    ///
    /// # Errors
    /// When an address is taken, or something in the background panics.
    pub async fn serve(self, stop: CancellationToken) -> anyhow::Result<()> {
        for check in &self.wait_for {
            if wait_for(check.name(), &stop, || check.ask())
                .await
                .is_none()
            {
                return Ok(());
            }
        }
        let background: Vec<_> = self.background.into_iter().map(spawn).collect();
        let served = http::serve(
            self.name,
            self.common,
            self.readiness,
            self.routes,
            stop.clone(),
        )
        .await;
        // When the service cannot listen, what runs beside it has no reason to go on.
        stop.cancel();
        let ended: Result<Vec<()>, _> = join_all(background).await.into_iter().collect();
        served?;
        ended.context("a background task failed")?;
        Ok(())
    }
}

/// Runs a service: logs, metrics and traces begin before anything else, and the last spans are sent at the end,
/// however it comes. `serve` gets a token that is cancelled when the process is asked to end.
///
/// # Errors
/// When telemetry cannot be started, or `serve` fails.
pub async fn run(
    name: &'static str,
    common: &Common,
    serve: impl AsyncFnOnce(CancellationToken) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    run_with_ids(name, common, RandomIdGenerator::default(), serve).await
}

/// The same, with another source of trace and span ids: what a workflow replays must get the same ids again.
///
/// # Errors
/// As [`run`].
pub async fn run_with_ids(
    name: &'static str,
    common: &Common,
    ids: impl IdGenerator + 'static,
    serve: impl AsyncFnOnce(CancellationToken) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let telemetry = telemetry::init(name, common, ids)?;
    let outcome = match shutdown::on_signal() {
        Ok(stop) => Box::pin(serve(stop)).await,
        Err(error) => Err(error),
    };
    telemetry.finish().await;
    outcome
}
