//! Each tenant's share of a pool: however many requests of one organization are under way, and however long each
//! takes, sessions are left for the others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Semaphore;
use uuid::Uuid;

/// Of four sessions, one tenant has three at most: so one alone is served nearly as fast as by all of them, and a second
/// one at once.
const fn share_of(sessions: usize) -> usize {
    let share = sessions * 3 / 4;
    if share == 0 { 1 } else { share }
}

/// Users whose organization is remembered; then all are learned again.
const USERS_REMEMBERED: usize = 10_000;
/// Tenants kept that have no session open, before they are forgotten.
const TENANTS_KEPT: usize = 1_000;

/// On whose account a session is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tenant {
    /// An organization's own work.
    Organization(Uuid),
    /// A user's request; its organization becomes known when the context is entered, and is remembered.
    User(Uuid),
    /// Somebody who is not signed in, or a job: together they have the share of one tenant.
    Nobody,
}

/// The shares of one pool.
#[derive(Debug)]
pub(super) struct Tenants {
    share: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    turns: HashMap<Uuid, Arc<Semaphore>>,
    /// The organization of a user, which never changes.
    organizations: HashMap<Uuid, Uuid>,
}

impl Tenants {
    /// For a pool of so many sessions.
    pub(super) fn new(sessions: usize) -> Self {
        Self {
            share: share_of(sessions),
            state: Mutex::default(),
        }
    }

    /// Where the tenant's sessions queue.
    pub(super) fn queue(&self, tenant: Tenant) -> Arc<Semaphore> {
        let mut state = self.state();
        let key = match tenant {
            Tenant::Organization(organization_id) => organization_id,
            Tenant::User(user_id) => *state.organizations.get(&user_id).unwrap_or(&user_id),
            Tenant::Nobody => Uuid::nil(),
        };
        if state.turns.len() > TENANTS_KEPT {
            // Who has a session or waits for one holds on to it.
            state.turns.retain(|_, turns| Arc::strong_count(turns) > 1);
        }
        let turns = state.turns.entry(key);
        Arc::clone(turns.or_insert_with(|| Arc::new(Semaphore::new(self.share))))
    }

    /// The database said to which organization a user belongs.
    pub(super) fn learn(&self, user_id: Uuid, organization_id: Uuid) {
        let mut state = self.state();
        if state.organizations.len() >= USERS_REMEMBERED {
            state.organizations.clear();
        }
        state.organizations.insert(user_id, organization_id);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    fn fill(tenants: &Tenants, tenant: Tenant) -> Vec<tokio::sync::OwnedSemaphorePermit> {
        std::iter::from_fn(|| tenants.queue(tenant).try_acquire_owned().ok()).collect()
    }

    #[test]
    fn one_tenant_leaves_sessions_for_the_others() {
        let tenants = Tenants::new(16);
        let held = fill(&tenants, Tenant::Organization(ONE));
        assert_eq!(held.len(), 12);
        assert!(!fill(&tenants, Tenant::Organization(OTHER)).is_empty());
        assert!(!fill(&tenants, Tenant::Nobody).is_empty());
        drop(held);
        assert_eq!(fill(&tenants, Tenant::Organization(ONE)).len(), 12);
    }

    #[test]
    fn users_of_one_organization_share_its_share() {
        let tenants = Tenants::new(4);
        for user in [10, 11, 12] {
            tenants.learn(Uuid::from_u128(user), ONE);
        }
        let _held = fill(&tenants, Tenant::User(Uuid::from_u128(10)));
        for user in [10, 11, 12] {
            let user = Tenant::User(Uuid::from_u128(user));
            assert!(fill(&tenants, user).is_empty());
        }
        assert_eq!(fill(&tenants, Tenant::User(Uuid::from_u128(13))).len(), 3);
    }

    #[test]
    fn tenants_and_users_that_are_gone_take_no_memory() {
        let tenants = Tenants::new(16);
        for number in 0..50_000 {
            tenants.queue(Tenant::Organization(Uuid::from_u128(number)));
            tenants.learn(Uuid::from_u128(number), ONE);
        }
        let state = tenants.state();
        assert!(state.turns.len() <= TENANTS_KEPT + 1);
        assert!(state.organizations.len() <= USERS_REMEMBERED);
    }
}
