//! A notification's mail: what to send, and what became of it.
//!
//! Sending stands between the two steps, outside any transaction. If the process dies in between, the mail
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
        credentials,
        notifications::{self, EmailStatus, Notification},
        password_resets,
        users::{self, User, UserStatus},
    },
    secrets::tokens::TokenKey,
};

/// What is to be done about a notification's mail.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// Nothing any more: it stands at this status.
    Settled(String),
    /// This is to be sent.
    Send(Box<Mail>),
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
        Some(user) => compose(tx, tokens, &notification, user).await?,
        None => None,
    };
    match composed {
        Some(mail) => Ok(Delivery::Send(Box::new(mail))),
        None => {
            notifications::settle_email(tx, &notification, EmailStatus::NotWanted).await?;
            Ok(Delivery::Settled(
                EmailStatus::NotWanted.as_str().to_owned(),
            ))
        }
    }
}

/// Records what became of the mail, unless that is recorded already. Answers the status it stands at.
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
            if credentials::email_has_account(tx, &user.email).await? {
                words = words_for_holder(notification)?;
                None
            } else {
                let token = tokens.invitation(user.id, until);
                Some(Link {
                    text: "Accept the invitation",
                    path: format!("/invitation?token={token}"),
                })
            }
        }
        NoticeKind::PasswordReset => {
            let reset_id = notification
                .dedupe_key
                .strip_prefix(DEDUPE_PREFIX)
                .and_then(|id| Uuid::try_parse(id).ok());
            let Some(id) = reset_id.filter(|_| user.status == UserStatus::Active) else {
                return Ok(None);
            };
            if password_resets::owner(tx, id).await?.is_none() {
                return Ok(None);
            }
            Some(Link {
                text: "Choose a new password",
                path: format!("/reset-password?token={}", tokens.reset(id)),
            })
        }
        NoticeKind::TaskDueSoon
        | NoticeKind::TaskOverdue
        | NoticeKind::TaskEscalated
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
    let name = Some(user.full_name.clone());
    Ok(Some(Mail {
        id: notification.id,
        to: user.email.clone(),
        name,
        words,
        link,
    }))
}

fn open_invitation(user: &User, now: OffsetDateTime) -> Option<OffsetDateTime> {
    user.invited_until
        .filter(|until| user.status == UserStatus::Invited && *until > now)
}

/// An address that is an account elsewhere cannot accept; its holder is told so, and nobody else.
fn words_for_holder(notification: &Notification) -> Result<Words> {
    let params: NoticeParams = serde_json::from_value(notification.params.clone())
        .context("read a notification's parameters")?;
    NoticeKind::Invitation.words(&NoticeParams {
        has_account: true,
        ..params
    })
}
