//! Password hashes. A user's own session is the only one that reaches them.

use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use uuid::Uuid;

/// What a sign-in is checked against.
#[derive(Debug, FromQueryResult)]
pub struct LoginRow {
    /// The account.
    pub user_id: Uuid,
    /// Where the account stands.
    pub status: String,
    /// The hash to check the password against.
    pub password_hash: String,
}

/// The account behind an address, before anybody is signed in.
pub async fn login_lookup(tx: &Tx, email: &str) -> Result<Option<LoginRow>> {
    tx.first(
        "SELECT user_id, status, password_hash FROM ctx.login_lookup($1)",
        [email.into()],
    )
    .await
}

#[derive(FromQueryResult)]
struct Taken {
    taken: bool,
}

/// Whether the address is an account in any organization.
pub async fn email_has_account(tx: &Tx, email: &str) -> Result<bool> {
    let row: Option<Taken> = tx
        .first("SELECT ctx.email_has_account($1) AS taken", [email.into()])
        .await?;
    Ok(row.is_some_and(|row| row.taken))
}

/// Stores the acting user's password hash.
pub async fn store(tx: &Tx, password_hash: &str) -> Result<()> {
    tx.run(
        "INSERT INTO credentials (user_id, organization_id, password_hash) VALUES ($1, $2, $3)
         ON CONFLICT (user_id) DO UPDATE SET password_hash = excluded.password_hash, changed_at = clock_timestamp()",
        [tx.actor().user_id.into(), tx.actor().organization_id.into(), password_hash.into()],
    )
    .await?;
    Ok(())
}
