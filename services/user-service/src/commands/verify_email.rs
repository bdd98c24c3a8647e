//! Somebody shows that mail to their address reaches them.

use domain::rejection::Rejection;
use platform::{db::Tx, error::Result};

use super::accept_invitation::token_invalid;
use crate::{
    notices::{NoticeKind, NoticeParams},
    repository::{
        email_verifications,
        notifications::{self, NewNotification},
        users::{self, User, UserStatus},
    },
    secrets::tokens::{SingleUseToken, TokenKey},
};

/// Records what the token from the mail shows. Once more changes nothing.
///
/// # Errors
/// `TOKEN_INVALID`.
pub async fn run(tx: &mut Tx, tokens: &TokenKey, token: &SingleUseToken) -> Result<()> {
    tx.enter_identity(token.id).await.map_err(token_invalid)?;
    users::find(tx, token.id)
        .await?
        .filter(|user| {
            user.status == UserStatus::Active && tokens.is_verification(token, &user.email_key)
        })
        .ok_or(Rejection::TokenInvalid)?;
    email_verifications::record(tx).await
}

/// Has the token mailed to the acting user, unless mail is known to reach them.
pub async fn ask(tx: &mut Tx, user: &User) -> Result<()> {
    if email_verifications::is_verified(tx, user.id).await? {
        return Ok(());
    }
    let notice = NewNotification {
        user_id: user.id,
        kind: NoticeKind::EmailVerification,
        deal_id: None,
        task_id: None,
        dedupe_key: format!("verification:{}", tx.now().unix_timestamp()),
        params: NoticeParams::default(),
        in_app: false,
        email: true,
    };
    notifications::insert(tx, notice).await?;
    Ok(())
}
