//! Giving the open, unassigned tasks of a part to the party that plays it, once it has a login.

use domain::{deal::DealStatus, party::PartyRole};
use platform::{
    db::Tx,
    error::{Error, Result},
};
use uuid::Uuid;

use super::{Step, take_steps};
use crate::repository::{deals, leaving, tasks};

/// Assigns the tasks. Nothing happens for a login that may not see the deal or does not play the part any more, or in a
/// deal that is over or gone.
pub(crate) async fn run(tx: &mut Tx, deal_id: Uuid, role: PartyRole, user_id: Uuid) -> Result<()> {
    let deal = match deals::lock_exclusively(tx, deal_id).await {
        Err(Error::Rejected(_)) => return Ok(()),
        locked => locked?,
    };
    let access = leaving::access(tx, deal_id, user_id).await?;
    let plays = access.party_roles.iter().any(|part| part == role.as_str());
    if !matches!(deal.status, DealStatus::Active | DealStatus::OnHold)
        || !plays
        || !deals::may_be_assigned(tx, user_id, deal_id).await?
    {
        return Ok(());
    }
    let all = tasks::lock_of_deal(tx, deal_id).await?;
    let mut steps = Vec::new();
    for stored in &all {
        let task = &stored.task;
        let is_free = task.facts.assignee_id.is_none() && !task.status.is_done();
        if is_free && task.owner_role == Some(role) {
            steps.push(Step::of(stored, task.assign(Some(user_id))?));
        }
    }
    take_steps(tx, &deal.zone, &steps, None).await
}
