//! What can be done to deals and parties, one use case a file. Each runs in a session that a route or consumer opened.

pub(crate) mod activate_deal;
pub(crate) mod add_party;
pub(crate) mod cancel_deal;
pub(crate) mod close_deal;
pub(crate) mod create_deal;
pub(crate) mod delete_deal;
pub(crate) mod hold_deal;
pub(crate) mod remove_party;
pub(crate) mod reopen_deal;
pub(crate) mod resume_deal;
mod status;
pub(crate) mod update_deal;
pub(crate) mod update_party;

use domain::deal::may_steer;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use crate::repository::{
    access,
    deals::{self, SeenDeal},
};

/// Locks a deal for a change by its creator or by who manages it: 404 when the acting user may not see
/// it, 403 when it may not change it.
async fn lock_to_steer(tx: &Tx, id: Uuid) -> Result<SeenDeal> {
    let seen = deals::lock(tx, id).await?;
    may_steer(&access::actor(tx), seen.relation)?;
    Ok(seen)
}
