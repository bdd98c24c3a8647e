//! The networks, as HMAC, from which users have signed in: strangers cannot keep an owner out of these.

use platform::{db::Tx, error::Result};

/// Most networks that are remembered of a user; the one not used for longest is forgotten.
const NETWORKS_MAX: i64 = 50;

/// Notes that the acting user has signed in from there.
pub async fn remember(tx: &Tx, network: &[u8]) -> Result<()> {
    let (organization_id, user_id) = (tx.actor().organization_id, tx.actor().user_id);
    tx.run(
        "INSERT INTO sign_in_networks (organization_id, user_id, network, last_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (user_id, network) DO UPDATE SET last_at = excluded.last_at",
        [
            organization_id.into(),
            user_id.into(),
            network.to_vec().into(),
            tx.now().into(),
        ],
    )
    .await?;
    tx.run(
        "DELETE FROM sign_in_networks WHERE organization_id = $1 AND user_id = $2 AND network IN
           (SELECT network FROM sign_in_networks WHERE organization_id = $1 AND user_id = $2
             ORDER BY last_at DESC OFFSET $3)",
        [organization_id.into(), user_id.into(), NETWORKS_MAX.into()],
    )
    .await?;
    Ok(())
}
