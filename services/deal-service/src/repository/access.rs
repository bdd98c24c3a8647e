//! The acting user as the domain's rules want it.

use domain::task::Actor;
use platform::db::Tx;

/// The acting user as the domain's rules want it.
pub(crate) fn actor(tx: &Tx) -> Actor {
    Actor {
        user_id: tx.actor().user_id,
        permissions: tx.actor().permissions,
    }
}
