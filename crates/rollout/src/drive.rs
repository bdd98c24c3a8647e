//! Drives a rollout from its first step to its end, or back.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use tokio_util::sync::CancellationToken;

use crate::{
    bounds::{Bounds, Breach},
    kubernetes::{Kubernetes, Shift},
    prometheus::Prometheus,
    steps::{Step, Steps},
};

/// Readings in a row that Prometheus may leave out: a rollout that nobody sees is not watched.
const UNSEEN_MAX: u32 = 3;

/// A rollout.
#[derive(Debug)]
pub struct Rollout {
    /// The API server.
    pub kubernetes: Kubernetes,
    /// What is asked about the new version.
    pub prometheus: Prometheus,
    /// The routes whose traffic moves, together.
    pub shifts: Vec<Shift>,
    /// The steps.
    pub steps: Steps,
    /// What the new version may do.
    pub bounds: Bounds,
    /// Between two readings.
    pub pause: Duration,
}

/// How a rollout ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The new version has all of the traffic.
    Complete,
    /// The present version has all of it again.
    RolledBack {
        /// The share that the new version had.
        percent: u8,
        /// Why.
        breach: Breach,
    },
}

impl Rollout {
    /// Goes through the steps. On a breach, and when `stop` is cancelled, the present version gets all of the traffic
    /// back.
    ///
    /// # Errors
    /// When a rollout is under way already, or when Kubernetes does not answer: then the error says which share the
    /// new version may still have.
    pub async fn run(&self, stop: &CancellationToken) -> anyhow::Result<Outcome> {
        for shift in &self.shifts {
            let share = self.kubernetes.share(shift).await?;
            if share > 0 {
                bail!(
                    "{} leads to {} with {share} percent already: `rollout back` ends that first",
                    shift.route,
                    shift.next
                );
            }
        }
        for step in self.steps.iter() {
            let breach = match self.divide(step.percent).await {
                Ok(()) => self.watch(step, stop).await,
                Err(error) => {
                    self.back().await?;
                    return Err(error);
                }
            };
            if let Some(breach) = breach {
                tracing::error!(percent = step.percent, "rolling back: {breach}");
                self.back().await?;
                return Ok(Outcome::RolledBack {
                    percent: step.percent,
                    breach,
                });
            }
        }
        Ok(Outcome::Complete)
    }

    /// Gives all of the traffic back to the present version.
    ///
    /// # Errors
    /// When a route could not be changed; the others were.
    pub async fn back(&self) -> anyhow::Result<()> {
        let mut failed = Vec::new();
        for shift in &self.shifts {
            if let Err(error) = self.kubernetes.divide(shift, 0).await {
                failed.push(format!("{error:#}"));
            }
        }
        if failed.is_empty() {
            return Ok(());
        }
        bail!(
            "not rolled back, `rollout back` tries again: {}",
            failed.join("; ")
        )
    }

    async fn divide(&self, percent: u8) -> anyhow::Result<()> {
        for shift in &self.shifts {
            self.kubernetes
                .divide(shift, percent)
                .await
                .with_context(|| format!("give the new version {percent} percent"))?;
        }
        tracing::info!(percent, "the new version has its share of the traffic");
        Ok(())
    }

    /// Watches one step to its end, or to the first breach.
    async fn watch(&self, step: Step, stop: &CancellationToken) -> Option<Breach> {
        let begun = Instant::now();
        let mut unseen = 0;
        loop {
            // The last reading is at the end of the step; where there is none, another follows.
            let wait = match step.hold.saturating_sub(begun.elapsed()) {
                Duration::ZERO => self.pause,
                left => self.pause.min(left),
            };
            tokio::select! {
                () = stop.cancelled() => return Some(Breach::Interrupted),
                () = tokio::time::sleep(wait) => {}
            }
            let is_over = begun.elapsed() >= step.hold;
            let read = async {
                let reading = self.prometheus.read().await?;
                let requests = self.prometheus.requests(begun.elapsed()).await?;
                anyhow::Ok((reading, requests))
            };
            match read.await {
                Ok((reading, requests)) => {
                    unseen = 0;
                    tracing::info!(percent = step.percent, requests, ?reading);
                    let unused = || is_over.then(|| self.bounds.judge_use(requests)).flatten();
                    if let Some(breach) = self.bounds.judge(reading).or_else(unused) {
                        return Some(breach);
                    }
                    if is_over {
                        return None;
                    }
                }
                Err(error) => {
                    unseen += 1;
                    tracing::warn!(unseen, "Prometheus does not answer: {error:#}");
                    if unseen >= UNSEEN_MAX {
                        let reason = format!("{error:#}");
                        return Some(Breach::Unseen { reason });
                    }
                }
            }
        }
    }
}
