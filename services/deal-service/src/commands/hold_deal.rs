//! ACTIVE → ON_HOLD: deadlines pause.

use domain::deal::DealTransition;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{lock_to_steer, status};
use crate::repository::deals::SeenDeal;

pub(crate) async fn run(tx: &mut Tx, id: Uuid, reason: Option<&str>) -> Result<SeenDeal> {
    let seen = lock_to_steer(tx, id).await?;
    let step = DealTransition {
        reason: reason.map(str::to_owned),
        ..seen.deal.status.hold()?
    };
    status::take(tx, seen, step, None).await
}
