//! DRAFT, ACTIVE or ON_HOLD → CANCELLED, with a reason.

use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{lock_to_steer, status};
use crate::repository::deals::SeenDeal;

pub(crate) async fn run(tx: &mut Tx, id: Uuid, reason: &str) -> Result<SeenDeal> {
    let seen = lock_to_steer(tx, id).await?;
    let step = seen.deal.status.cancel(reason)?;
    status::take(tx, seen, step, None).await
}
