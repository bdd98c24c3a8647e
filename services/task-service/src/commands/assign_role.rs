//! Giving the open, unassigned tasks of a part to the party that plays it, once it has a login, in steps.

use domain::{deal::DealStatus, party::PartyRole};
use platform::{
    db::Tx,
    error::{Error, Result},
};
use uuid::Uuid;

use super::{Progress, TASKS_PER_STEP, batch::Batch};
use crate::repository::{deals, leaving, tasks};

/// Assigns some of the tasks. Nothing happens for a login that may not see the deal or does not play the part any
/// more, or in a deal that is over or gone.
pub(crate) async fn step(
    tx: &mut Tx,
    deal_id: Uuid,
    role: PartyRole,
    user_id: Uuid,
) -> Result<Progress> {
    let deal = match deals::lock_exclusively(tx, deal_id).await {
        Err(Error::Rejected(_)) => return Ok(Progress::Done),
        locked => locked?,
    };
    let access = leaving::access(tx, deal_id, user_id).await?;
    let plays = access.party_roles.iter().any(|part| part == role.as_str());
    if !matches!(deal.status, DealStatus::Active | DealStatus::OnHold)
        || !plays
        || !deals::may_be_assigned(tx, user_id, deal_id).await?
    {
        return Ok(Progress::Done);
    }
    let free = tasks::lock_unassigned(tx, deal_id, role, TASKS_PER_STEP).await?;
    let count = free.len();
    let mut batch = Batch::new(deal_id, &deal.zone);
    for stored in free {
        let change = stored.task.assign(Some(user_id))?;
        batch.change(stored, change, None);
    }
    batch.save(tx).await?;
    Ok(if count < TASKS_PER_STEP {
        Progress::Done
    } else {
        Progress::More
    })
}
