//! An invited person takes the account.

use contracts::event::UserChange;
use domain::rejection::Rejection;
use platform::{
    db::Tx,
    error::{Error, Result},
};

use crate::{
    repository::{
        credentials,
        sessions::{self, Session},
        users::{self, User, UserStatus},
    },
    secrets::tokens::{SingleUseToken, TokenKey},
};

/// Enters the invited user's context if the token is that of an open invitation.
///
/// # Errors
/// `TOKEN_INVALID`.
pub async fn check(tx: &mut Tx, tokens: &TokenKey, token: &SingleUseToken) -> Result<User> {
    tx.enter_identity(token.id).await.map_err(token_invalid)?;
    let user = users::lock(tx, token.id)
        .await?
        .ok_or(Rejection::TokenInvalid)?;
    let open = user
        .invited_until
        .filter(|until| user.status == UserStatus::Invited && *until > tx.now());
    match open {
        Some(until) if tokens.is_invitation(token, until) => Ok(user),
        _ => Err(Rejection::TokenInvalid.into()),
    }
}

/// Makes the account active and signs it in.
///
/// # Errors
/// `TOKEN_INVALID`; `EMAIL_TAKEN` when the address is an account of another organization.
pub async fn run(
    tx: &mut Tx,
    tokens: &TokenKey,
    token: &SingleUseToken,
    full_name: &str,
    password_hash: &str,
) -> Result<(User, Session)> {
    let before = check(tx, tokens, token).await?;
    let user = User {
        full_name: full_name.to_owned(),
        status: UserStatus::Active,
        invited_until: None,
        joined_at: Some(tx.now()),
        version: before.version + 1,
        ..before.clone()
    };
    users::update(tx, UserChange::Joined, &before, &user).await?;
    credentials::store(tx, password_hash).await?;
    let session = sessions::start(tx).await?;
    Ok((user, session))
}

/// Whoever the token names and is not there makes the token wrong, not the caller unknown.
pub(crate) fn token_invalid(error: Error) -> Error {
    match error {
        Error::Rejected(Rejection::Unauthenticated) => Rejection::TokenInvalid.into(),
        other => other,
    }
}
