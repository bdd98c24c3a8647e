//! Who may use a connection now. This distinguishes waiting for one's turn from waiting for PostgreSQL: a burst of
//! requests queues while others finish, and when none finishes all waiting requests fail at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};
use uuid::Uuid;

use super::tenants::{Tenant, Tenants};
use crate::error::{Error, Result};

/// The longest that a session waits for its turn and for a connection together, while others finish.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// Without progress for this long the database counts as down.
const STALLED: Duration = Duration::from_millis(1500);

/// A pool's queue.
#[derive(Debug)]
pub(super) struct Admission {
    turns: Arc<Semaphore>,
    tenants: Tenants,
    since: Instant,
    /// When a session last began or committed, in milliseconds after `since`.
    progress: AtomicU64,
}

/// The right to use one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    admission: Arc<Admission>,
    /// Of the tenant's share, and of the pool.
    _permits: [OwnedSemaphorePermit; 2],
}

impl Turn {
    /// Records that PostgreSQL answers, for those who wait.
    pub(super) fn progress(&self) {
        let elapsed = self.admission.since.elapsed().as_millis();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        self.admission
            .progress
            .fetch_max(elapsed, Ordering::Relaxed);
    }
}

impl Admission {
    /// At most `sessions` at once.
    pub(super) fn new(sessions: usize) -> Arc<Self> {
        Arc::new(Self {
            turns: Arc::new(Semaphore::new(sessions)),
            tenants: Tenants::new(sessions),
            since: Instant::now(),
            progress: AtomicU64::new(0),
        })
    }

    /// Waits for a turn, first come, first served; [`Admission::patiently`] limits the wait. Requests of one tenant
    /// beyond its share wait for each other first.
    pub(super) async fn turn(self: &Arc<Self>, tenant: Tenant) -> Result<Turn> {
        let own = self.tenants.queue(tenant).acquire_owned().await;
        let own = own.map_err(Error::unavailable)?;
        let any = Arc::clone(&self.turns).acquire_owned().await;
        Ok(Turn {
            admission: Arc::clone(self),
            _permits: [own, any.map_err(Error::unavailable)?],
        })
    }

    /// The database said to which organization a user belongs.
    pub(super) fn learn(&self, user_id: Uuid, organization_id: Uuid) {
        self.tenants.learn(user_id, organization_id);
    }

    /// Waits while other sessions begin or end. [`Error::Unavailable`] when none of them does, or it takes
    /// too long all the same.
    pub(super) async fn patiently<T>(&self, awaited: impl Future<Output = Result<T>>) -> Result<T> {
        let asked = Instant::now();
        tokio::pin!(awaited);
        loop {
            // Even a request that arrives during a stall gives the sessions before it this time to progress.
            let stalled = (self.last_progress().max(asked) + STALLED).min(asked + PATIENCE);
            if let Ok(outcome) = timeout_at(stalled, &mut awaited).await {
                return outcome;
            }
            if asked.elapsed() >= PATIENCE {
                return Err(Error::unavailable("PostgreSQL: too many sessions wait"));
            }
            if self.last_progress() + STALLED <= Instant::now() {
                return Err(Error::unavailable("PostgreSQL: no session makes progress"));
            }
        }
    }

    fn last_progress(&self) -> Instant {
        self.since + Duration::from_millis(self.progress.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Why nobody got a turn, or something after it.
    async fn refused(admission: &Admission, awaited: impl Future<Output = Result<Turn>>) -> String {
        let outcome = admission.patiently(awaited).await;
        outcome.map(drop).unwrap_err().to_string()
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_waits_as_long_as_others_finish() {
        let admission = Admission::new(1);
        let held = admission.turn(Tenant::Nobody).await.unwrap();
        let waiting = tokio::spawn({
            let admission = Arc::clone(&admission);
            async move {
                admission
                    .patiently(admission.turn(Tenant::Nobody))
                    .await
                    .map(drop)
            }
        });
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            held.progress();
        }
        drop(held);
        waiting.await.unwrap().unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_database_that_does_not_answer() {
        let admission = Admission::new(1);
        let _held = admission.turn(Tenant::Nobody).await.unwrap();
        let asked = Instant::now();
        let told = refused(&admission, admission.turn(Tenant::Nobody)).await;
        assert!(told.contains("no session makes progress"), "{told}");
        assert_eq!(asked.elapsed(), STALLED);
    }

    #[tokio::test(start_paused = true)]
    async fn the_wait_for_a_turn_and_the_wait_behind_it_are_one() {
        let admission = Admission::new(1);
        let held = admission.turn(Tenant::Nobody).await.unwrap();
        let failing = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(held);
        });
        let asked = Instant::now();
        let connecting = async {
            let _turn = admission.turn(Tenant::Nobody).await?;
            std::future::pending().await
        };
        let told = refused(&admission, connecting).await;
        assert!(told.contains("no session makes progress"), "{told}");
        assert_eq!(asked.elapsed(), STALLED);
        failing.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends_also_while_others_finish() {
        let admission = Admission::new(1);
        let held = admission.turn(Tenant::Nobody).await.unwrap();
        let busy = tokio::spawn(async move {
            loop {
                held.progress();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        let asked = Instant::now();
        let told = refused(&admission, admission.turn(Tenant::Nobody)).await;
        assert!(told.contains("too many sessions wait"), "{told}");
        assert_eq!(asked.elapsed(), PATIENCE);
        busy.abort();
    }
}
