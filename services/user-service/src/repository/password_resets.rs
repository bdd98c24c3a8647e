//! Password resets asked for. The token is not kept, only that there is one.

use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// How long a reset can be redeemed.
const LIFETIME: Duration = Duration::minutes(30);
/// Most resets of one account that are open at a time; what is asked for beyond is not sent.
const OPEN_MAX: i64 = 5;

/// A reset as stored.
#[derive(Clone, Debug, FromQueryResult)]
pub struct PasswordReset {
    /// Until when it can be redeemed.
    pub expires_at: OffsetDateTime,
    /// When it was.
    pub used_at: Option<OffsetDateTime>,
}

#[derive(FromQueryResult)]
struct Owner {
    user_id: Uuid,
}

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

/// Opens a reset of the acting user; `None` when too many are open.
pub async fn open(tx: &Tx) -> Result<Option<Uuid>> {
    let open: Option<Count> = tx
        .first(
            "SELECT count(*) AS count FROM password_resets
              WHERE organization_id = $1 AND user_id = $2 AND used_at IS NULL AND expires_at > $3",
            [
                tx.actor().organization_id.into(),
                tx.actor().user_id.into(),
                tx.now().into(),
            ],
        )
        .await?;
    if open.is_some_and(|open| open.count >= OPEN_MAX) {
        return Ok(None);
    }
    let id = tx.new_id();
    tx.run(
        "INSERT INTO password_resets (id, organization_id, user_id, expires_at) VALUES ($1, $2, $3, $4)",
        [id.into(), tx.actor().organization_id.into(), tx.actor().user_id.into(), (tx.now() + LIFETIME).into()],
    )
    .await?;
    Ok(Some(id))
}

/// Whose reset this is, before anybody is signed in; `None` when it cannot be redeemed any more.
pub async fn owner(tx: &Tx, id: Uuid) -> Result<Option<Uuid>> {
    let row: Option<Owner> = tx
        .first("SELECT user_id FROM ctx.reset_owner($1)", [id.into()])
        .await?;
    Ok(row.map(|row| row.user_id))
}

/// A reset of the acting user, locked.
pub async fn lock(tx: &Tx, id: Uuid) -> Result<Option<PasswordReset>> {
    tx.first(
        "SELECT expires_at, used_at FROM password_resets
          WHERE organization_id = $1 AND user_id = $2 AND id = $3 FOR UPDATE",
        [
            tx.actor().organization_id.into(),
            tx.actor().user_id.into(),
            id.into(),
        ],
    )
    .await
}

/// Uses up every open reset of the acting user.
pub async fn use_up(tx: &Tx) -> Result<()> {
    tx.run(
        "UPDATE password_resets SET used_at = $3 WHERE organization_id = $1 AND user_id = $2 AND used_at IS NULL",
        [tx.actor().organization_id.into(), tx.actor().user_id.into(), tx.now().into()],
    )
    .await?;
    Ok(())
}
