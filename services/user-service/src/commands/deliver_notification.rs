//! A notification's mail: what to send, and what became of it.
//!
//! Sending happens between the two steps, outside any transaction. If the process dies in between, the mail
//! goes out a second time with the same `Message-ID`; it is never lost.

use anyhow::Context as _;
use domain::rejection::Rejection;
use platform::{db::Tx, error::Result};
use time::OffsetDateTime;
use uuid::Uuid;

use super::ask_password_reset::DEDUPE_PREFIX;
use crate::{
    mail::{Link, Mail},
    notices::{NoticeKind, NoticeParams, Words},
    repository::{
        credentials, email_verifications,
        mail_quotas::{self, Charged, Quota},
        notifications::{self, EmailFailure, EmailStatus, Notification},
        password_resets,
        users::{self, User, UserStatus},
    },
    secrets::tokens::{Digest, TokenKey},
};

/// Most mails of an organization in a day (UTC); further ones wait for the next.
const ORGANIZATION_MAILS_A_DAY_MAX: i32 = 5_000;
/// Most mails to a member's address in a day (UTC), of all organizations together; further ones wait for the next.
const MEMBER_MAILS_A_DAY_MAX: i32 = 500;
/// Most mails in a day (UTC) to an address whose owner has not shown yet that they want any, of all organizations
/// together; further ones wait for the next.
const STRANGER_MAILS_A_DAY_MAX: i32 = 5;

/// What is to be done about a notification's mail.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// Nothing any more: it already has this status.
    Settled(String),
    /// Nothing now, for this reason; it is to be tried again.
    Later(&'static str),
    /// This is to be sent. It has been charged to quotas, which get it back where it is not sent.
    Send(Box<Mail>, Charged),
}

/// Finds out what to send; settles at once what has lost its point.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn prepare(tx: &mut Tx, tokens: &TokenKey, id: Uuid) -> Result<Delivery> {
    let notification = notifications::lock(tx, id)
        .await?
        .ok_or(Rejection::NotFound)?;
    if notification.email_status != EmailStatus::Pending.as_str() {
        return Ok(Delivery::Settled(notification.email_status));
    }
    let user = users::find(tx, notification.user_id).await?;
    let composed = match &user {
        Some(user) => compose(tx, tokens, &notification, user)
            .await?
            .map(|mail| (user, mail)),
        None => None,
    };
    let Some((user, mail)) = composed else {
        notifications::settle_email(tx, &notification, EmailStatus::NotWanted).await?;
        return Ok(Delivery::Settled(
            EmailStatus::NotWanted.as_str().to_owned(),
        ));
    };
    let is_verified = email_verifications::is_verified(tx, user.id).await?;
    if !is_verified
        && is_to_another(&notification)
        && !email_verifications::is_anybody_verified(tx).await?
    {
        return Ok(Delivery::Later(
            "the organization's first administrator has not confirmed the address",
        ));
    }
    Ok(match charge(tx, tokens, user, is_verified).await? {
        Some(charged) => Delivery::Send(Box::new(mail), charged),
        None => Delivery::Later("the mails of this day are used up"),
    })
}

/// Records what became of the mail, unless that is recorded already. Answers its status.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn settle(tx: &mut Tx, id: Uuid, status: EmailStatus) -> Result<String> {
    let notification = notifications::lock(tx, id)
        .await?
        .ok_or(Rejection::NotFound)?;
    if notification.email_status != EmailStatus::Pending.as_str() {
        return Ok(notification.email_status);
    }
    notifications::settle_email(tx, &notification, status).await?;
    Ok(status.as_str().to_owned())
}

/// Gives the mail up, unless it is settled already. Answers its status.
///
/// # Errors
/// `NOT_FOUND`.
pub async fn give_up(tx: &mut Tx, id: Uuid, failure: EmailFailure) -> Result<String> {
    let notification = notifications::lock(tx, id)
        .await?
        .ok_or(Rejection::NotFound)?;
    if notification.email_status != EmailStatus::Pending.as_str() {
        return Ok(notification.email_status);
    }
    notifications::give_email_up(tx, &notification, failure).await?;
    Ok(EmailStatus::Dead.as_str().to_owned())
}

/// Whether the mail is for somebody else than the person who caused it with an address of their own. Resets and
/// confirmations go to nobody else.
fn is_to_another(notification: &Notification) -> bool {
    ![NoticeKind::PasswordReset, NoticeKind::EmailVerification]
        .map(NoticeKind::as_str)
        .contains(&notification.kind.as_str())
}

