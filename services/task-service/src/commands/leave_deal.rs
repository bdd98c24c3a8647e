//! Takes open tasks in a deal from a user, in steps: all of them if the user no longer sees the deal; those that came
//! with a part if the user left that part. The next party with that part and a login gets them; without one they have
//! no assignee, and the deal's coordinators get a notice.

use std::collections::BTreeMap;

use domain::{
    party::PartyRole,
    task::{Change, StoredTask},
};
use platform::{
    db::Tx,
    error::{Error, Result},
};
use uuid::Uuid;

use super::{Progress, TASKS_PER_STEP, batch::Batch};
use crate::repository::{
    deals::{self, Deal},
    leaving::{self, Leaving, Unseen},
};

/// Why, in the history of each task.
const REASON: &str = "the assignee no longer takes part";

/// Takes some of the tasks of a user in a deal in which parts have changed. Nothing happens while the user plays the
/// parts that the tasks came with, or in a deal that is over or gone.
pub(crate) async fn step(tx: &mut Tx, deal_id: Uuid, user_id: Uuid) -> Result<Progress> {
    let deal = match deals::lock_exclusively(tx, deal_id).await {
        Err(Error::Rejected(_)) => return Ok(Progress::Done),
        locked => locked?,
    };
    if deal.status.is_terminal() {
        return Ok(Progress::Done);
    }
    let access = leaving::access(tx, deal_id, user_id).await?;
    let has_left = !access.is_creator && access.party_roles.is_empty();
    let what = if has_left || !deals::may_be_assigned(tx, user_id, deal_id).await? {
        Leaving::TheDeal
    } else {
        Leaving::AllPartsBut(access.party_roles)
    };
    take(tx, &deal, deal_id, user_id, &what).await
}

/// Takes some of the tasks of a user that are in a deal which it no longer sees.
pub(crate) async fn step_of_user(tx: &mut Tx, user_id: Uuid) -> Result<Progress> {
    let unseen = leaving::unseen_by(tx, user_id).await?;
    step_unseen(tx, unseen).await
}

/// Takes some of the tasks of anybody in the organization that are in a deal which that person no longer sees.
pub(crate) async fn step_of_organization(tx: &mut Tx) -> Result<Progress> {
    let unseen = leaving::unseen_by_anybody(tx).await?;
    step_unseen(tx, unseen).await
}

async fn step_unseen(tx: &mut Tx, unseen: Option<Unseen>) -> Result<Progress> {
    let Some(Unseen { deal_id, user_id }) = unseen else {
        return Ok(Progress::Done);
    };
    let deal = deals::lock_exclusively(tx, deal_id).await?;
    // It ended just now, or the user sees it again: it is not found another time.
    if !deal.status.is_terminal() && !deals::may_be_assigned(tx, user_id, deal_id).await? {
        take(tx, &deal, deal_id, user_id, &Leaving::TheDeal).await?;
    }
    Ok(Progress::More)
}

async fn take(
    tx: &mut Tx,
    deal: &Deal,
    deal_id: Uuid,
    user_id: Uuid,
    what: &Leaving,
) -> Result<Progress> {
    let theirs = leaving::lock_left(tx, deal_id, user_id, what, TASKS_PER_STEP).await?;
    let mut next: BTreeMap<PartyRole, Option<Uuid>> = BTreeMap::new();
    let count = theirs.len();
    let mut batch = Batch::new(deal_id, &deal.zone);
    for stored in theirs {
        let heir = match stored.task.owner_role {
            None => None,
            Some(role) => match next.get(&role) {
                Some(heir) => *heir,
                None => {
                    let heir = heir(tx, deal_id, role, user_id).await?;
                    next.insert(role, heir);
                    heir
                }
            },
        };
        let change = handed_over(&stored, heir)?;
        batch.change(stored, change, Some(REASON));
    }
    batch.save(tx).await?;
    Ok(if count < TASKS_PER_STEP {
        Progress::Done
    } else {
        Progress::More
    })
}

/// Removes the assignee, and assigns the heir if there is one: two transitions.
fn handed_over(stored: &StoredTask, heir: Option<Uuid>) -> Result<Change> {
    let taken = stored.task.assign(None)?;
    Ok(taken.try_then(|task| task.assign(heir))?)
}

/// The first other party that plays the part with a login that may see the deal.
async fn heir(tx: &Tx, deal_id: Uuid, role: PartyRole, but: Uuid) -> Result<Option<Uuid>> {
    for user_id in leaving::logins_of_part(tx, deal_id, role).await? {
        if user_id != but && deals::may_be_assigned(tx, user_id, deal_id).await? {
            return Ok(Some(user_id));
        }
    }
    Ok(None)
}
