//! Password hashes. A user's own session is the only one that reaches them.

use domain::lockout::NETWORK_KNOWN_FOR;
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use time::OffsetDateTime;
use uuid::Uuid;

/// What a sign-in is checked against.
#[derive(Clone, Debug, FromQueryResult)]
pub struct LoginRow {
    /// The account.
    pub user_id: Uuid,
    /// The account's status.
    pub status: String,
    /// The hash to check the password against.
    pub password_hash: String,
    /// When the password was chosen.
    pub changed_at: OffsetDateTime,
    /// Whether the account's owner has signed in from this network lately.
    pub is_known_network: bool,
}

/// The credentials that a password was found to be right for.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Credentials {
    /// The hash.
    pub password_hash: String,
    /// When the password was chosen.
    pub changed_at: OffsetDateTime,
}

impl LoginRow {
    /// What the password is checked against.
    pub fn credentials(&self) -> Credentials {
        Credentials {
            password_hash: self.password_hash.clone(),
            changed_at: self.changed_at,
        }
    }
}

/// The account behind an address in its normal form, before anybody is signed in.
pub async fn login_lookup(tx: &Tx, email_key: &str, network: &[u8]) -> Result<Option<LoginRow>> {
    tx.first(
        "SELECT user_id, status, password_hash, changed_at, is_known_network FROM ctx.login_lookup($1, $2, $3)",
        [
            email_key.into(),
            network.to_vec().into(),
            (tx.now() - NETWORK_KNOWN_FOR).into(),
        ],
    )
    .await
}

/// The acting user's credentials as they are now, locked against a change until the end of the session.
pub async fn lock_own(tx: &Tx) -> Result<Option<Credentials>> {
    tx.first(
        "SELECT password_hash, changed_at FROM credentials WHERE organization_id = $1 AND user_id = $2 FOR UPDATE",
        [tx.actor().organization_id.into(), tx.actor().user_id.into()],
    )
    .await
}

#[derive(FromQueryResult)]
struct Taken {
    taken: bool,
}

/// Whether the address, in its normal form, is the account of somebody else in any organization.
pub async fn email_has_account(tx: &Tx, email_key: &str, but: Uuid) -> Result<bool> {
    let row: Option<Taken> = tx
        .first(
            "SELECT ctx.email_has_account($1, $2) AS taken",
            [email_key.into(), but.into()],
        )
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

/// Stores another hash of the acting user's password, which stays the same.
pub async fn replace_hash(tx: &Tx, password_hash: &str) -> Result<()> {
    tx.run(
        "UPDATE credentials SET password_hash = $3 WHERE organization_id = $1 AND user_id = $2",
        [
            tx.actor().organization_id.into(),
            tx.actor().user_id.into(),
            password_hash.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Deletes the old password of an invited user; needs `manage_users`.
pub async fn void(tx: &Tx, user_id: Uuid) -> Result<()> {
    tx.run("SELECT ctx.void_credentials($1)", [user_id.into()])
        .await?;
    Ok(())
}
