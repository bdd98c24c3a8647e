//! An invited person takes the account.

use contracts::event::UserChange;
use domain::rejection::Rejection;
use platform::{
    db::Tx,
    error::{Error, Result},
};

use super::open_session::{self, Opened};
use crate::{
    repository::{
        credentials, email_verifications,
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

/// What an invited person decides.
#[derive(Clone, Debug)]
pub struct Acceptance {
    /// The person's name.
    pub full_name: String,
    /// The password, hashed.
    pub password_hash: String,
    /// The person's network, as HMAC.
    pub network: Vec<u8>,
    /// How the person's client calls itself.
    pub client: Option<String>,
}

/// Makes the account active and signs it in. The token came by mail, so mail reaches the person.
///
/// # Errors
/// `TOKEN_INVALID`; `EMAIL_TAKEN` when the address is an account of another organization.
pub async fn run(
    tx: &mut Tx,
    tokens: &TokenKey,
    token: &SingleUseToken,
    acceptance: &Acceptance,
) -> Result<Opened> {
    let before = check(tx, tokens, token).await?;
    let user = User {
        full_name: acceptance.full_name.clone(),
        status: UserStatus::Active,
        invited_until: None,
        joined_at: Some(tx.now()),
        version: before.version + 1,
        ..before.clone()
    };
    users::update(tx, UserChange::Joined, &before, &user).await?;
    credentials::store(tx, &acceptance.password_hash).await?;
    email_verifications::record(tx).await?;
    open_session::start(tx, user, &acceptance.network, acceptance.client.as_deref()).await
}

/// If the token's user does not exist, the token is invalid, rather than the caller unauthenticated.
pub(crate) fn token_invalid(error: Error) -> Error {
    match error {
        Error::Rejected(Rejection::Unauthenticated) => Rejection::TokenInvalid.into(),
        other => other,
    }
}
