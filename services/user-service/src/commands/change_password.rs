//! The acting user's new password.

use domain::rejection::Rejection;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::open_session::check_unchanged;
use crate::{
    repository::{
        credentials::{self, Credentials},
        login_attempts, password_resets,
        sessions::{self, EndReason},
        users,
    },
    secrets::tokens::{Digest, TokenKey},
};

/// Stores the new password of somebody who knows the old one, which was checked against `verified`; answers which
/// sessions ended.
///
/// # Errors
/// `INVALID_CREDENTIALS` when the password was changed in the meantime.
pub async fn run(
    tx: &mut Tx,
    tokens: &TokenKey,
    verified: &Credentials,
    password_hash: &str,
) -> Result<Vec<Uuid>> {
    let user = users::lock(tx, tx.actor().user_id)
        .await?
        .ok_or(Rejection::Unauthenticated)?;
    check_unchanged(tx, verified).await?;
    store(tx, tokens, &user, password_hash).await
}

/// Stores the new password of the acting user, whose row the caller holds, and ends every session; answers which.
/// Open resets and failed attempts belong to the old password and go with it.
pub(crate) async fn store(
    tx: &mut Tx,
    tokens: &TokenKey,
    user: &users::User,
    password_hash: &str,
) -> Result<Vec<Uuid>> {
    credentials::store(tx, password_hash).await?;
    password_resets::use_up(tx).await?;
    login_attempts::forget(tx, &tokens.digest(Digest::Account(user.id))).await?;
    users::password_changed(tx, user).await?;
    sessions::end_all(tx, user.id, EndReason::PasswordChanged).await
}
