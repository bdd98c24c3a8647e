//! Sign-ins to one account wait for each other, within this process.
//!
//! Each attempt is counted before its password is looked at. Without turns, a handful of right passwords
//! sent at once would count as failures of each other until the first one is through.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

/// From this many addresses on, those that nobody waits for are forgotten.
const SWEEP_AT: usize = 1024;

/// One turn for each address.
#[derive(Clone, Debug, Default)]
pub struct Turns(Arc<Mutex<TurnsByAddress>>);

type TurnsByAddress = HashMap<Vec<u8>, Weak<Turn<()>>>;

impl Turns {
    /// Waits until no other sign-in with this address is under way; the turn ends when the guard is dropped.
    pub async fn wait(&self, address_hash: &[u8]) -> OwnedMutexGuard<()> {
        let turn = self.turn(address_hash);
        turn.lock_owned().await
    }

    fn turn(&self, address_hash: &[u8]) -> Arc<Turn<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(address_hash).and_then(Weak::upgrade) {
            return turn;
        }
        if turns.len() >= SWEEP_AT {
            turns.retain(|_, turn| turn.strong_count() > 0);
        }
        let turn = Arc::new(Turn::new(()));
        turns.insert(address_hash.to_vec(), Arc::downgrade(&turn));
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn one_address_at_a_time_and_others_beside_it() {
        let turns = Turns::default();
        let first = turns.wait(b"a").await;
        let _other = turns.wait(b"b").await;
        assert!(turns.turn(b"a").try_lock().is_err());
        drop(first);
        assert!(turns.turn(b"a").try_lock().is_ok());
    }
}
