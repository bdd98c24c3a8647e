//! An invitation to join the caller's organization.

use contracts::event::UserChange;
use domain::{email::EmailAddress, permission::Role, rejection::Rejection};
use platform::{db::Tx, error::Result};
use time::{Duration, OffsetDateTime, Time};

use crate::{
    appearance::Theme,
    notices::{NoticeKind, NoticeParams},
    repository::{
        credentials,
        mail_quotas::{self, Quota},
        notifications::{self, NewNotification},
        organizations,
        users::{self, User, UserStatus},
    },
    secrets::tokens::{Digest, TokenKey},
};

/// How long an invitation holds.
const LIFETIME: Duration = Duration::days(7);
/// Most invitations of an organization in a day (UTC); further ones are refused until the next.
const INVITATIONS_A_DAY_MAX: i32 = 200;

/// Whom to invite.
#[derive(Clone, Debug)]
pub struct InviteUser {
    /// The address to invite.
    pub email: EmailAddress,
    /// The person's name, which they may correct.
    pub full_name: String,
    /// The role they will have.
    pub role: Role,
}

/// Invites, and has the invitation mailed. An invitation that ran out is renewed, and somebody who was disabled is
/// invited again: with the new name and role, and without the old password.
///
/// # Errors
/// `EMAIL_TAKEN` when the address is of this organization already; `FORBIDDEN` when the caller may not
/// make administrators; `RATE_LIMITED` when the organization has invited too many today.
pub async fn run(
    tx: &mut Tx,
    tokens: &TokenKey,
    command: &InviteUser,
) -> Result<(User, OffsetDateTime)> {
    check_role(tx, command.role)?;
    let until = tx.now() + LIFETIME;
    let user = match users::lock_by_email(tx, command.email.normal()).await? {
        None => invite_new(tx, command, until).await?,
        Some(before) if before.status == UserStatus::Disabled => {
            check_role(tx, before.role)?;
            let user = invite_again(tx, command, &before, until).await?;
            credentials::void(tx, user.id).await?;
            user
        }
        Some(before) if ran_out(&before, tx.now()) => {
            invite_again(tx, command, &before, until).await?
        }
        Some(_) => return Err(Rejection::EmailTaken.into()),
    };
    charge(tx, tokens).await?;
    let organization = organizations::own(tx).await?;
    let notice = NewNotification {
        user_id: user.id,
        kind: NoticeKind::Invitation,
        deal_id: None,
        task_id: None,
        dedupe_key: format!("invitation:{}:{}", user.version, until.unix_timestamp()),
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

async fn invite_new(tx: &mut Tx, command: &InviteUser, until: OffsetDateTime) -> Result<User> {
    let user = User {
        id: tx.new_id(),
        organization_id: tx.actor().organization_id,
        email: command.email.as_written().to_owned(),
        email_key: command.email.normal().to_owned(),
        full_name: command.full_name.clone(),
        role: command.role,
        status: UserStatus::Invited,
        invited_until: Some(until),
        joined_at: None,
        locale: None,
        theme: Theme::default(),
        version: 1,
    };
    users::insert(tx, &user, UserChange::Invited).await?;
    Ok(user)
}

async fn invite_again(
    tx: &mut Tx,
    command: &InviteUser,
    before: &User,
    until: OffsetDateTime,
) -> Result<User> {
    let user = User {
        full_name: command.full_name.clone(),
        role: command.role,
        status: UserStatus::Invited,
        invited_until: Some(until),
        version: before.version + 1,
        ..before.clone()
    };
    users::update(tx, UserChange::Invited, before, &user).await?;
    Ok(user)
}

/// Counts one invitation more.
async fn charge(tx: &Tx, tokens: &TokenKey) -> Result<()> {
    let quota = Quota {
        scope: tokens.digest(Digest::InvitationsOf(tx.actor().organization_id)),
        most: INVITATIONS_A_DAY_MAX,
    };
    if mail_quotas::charge(tx, &[quota]).await?.is_none() {
        let tomorrow = tx.now().replace_time(Time::MIDNIGHT) + Duration::days(1);
        let left = (tomorrow - tx.now()).whole_seconds() + 1;
        return Err(Rejection::RateLimited {
            retry_after_seconds: u64::try_from(left).unwrap_or(1),
        }
        .into());
    }
    Ok(())
}

/// Only a caller with all permissions may appoint administrators: nobody grants more than they hold.
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
