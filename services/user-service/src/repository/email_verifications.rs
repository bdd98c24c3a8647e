//! Who has shown that mail to their address reaches them.

use platform::{
    db::{Change, Tx},
    error::Result,
};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(FromQueryResult)]
struct Verified {
    verified: bool,
}

/// Records that mail reaches the acting user. Once more changes nothing.
pub async fn record(tx: &mut Tx) -> Result<()> {
    let (id, user_id) = (tx.new_id(), tx.actor().user_id);
    let stored = tx
        .run(
            "INSERT INTO email_verifications (id, organization_id, user_id, verified_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (organization_id, user_id) DO NOTHING",
            [
                id.into(),
                tx.actor().organization_id.into(),
                user_id.into(),
                tx.now().into(),
            ],
        )
        .await?;
    if stored == 1 {
        tx.emit(Change {
            entity_type: "email_verification",
            entity_id: id,
            version: 1,
            deal_id: None,
            event_type: "users.email.verified",
            event: None,
            before: Value::Null,
            after: json!({"id": id, "userId": user_id, "version": 1}),
        });
    }
    Ok(())
}

/// Whether mail is known to reach this user.
pub async fn is_verified(tx: &Tx, user_id: Uuid) -> Result<bool> {
    let row: Option<Verified> = tx
        .first(
            "SELECT EXISTS (SELECT FROM email_verifications WHERE organization_id = $1 AND user_id = $2) AS verified",
            [tx.actor().organization_id.into(), user_id.into()],
        )
        .await?;
    Ok(row.is_some_and(|row| row.verified))
}

/// Whether mail is known to reach anybody in the organization: its first administrator, to begin with.
pub async fn is_anybody_verified(tx: &Tx) -> Result<bool> {
    let row: Option<Verified> = tx
        .first(
            "SELECT EXISTS (SELECT FROM email_verifications WHERE organization_id = $1) AS verified",
            [tx.actor().organization_id.into()],
        )
        .await?;
    Ok(row.is_some_and(|row| row.verified))
}
