//! Who may see a deal: the table `ctx.deal_access`, which every service's row policies read.
//!
//! Written in the transaction that changes the deal's creator row or its parties, so that it is never late.

use domain::task::Actor;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

/// The acting user as the domain's rules want it.
pub(crate) fn actor(tx: &Tx) -> Actor {
    Actor {
        user_id: tx.actor().user_id,
        permissions: tx.actor().permissions,
    }
}

/// The creator of a new deal.
pub(crate) async fn insert_creator(tx: &Tx, deal_id: Uuid, user_id: Uuid) -> Result<()> {
    tx.run(
        "INSERT INTO ctx.deal_access (organization_id, deal_id, user_id, is_creator) VALUES ($1, $2, $3, true)",
        [
            tx.actor().organization_id.into(),
            deal_id.into(),
            user_id.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Brings the parts that a user plays in a deal in line with the table `parties`. Who plays none any more
/// and did not create the deal loses sight of it.
pub(crate) async fn follow_parties(tx: &Tx, deal_id: Uuid, user_id: Uuid) -> Result<()> {
    tx.run(
        "WITH played AS (
           SELECT coalesce(array_agg(DISTINCT p.role ORDER BY p.role), '{}') AS roles FROM parties p
            WHERE p.organization_id = $1 AND p.deal_id = $2 AND p.user_id = $3 AND p.removed_at IS NULL)
         INSERT INTO ctx.deal_access (organization_id, deal_id, user_id, party_roles)
         SELECT $1, $2, $3, roles FROM played
         ON CONFLICT (user_id, deal_id) DO UPDATE SET party_roles = excluded.party_roles",
        [
            tx.actor().organization_id.into(),
            deal_id.into(),
            user_id.into(),
        ],
    )
    .await?;
    tx.run(
        "DELETE FROM ctx.deal_access
          WHERE organization_id = $1 AND deal_id = $2 AND user_id = $3
            AND NOT is_creator AND cardinality(party_roles) = 0",
        [
            tx.actor().organization_id.into(),
            deal_id.into(),
            user_id.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Nobody sees a deleted draft.
pub(crate) async fn delete_all(tx: &Tx, deal_id: Uuid) -> Result<()> {
    tx.run(
        "DELETE FROM ctx.deal_access WHERE organization_id = $1 AND deal_id = $2",
        [tx.actor().organization_id.into(), deal_id.into()],
    )
    .await?;
    Ok(())
}
