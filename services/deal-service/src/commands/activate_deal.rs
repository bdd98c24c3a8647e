//! DRAFT → ACTIVE.

use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{lock_to_steer, status};
use crate::repository::deals::SeenDeal;

/// `missing_anchors` are the dates that the deal's template still needs, as task-service says.
pub(crate) async fn run(tx: &mut Tx, id: Uuid, missing_anchors: &[String]) -> Result<SeenDeal> {
    let seen = lock_to_steer(tx, id).await?;
    let step = seen.deal.status.activate(missing_anchors)?;
    status::take(tx, seen, step, None).await
}
