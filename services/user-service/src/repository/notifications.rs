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
    /// Names the occasion: nobody is told of it twice.
    pub dedupe_key: String,
    /// What it is about.
    pub params: NoticeParams,
    /// Whether it stands in the recipient's list.
    pub in_app: bool,
    /// Whether a mail is wanted.
    pub email: bool,
}

impl Notification {
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

/// Stores a notification and tells of it; `None` when the recipient has been told of the occasion.
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
    let event = Event::Notification(
        NotificationChange::Created,
        NotificationEvent {
            notification_id: notification.id.to_string(),
            user_id: notification.user_id.to_string(),
            kind: notification.kind.clone(),
            deal_id: notification.deal_id.map(|id| id.to_string()),
            task_id: notification.task_id.map(|id| id.to_string()),
        },
    );
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
