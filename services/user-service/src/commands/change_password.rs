//! The acting user's new password.

use domain::rejection::Rejection;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use crate::{
    repository::{
        credentials, login_attempts, password_resets,
        sessions::{self, EndReason},
        users,
    },
    secrets::tokens::TokenKey,
};

/// Stores the new password and ends every session of the user; answers which. Open resets and failed
/// attempts belong to the old password and go with it.
pub async fn run(tx: &mut Tx, tokens: &TokenKey, password_hash: &str) -> Result<Vec<Uuid>> {
    let user_id = tx.actor().user_id;
    let user = users::lock(tx, user_id)
        .await?
        .ok_or(Rejection::Unauthenticated)?;
    credentials::store(tx, password_hash).await?;
    password_resets::use_up(tx).await?;
    login_attempts::forget(tx, &tokens.address_hash(&user.email)).await?;
    users::password_changed(tx, &user).await?;
    sessions::end_all(tx, user_id, EndReason::PasswordChanged).await
}
