//! What new tasks of a deal are made from: its milestones, and whom the tasks of each part go to.

use std::collections::BTreeMap;

use domain::{cascade::Making, party::PartyRole};
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::{planning::first_of_each_part, repository::milestones, services::PartyInput};

/// For a deal whose milestones are stored.
pub(super) async fn of_deal(tx: &Tx, deal_id: Uuid, parties: &[PartyInput]) -> Result<Making> {
    let milestones = milestones::of_deal(tx, deal_id).await?;
    Ok(Making {
        deal_id,
        by: tx.actor().user_id,
        milestones: milestones::by_key(&milestones),
        assignees: assignees(tx, deal_id, parties).await?,
        new_id: Uuid::now_v7,
    })
}

/// Whom a task of a role goes to at once: the first party with that part whose login may see the deal.
pub(super) async fn assignees(
    tx: &Tx,
    deal_id: Uuid,
    parties: &[PartyInput],
) -> Result<BTreeMap<PartyRole, Uuid>> {
    #[derive(FromQueryResult)]
    struct MayRow {
        user_id: Uuid,
    }
    let logins: Vec<Uuid> = parties.iter().filter_map(|party| party.user_id).collect();
    if logins.is_empty() {
        return Ok(BTreeMap::new());
    }
    let may: Vec<MayRow> = tx
        .all(
            "SELECT u AS user_id FROM unnest($1::uuid[]) u WHERE ctx.may_be_assigned(u, $2)",
            [logins.into(), deal_id.into()],
        )
        .await?;
    Ok(first_of_each_part(parties, |user| {
        may.iter().any(|row| row.user_id == user)
    }))
}
