//! An invitation to join the caller's organization.

use contracts::event::UserChange;
use domain::{permission::Role, rejection::Rejection};
use platform::{db::Tx, error::Result};
use time::{Duration, OffsetDateTime};

use crate::{
    notices::{NoticeKind, NoticeParams},
    repository::{
        notifications::{self, NewNotification},
        organizations,
        users::{self, User, UserStatus},
    },
};

/// How long an invitation holds.
const LIFETIME: Duration = Duration::days(7);

/// Whom to invite.
#[derive(Clone, Debug)]
pub struct InviteUser {
    /// The address to invite.
    pub email: String,
    /// The person's name, which they may correct.
    pub full_name: String,
    /// The role they will have.
    pub role: Role,
}

/// Invites, and has the invitation mailed. An invitation that ran out is renewed.
///
/// # Errors
/// `EMAIL_TAKEN` when the address is of this organization already; `FORBIDDEN` when the caller may not
/// make administrators.
pub async fn run(tx: &mut Tx, command: &InviteUser) -> Result<(User, OffsetDateTime)> {
    check_role(tx, command.role)?;
    let until = tx.now() + LIFETIME;
    let user = match users::lock_by_email(tx, &command.email).await? {
        None => {
            let user = User {
                id: tx.new_id(),
                organization_id: tx.actor().organization_id,
                email: command.email.clone(),
                full_name: command.full_name.clone(),
                role: command.role,
                status: UserStatus::Invited,
                invited_until: Some(until),
                joined_at: None,
                version: 1,
            };
            users::insert(tx, &user, UserChange::Invited).await?;
            user
        }
        Some(before) if ran_out(&before, tx.now()) => {
            let user = User {
                full_name: command.full_name.clone(),
                role: command.role,
                invited_until: Some(until),
                version: before.version + 1,
                ..before.clone()
            };
            users::update(tx, UserChange::Invited, &before, &user).await?;
            user
        }
        Some(_) => return Err(Rejection::EmailTaken.into()),
    };
    let organization = organizations::own(tx).await?;
    let notice = NewNotification {
        user_id: user.id,
        kind: NoticeKind::Invitation,
        deal_id: None,
        task_id: None,
        dedupe_key: format!("invitation:{}", until.unix_timestamp()),
        params: NoticeParams {
            organization_name: Some(organization.name),
            ..NoticeParams::default()
        },
        in_app: false,
        email: true,
    };
    notifications::insert(tx, notice).await?;
    Ok((user, until))
}

/// Administrators are made by those who may do everything: nobody gives away more than they hold.
pub(crate) fn check_role(tx: &Tx, role: Role) -> Result<()> {
    if role == Role::Admin && !tx.actor().permissions.is_all() {
        return Err(Rejection::Forbidden {
            required: Vec::new(),
        }
        .into());
    }
    Ok(())
}

fn ran_out(user: &User, now: OffsetDateTime) -> bool {
    user.status == UserStatus::Invited && user.invited_until.is_none_or(|until| until <= now)
}
