//! A session for somebody whose password was right.

use domain::rejection::Rejection;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use crate::repository::{
    login_attempts,
    sessions::{self, Session},
    users::{self, User},
};

/// Signs the user in and forgets the failed attempts before.
///
/// # Errors
/// `INVALID_CREDENTIALS` when the account was disabled in this very moment.
pub async fn run(tx: &mut Tx, user_id: Uuid, address_hash: &[u8]) -> Result<(User, Session)> {
    tx.enter_identity(user_id).await?;
    login_attempts::forget(tx, address_hash).await?;
    let user = users::find(tx, user_id)
        .await?
        .ok_or(Rejection::InvalidCredentials)?;
    let session = sessions::start(tx).await?;
    Ok((user, session))
}
