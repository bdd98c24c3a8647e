//! A new password for the holder of the token from the mail.

use domain::rejection::Rejection;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{accept_invitation::token_invalid, change_password};
use crate::{
    repository::{
        email_verifications, password_resets,
        users::{self, UserStatus},
    },
    secrets::tokens::TokenKey,
};

/// Redeems a reset whose token has been checked, and ends every session; answers which. The token came by mail, so
/// mail reaches its owner.
///
/// # Errors
/// `TOKEN_INVALID` when it was used, ran out, or its user is disabled.
pub async fn run(
    tx: &mut Tx,
    tokens: &TokenKey,
    reset_id: Uuid,
    password_hash: &str,
) -> Result<Vec<Uuid>> {
    let owner = password_resets::owner(tx, reset_id)
        .await?
        .ok_or(Rejection::TokenInvalid)?;
    tx.enter_identity(owner).await.map_err(token_invalid)?;
    let user = users::lock(tx, owner)
        .await?
        .filter(|user| user.status == UserStatus::Active)
        .ok_or(Rejection::TokenInvalid)?;
    let reset = password_resets::lock(tx, reset_id)
        .await?
        .ok_or(Rejection::TokenInvalid)?;
    if reset.used_at.is_some() || reset.expires_at <= tx.now() {
        return Err(Rejection::TokenInvalid.into());
    }
    email_verifications::record(tx).await?;
    change_password::store(tx, tokens, &user, password_hash).await
}
