//! A session for somebody whose password was right.

use domain::rejection::Rejection;
use platform::{
    db::Tx,
    error::{Error, Result},
};
use uuid::Uuid;

use crate::repository::{
    credentials::{self, Credentials},
    login_attempts::{self, Attempt},
    sessions::{self, Session},
    sign_in_networks,
    users::{self, User, UserStatus},
};

/// A session that begins.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Whose it is.
    pub user: User,
    /// The session.
    pub session: Session,
    /// Older sessions of the user that ended to make room for it.
    pub displaced: Vec<Uuid>,
}

/// A password that was found to be right.
#[derive(Clone, Debug)]
pub struct Verified {
    /// What it was checked against.
    pub credentials: Credentials,
    /// The same password's hash of today, where the stored one is outdated.
    pub new_hash: Option<String>,
}

/// Signs the user in and forgets the failed attempts before.
///
/// The password was checked outside this transaction, against `verified`. A command that changes a password or disables a
/// user holds the user's row until the sessions have ended; so it is taken here first, and then the password must
/// still be the one that was checked.
///
/// # Errors
/// `INVALID_CREDENTIALS` when the password was changed or the account disabled in the meantime.
pub async fn run(
    tx: &mut Tx,
    user_id: Uuid,
    verified: &Verified,
    attempt: &Attempt,
    client: Option<&str>,
) -> Result<Opened> {
    tx.enter_identity(user_id)
        .await
        .map_err(|error| match error {
            Error::Rejected(Rejection::Unauthenticated) => Rejection::InvalidCredentials.into(),
            other => other,
        })?;
    let user = users::lock(tx, user_id)
        .await?
        .filter(|user| user.status == UserStatus::Active)
        .ok_or(Rejection::InvalidCredentials)?;
    check_unchanged(tx, &verified.credentials).await?;
    if let Some(hash) = &verified.new_hash {
        credentials::replace_hash(tx, hash).await?;
    }
    login_attempts::succeeded(tx, attempt).await?;
    start(tx, user, &attempt.network, client).await
}

/// The acting user's credentials are still those that the password was checked against. They stay so until the end
/// of the transaction.
///
/// # Errors
/// `INVALID_CREDENTIALS`.
pub(crate) async fn check_unchanged(tx: &Tx, verified: &Credentials) -> Result<()> {
    if credentials::lock_own(tx).await?.as_ref() != Some(verified) {
        return Err(Rejection::InvalidCredentials.into());
    }
    Ok(())
}

/// Starts a session of the acting user, whose row the caller holds.
pub(crate) async fn start(
    tx: &mut Tx,
    user: User,
    network: &[u8],
    client: Option<&str>,
) -> Result<Opened> {
    let displaced = sessions::make_room(tx).await?;
    let session = sessions::start(tx, client).await?;
    sign_in_networks::remember(tx, network).await?;
    Ok(Opened {
        user,
        session,
        displaced,
    })
}