/// Counts the mail in its quotas; `None` where one is used up.
async fn charge(
    tx: &Tx,
    tokens: &TokenKey,
    user: &User,
    is_verified: bool,
) -> Result<Option<Charged>> {
    let to_address = if is_verified {
        MEMBER_MAILS_A_DAY_MAX
    } else {
        STRANGER_MAILS_A_DAY_MAX
    };
    let quotas = [
        Quota {
            scope: tokens.digest(Digest::MailsOf(user.organization_id)),
            most: ORGANIZATION_MAILS_A_DAY_MAX,
        },
        Quota {
            scope: tokens.digest(Digest::MailsTo(&user.email_key)),
            most: to_address,
        },
    ];
    mail_quotas::charge(tx, &quotas).await
}

/// The mail; `None` when it has lost its point.
async fn compose(
    tx: &Tx,
    tokens: &TokenKey,
    notification: &Notification,
    user: &User,
) -> Result<Option<Mail>> {
    let kind = NoticeKind::parse(&notification.kind)
        .with_context(|| format!("a notification of unknown kind {}", notification.kind))?;
    let mut words = Words {
        title: notification.title.clone(),
        body: notification.body.clone(),
    };
    let link = match kind {
        NoticeKind::Invitation => {
            let Some(until) = open_invitation(user, tx.now()) else {
                return Ok(None);
            };
            if credentials::email_has_account(tx, &user.email_key, user.id).await? {
                words = words_for_holder(notification)?;
                None
            } else {
                let token = tokens.invitation(user.id, until);
                Some(Link {
                    text: "Accept the invitation",
                    path: format!("/invitation/{token}"),
                })
            }
        }
        NoticeKind::PasswordReset => {
            let Some(id) = open_reset(tx, notification, user).await? else {
                return Ok(None);
            };
            Some(Link {
                text: "Choose a new password",
                path: format!("/reset/{}", tokens.reset(id)),
            })
        }
        NoticeKind::EmailVerification => {
            let is_done = email_verifications::is_verified(tx, user.id).await?;
            if is_done || user.status != UserStatus::Active {
                return Ok(None);
            }
            let token = tokens.verification(user.id, &user.email_key);
            Some(Link {
                text: "Confirm the address",
                path: format!("/verify/{token}"),
            })
        }
        NoticeKind::TaskDueSoon
        | NoticeKind::TaskOverdue
        | NoticeKind::TaskEscalated
        | NoticeKind::TaskFollowUp
        | NoticeKind::MilestoneReached
        | NoticeKind::DealReadyToClose
        | NoticeKind::PlanFailed
        | NoticeKind::PlanReady
        | NoticeKind::TaskAssigned
        | NoticeKind::TaskUnlocked
        | NoticeKind::TasksUnassigned => {
            if user.status != UserStatus::Active {
                return Ok(None);
            }
            notification.deal_id.map(|id| Link {
                text: "Open the deal",
                path: format!("/deals/{id}"),
            })
        }
    };
    Ok(Some(Mail {
        id: notification.id,
        to: user.email.clone(),
        name: Some(user.full_name.clone()),
        words,
        link,
    }))
}

fn open_invitation(user: &User, now: OffsetDateTime) -> Option<OffsetDateTime> {
    user.invited_until
        .filter(|until| user.status == UserStatus::Invited && *until > now)
}

/// The reset that the notification is about, while it can be redeemed.
async fn open_reset(tx: &Tx, notification: &Notification, user: &User) -> Result<Option<Uuid>> {
    let reset_id = notification
        .dedupe_key
        .strip_prefix(DEDUPE_PREFIX)
        .and_then(|id| Uuid::try_parse(id).ok());
    let Some(id) = reset_id.filter(|_| user.status == UserStatus::Active) else {
        return Ok(None);
    };
    Ok(password_resets::owner(tx, id).await?.map(|_| id))
}

/// An address that is an account elsewhere cannot accept; only its holder is informed.
fn words_for_holder(notification: &Notification) -> Result<Words> {
    let params: NoticeParams = serde_json::from_value(notification.params.clone())
        .context("read a notification's parameters")?;
    NoticeKind::Invitation.words(&NoticeParams {
        has_account: true,
        ..params
    })
}
