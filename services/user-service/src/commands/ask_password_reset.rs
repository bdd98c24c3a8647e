//! Somebody forgot their password: a mail with a token that works once.

use platform::{db::Tx, error::Result};
use uuid::Uuid;

use crate::{
    notices::{NoticeKind, NoticeParams},
    repository::{
        credentials,
        notifications::{self, NewNotification},
        password_resets,
    },
};

/// What the dedupe key of a reset's notification begins with; the reset's id follows.
pub(crate) const DEDUPE_PREFIX: &str = "reset:";

/// Opens a reset for the account behind the address, in its normal form, and has it mailed. `None` if there is no
/// active account, or too many resets are open; the response does not reveal which.
pub async fn run(tx: &mut Tx, email_key: &str) -> Result<Option<Uuid>> {
    let account = credentials::login_lookup(tx, email_key, &[]).await?;
    let Some(user_id) = account
        .filter(|row| row.status == "ACTIVE")
        .map(|row| row.user_id)
    else {
        return Ok(None);
    };
    tx.enter_identity(user_id).await?;
    let Some(reset_id) = password_resets::open(tx).await? else {
        return Ok(None);
    };
    let notice = NewNotification {
        user_id,
        kind: NoticeKind::PasswordReset,
        deal_id: None,
        task_id: None,
        dedupe_key: format!("{DEDUPE_PREFIX}{reset_id}"),
        params: NoticeParams::default(),
        in_app: false,
        email: true,
    };
    notifications::insert(tx, notice).await?;
    Ok(Some(reset_id))
}
