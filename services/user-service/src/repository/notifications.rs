//! Notifications: one row a recipient, with what became of its mail.

use contracts::{
    event::{Event, NotificationChange},
    v1::NotificationEvent,
};
use platform::{
    db::{Change, Tx},
    error::Result,
};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::notices::{NoticeKind, NoticeParams, Words};

/// What became of a notification's mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailStatus {
    /// To be sent.
    Pending,
    /// Handed to the mail server.
    Sent,
    /// The recipient does not want it, or it has lost its point.
    NotWanted,
    /// Given up after many attempts; an administrator sees it.
    Dead,
}

impl EmailStatus {
    /// The status as stored and sent.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Sent => "SENT",
            Self::NotWanted => "NOT_WANTED",
            Self::Dead => "DEAD",
        }
    }

    const fn event_type(self) -> &'static str {
        match self {
            Self::Pending => "notifications.notification.pending",
            Self::Sent => "notifications.notification.sent",
            Self::NotWanted => "notifications.notification.not_wanted",
            Self::Dead => "notifications.notification.dead",
        }
    }
}

/// Why a mail was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailFailure {
    /// No mail can be sent to the address.
    AddressInvalid,
    /// The mail server refused it for good.
    Refused,
    /// It could not be sent in the time there was.
    NotDelivered,
}

impl EmailFailure {
    const fn as_str(self) -> &'static str {
        match self {
            Self::AddressInvalid => "ADDRESS_INVALID",
            Self::Refused => "REFUSED",
            Self::NotDelivered => "NOT_DELIVERED",
        }
    }
}

/// A mail that was given up, as an administrator is shown it.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Undelivered {
    /// The notification's id.
    pub id: Uuid,
    /// The kind of occasion.
    pub kind: String,
    /// Whom it is for.
    pub user_id: Uuid,
    /// The person's name.
    pub full_name: String,
    /// The person's address.
    pub email: String,
    /// The deal it is about.
    pub deal_id: Option<Uuid>,
    /// One line.
    pub title: String,
    /// When it was stored.
    pub created_at: OffsetDateTime,
    /// How many attempts failed.
    pub email_attempts: i32,
    /// Why it was given up.
    pub email_failure: String,
}

/// A notification as stored.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Notification {
    /// Its id.
    pub id: Uuid,
    /// Whom it is for.
    pub user_id: Uuid,
    /// The kind of occasion.
    pub kind: String,
    /// The deal it is about.
    pub deal_id: Option<Uuid>,
    /// The task it is about.
    pub task_id: Option<Uuid>,
    /// One line.
    pub title: String,
    /// A few sentences.
    pub body: String,
    /// Names the occasion.
    pub dedupe_key: String,
    /// What the words were made from.
    pub params: Value,
    /// When it was stored.
    pub created_at: OffsetDateTime,
    /// When it was read.
    pub read_at: Option<OffsetDateTime>,
    /// What became of its mail.
    pub email_status: String,
    /// 1 at creation, plus 1 at each change.
    pub version: i64,
}

/// A notification to be stored.
#[derive(Clone, Debug)]
pub struct NewNotification {
    /// Whom it is for.
    pub user_id: Uuid,
    /// The kind of occasion.
    pub kind: NoticeKind,
    /// The deal it is about.
    pub deal_id: Option<Uuid>,
    /// The task it is about.
    pub task_id: Option<Uuid>,
    /// Identifies the occasion: each recipient gets one notification of it.
    pub dedupe_key: String,
    /// What it is about.
    pub params: NoticeParams,
    /// Whether the recipient's list shows it.
    pub in_app: bool,
    /// Whether a mail is wanted.
    pub email: bool,
}

impl Notification {
    fn event(&self, change: NotificationChange) -> Event {
        Event::Notification(
            change,
            NotificationEvent {
                notification_id: self.id.to_string(),
                user_id: self.user_id.to_string(),
                kind: self.kind.clone(),
                deal_id: self.deal_id.map(|id| id.to_string()),
                task_id: self.task_id.map(|id| id.to_string()),
            },
        )
    }

    fn snapshot(&self) -> Value {
        json!({
            "id": self.id,
            "userId": self.user_id,
            "kind": self.kind,
            "dealId": self.deal_id,
            "taskId": self.task_id,
            "title": self.title,
            "readAt": self.read_at.map(contracts::field::instant_text),
            "emailStatus": self.email_status,
            "version": self.version,
        })
    }
}

