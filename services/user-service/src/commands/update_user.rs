//! A user's name or role changes.

use contracts::event::UserChange;
use domain::{permission::Role, rejection::Rejection};
use platform::{db::Tx, error::Result, http::ExpectedVersion};
use uuid::Uuid;

use super::invite_user::check_role;
use crate::repository::{
    sessions,
    users::{self, User, UserStatus},
};

/// What a user shall be.
#[derive(Clone, Debug)]
pub struct UpdateUser {
    /// The user's name.
    pub full_name: String,
    /// The user's role.
    pub role: Role,
}

/// Changes the user that `decide` makes of the present one. Answers it, and the sessions whose rights
/// changed.
///
/// # Errors
/// `NOT_FOUND`; `FORBIDDEN` where administrators are concerned; a stale version; `LAST_ADMIN`.
pub async fn run(
    tx: &mut Tx,
    id: Uuid,
    expected: ExpectedVersion,
    decide: impl Fn(&User) -> Result<UpdateUser>,
) -> Result<(User, Vec<Uuid>)> {
    users::hold_admins(tx).await?;
    let before = users::lock(tx, id).await?.ok_or(Rejection::NotFound)?;
    let UpdateUser { full_name, role } = decide(&before)?;
    if role != before.role {
        check_role(tx, before.role)?;
        check_role(tx, role)?;
    }
    expected.check(before.version)?;
    if before.role == Role::Admin && role != Role::Admin && before.status == UserStatus::Active {
        keep_an_admin(tx, id).await?;
    }
    if full_name == before.full_name && role == before.role {
        return Ok((before, Vec::new()));
    }
    let after = User {
        full_name,
        role,
        version: before.version + 1,
        ..before.clone()
    };
    users::update(tx, UserChange::Updated, &before, &after).await?;
    let sessions = sessions::running_of(tx, id).await?;
    Ok((after, sessions))
}

/// # Errors
/// `LAST_ADMIN` when this user is the organization's only active administrator.
pub(crate) async fn keep_an_admin(tx: &Tx, id: Uuid) -> Result<()> {
    if users::other_admins(tx, id).await? == 0 {
        return Err(Rejection::LastAdmin.into());
    }
    Ok(())
}
