//! CLOSED or CANCELLED → ACTIVE, by an ADMIN; a draft that was cancelled is a draft again.

use domain::deal::{DealTransition, may_reopen};
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::status;
use crate::repository::{
    access,
    deals::{self, SeenDeal},
};

pub(crate) async fn run(tx: &mut Tx, id: Uuid, reason: Option<&str>) -> Result<SeenDeal> {
    let seen = deals::lock(tx, id).await?;
    may_reopen(&access::actor(tx))?;
    let step = DealTransition {
        reason: reason.map(str::to_owned),
        ..seen.deal.status.reopen(seen.deal.cancelled_from)?
    };
    status::take(tx, seen, step, None).await
}