/// Stores a notification and emits its event; `None` when the recipient has one with this dedupe key already.
pub async fn insert(tx: &mut Tx, new: NewNotification) -> Result<Option<Uuid>> {
    let Words { title, body } = new.kind.words(&new.params)?;
    let status = if new.email {
        EmailStatus::Pending
    } else {
        EmailStatus::NotWanted
    };
    let notification = Notification {
        id: tx.new_id(),
        user_id: new.user_id,
        kind: new.kind.as_str().to_owned(),
        deal_id: new.deal_id,
        task_id: new.task_id,
        title,
        body,
        dedupe_key: new.dedupe_key,
        params: serde_json::to_value(&new.params).map_err(anyhow::Error::from)?,
        created_at: tx.now(),
        read_at: None,
        email_status: status.as_str().to_owned(),
        version: 1,
    };
    let stored = tx
        .run(
            "INSERT INTO notifications (id, organization_id, user_id, kind, deal_id, task_id, title, body, dedupe_key,
               params, in_app, created_at, email_status)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
            [
                notification.id.into(),
                tx.actor().organization_id.into(),
                notification.user_id.into(),
                notification.kind.clone().into(),
                notification.deal_id.into(),
                notification.task_id.into(),
                notification.title.clone().into(),
                notification.body.clone().into(),
                notification.dedupe_key.clone().into(),
                notification.params.clone().into(),
                new.in_app.into(),
                notification.created_at.into(),
                notification.email_status.clone().into(),
            ],
        )
        .await?;
    if stored == 0 {
        return Ok(None);
    }
    let event = notification.event(NotificationChange::Created);
    let id = notification.id;
    let event_type = NotificationChange::Created.routing_key();
    tx.emit(change(event_type, Some(event), Value::Null, &notification));
    Ok(Some(id))
}

/// A notification of anybody in the organization, locked; for the SYSTEM user.
pub async fn lock(tx: &Tx, id: Uuid) -> Result<Option<Notification>> {
    tx.first(
        "SELECT id, user_id, kind, deal_id, task_id, title, body, dedupe_key, params, created_at, read_at, email_status, version
           FROM notifications WHERE organization_id = $1 AND id = $2 FOR UPDATE",
        [tx.actor().organization_id.into(), id.into()],
    )
    .await
}

/// A notification in the acting user's list, locked.
pub async fn lock_own(tx: &Tx, id: Uuid) -> Result<Option<Notification>> {
    tx.first(
        "SELECT id, user_id, kind, deal_id, task_id, title, body, dedupe_key, params, created_at, read_at, email_status, version
           FROM notifications WHERE organization_id = $1 AND user_id = $2 AND id = $3 AND in_app FOR UPDATE",
        [tx.actor().organization_id.into(), tx.actor().user_id.into(), id.into()],
    )
    .await
}

/// Up to `limit` unread notifications of the acting user, oldest first, locked.
pub async fn lock_unread(tx: &Tx, limit: i64) -> Result<Vec<Notification>> {
    tx.all(
        "SELECT id, user_id, kind, deal_id, task_id, title, body, dedupe_key, params, created_at, read_at, email_status, version
           FROM notifications WHERE organization_id = $1 AND user_id = $2 AND in_app AND read_at IS NULL
          ORDER BY id LIMIT $3 FOR UPDATE",
        [tx.actor().organization_id.into(), tx.actor().user_id.into(), limit.into()],
    )
    .await
}

/// Stores that notifications were read.
pub async fn mark_read(tx: &mut Tx, unread: &[Notification]) -> Result<Vec<Notification>> {
    let ids: Vec<Uuid> = unread.iter().map(|notification| notification.id).collect();
    tx.run(
        "UPDATE notifications SET read_at = $3, version = version + 1 WHERE organization_id = $1 AND id = ANY($2)",
        [tx.actor().organization_id.into(), ids.into(), tx.now().into()],
    )
    .await?;
    let mut read = Vec::with_capacity(unread.len());
    for before in unread {
        let after = Notification {
            read_at: Some(tx.now()),
            version: before.version + 1,
            ..before.clone()
        };
        tx.emit(change(
            "notifications.notification.read",
            None,
            before.snapshot(),
            &after,
        ));
        read.push(after);
    }
    Ok(read)
}

