//! A user is disabled: signed out for good, or an invitation withdrawn.

use contracts::event::UserChange;
use domain::{permission::Role, rejection::Rejection};
use platform::{db::Tx, error::Result, http::ExpectedVersion};
use uuid::Uuid;

use super::{invite_user::check_role, update_user::keep_an_admin};
use crate::repository::{
    sessions::{self, EndReason},
    users::{self, User, UserStatus},
};

/// Disables the user and ends the user's sessions; answers which. Once more changes nothing.
///
/// # Errors
/// `NOT_FOUND`; `FORBIDDEN` where administrators are concerned; a stale version; `LAST_ADMIN`.
pub async fn run(tx: &mut Tx, id: Uuid, expected: ExpectedVersion) -> Result<Vec<Uuid>> {
    users::hold_admins(tx).await?;
    let before = users::lock(tx, id).await?.ok_or(Rejection::NotFound)?;
    check_role(tx, before.role)?;
    expected.check(before.version)?;
    if before.status == UserStatus::Disabled {
        return Ok(Vec::new());
    }
    if before.role == Role::Admin && before.status == UserStatus::Active {
        keep_an_admin(tx, id).await?;
    }
    let after = User {
        status: UserStatus::Disabled,
        invited_until: None,
        version: before.version + 1,
        ..before.clone()
    };
    users::update(tx, UserChange::Disabled, &before, &after).await?;
    sessions::end_all(tx, id, EndReason::UserDisabled).await
}