/// Stores what became of a notification's mail.
pub async fn settle_email(tx: &mut Tx, before: &Notification, status: EmailStatus) -> Result<()> {
    let after = Notification {
        email_status: status.as_str().to_owned(),
        version: before.version + 1,
        ..before.clone()
    };
    tx.run(
        "UPDATE notifications SET email_status = $3, version = $4 WHERE organization_id = $1 AND id = $2",
        [tx.actor().organization_id.into(), after.id.into(), status.as_str().into(), after.version.into()],
    )
    .await?;
    tx.emit(change(status.event_type(), None, before.snapshot(), &after));
    Ok(())
}

/// Stores that a notification's mail was given up.
pub async fn give_email_up(
    tx: &mut Tx,
    before: &Notification,
    failure: EmailFailure,
) -> Result<()> {
    tx.run(
        "UPDATE notifications SET email_failure = $3 WHERE organization_id = $1 AND id = $2",
        [
            tx.actor().organization_id.into(),
            before.id.into(),
            failure.as_str().into(),
        ],
    )
    .await?;
    settle_email(tx, before, EmailStatus::Dead).await
}

/// A notification of anybody in the organization whose mail was given up, locked; for those who manage the
/// organization.
pub async fn lock_dead(tx: &Tx, id: Uuid) -> Result<Option<Notification>> {
    tx.first(
        "SELECT id, user_id, kind, deal_id, task_id, title, body, dedupe_key, params, created_at, read_at, email_status, version
           FROM notifications WHERE organization_id = $1 AND id = $2 AND email_status = 'DEAD' FOR UPDATE",
        [tx.actor().organization_id.into(), id.into()],
    )
    .await
}

/// Has a mail that was given up delivered again.
pub async fn requeue(tx: &mut Tx, before: &Notification) -> Result<()> {
    let after = Notification {
        email_status: EmailStatus::Pending.as_str().to_owned(),
        version: before.version + 1,
        ..before.clone()
    };
    tx.run(
        "UPDATE notifications SET email_status = $3, email_failure = NULL, version = $4
          WHERE organization_id = $1 AND id = $2",
        [
            tx.actor().organization_id.into(),
            after.id.into(),
            after.email_status.clone().into(),
            after.version.into(),
        ],
    )
    .await?;
    let requeued = NotificationChange::Requeued;
    let event = after.event(requeued);
    tx.emit(change(
        requeued.routing_key(),
        Some(event),
        before.snapshot(),
        &after,
    ));
    Ok(())
}

/// The mail of this notification, if it was given up.
pub async fn undelivered(tx: &Tx, id: Uuid) -> Result<Option<Undelivered>> {
    tx.first(
        "SELECT n.id, n.kind, n.user_id, u.full_name, u.email, n.deal_id, n.title, n.created_at, n.email_attempts,
                coalesce(n.email_failure, 'NOT_DELIVERED') AS email_failure
           FROM notifications n JOIN users u ON u.organization_id = n.organization_id AND u.id = n.user_id
          WHERE n.organization_id = $1 AND n.id = $2 AND n.email_status = 'DEAD'",
        [tx.actor().organization_id.into(), id.into()],
    )
    .await
}

/// Mails that were given up, newest first, from the one made before `before` on.
pub async fn undelivered_before(
    tx: &Tx,
    before: Option<Uuid>,
    most: i64,
) -> Result<Vec<Undelivered>> {
    tx.all(
        "SELECT n.id, n.kind, n.user_id, u.full_name, u.email, n.deal_id, n.title, n.created_at, n.email_attempts,
                coalesce(n.email_failure, 'NOT_DELIVERED') AS email_failure
           FROM notifications n JOIN users u ON u.organization_id = n.organization_id AND u.id = n.user_id
          WHERE n.organization_id = $1 AND n.email_status = 'DEAD' AND ($2::uuid IS NULL OR n.id < $2)
          ORDER BY n.id DESC LIMIT $3",
        [tx.actor().organization_id.into(), before.into(), most.into()],
    )
    .await
}

/// Notes that an attempt to send the mail failed; no transition, the mail is still to be sent.
pub async fn note_failure(tx: &Tx, id: Uuid, reason: &str) -> Result<()> {
    tx.run(
        "UPDATE notifications SET email_attempts = email_attempts + 1, email_error = left($3, 500)
          WHERE organization_id = $1 AND id = $2",
        [tx.actor().organization_id.into(), id.into(), reason.into()],
    )
    .await?;
    Ok(())
}

fn change(
    event_type: &'static str,
    event: Option<Event>,
    before: Value,
    after: &Notification,
) -> Change {
    Change {
        entity_type: "notification",
        entity_id: after.id,
        version: after.version,
        deal_id: after.deal_id,
        event_type,
        event,
        before,
        after: after.snapshot(),
    }
}
