//! The acting user's notifications, newest first.

use contracts::field::instant_text;
use platform::{
    db::Tx,
    error::Result,
    http::{Cursors, Cut, Page},
};
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::repository::notifications::Notification;

/// What to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct NotificationsQuery {
    /// `true`: only what was not read; `false`: only what was.
    pub unread: Option<bool>,
    /// 1 to 100, 25 unless given.
    pub limit: Option<u32>,
    /// Where the page begins: `nextCursor` of the page before.
    pub cursor: Option<String>,
}

/// A notification in the list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationView {
    /// Its id.
    pub id: Uuid,
    /// The kind of occasion.
    #[schema(example = "MILESTONE_REACHED")]
    pub kind: String,
    /// The deal it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deal_id: Option<Uuid>,
    /// The task it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<Uuid>,
    /// One line.
    pub title: String,
    /// A few sentences.
    pub body: String,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was read; `null` until then.
    #[schema(format = DateTime)]
    pub read_at: Option<String>,
}

/// A page of notifications.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationPage {
    /// The page.
    #[serde(flatten)]
    pub page: Page<NotificationView>,
    /// How many in the whole list were not read.
    pub unread_count: i64,
}

impl From<&Notification> for NotificationView {
    fn from(notification: &Notification) -> Self {
        Self {
            id: notification.id,
            kind: notification.kind.clone(),
            deal_id: notification.deal_id,
            task_id: notification.task_id,
            title: notification.title.clone(),
            body: notification.body.clone(),
            created_at: instant_text(notification.created_at),
            read_at: notification.read_at.map(instant_text),
        }
    }
}

#[derive(FromQueryResult)]
struct Count {
    count: i64,
}

/// The page, and how many were not read.
pub async fn run(
    tx: &Tx,
    cursors: &Cursors,
    query: &NotificationsQuery,
) -> Result<NotificationPage> {
    let (limit, cursor) = (query.limit, query.cursor.as_deref());
    let filters = (tx.actor().user_id, query.unread);
    let cut: Cut<Uuid> = cursors.cut(tx, "notifications", &filters, limit, cursor)?;
    let user_id = tx.actor().user_id;
    let organization_id = tx.actor().organization_id;
    let rows: Vec<Notification> = tx
        .all(
            "SELECT id, user_id, kind, deal_id, task_id, title, body, dedupe_key, params, created_at, read_at, email_status, version
               FROM notifications
              WHERE organization_id = $1 AND user_id = $2 AND in_app
                AND ($3::uuid IS NULL OR id < $3) AND ($4::boolean IS NULL OR (read_at IS NULL) = $4)
              ORDER BY id DESC LIMIT $5",
            [
                organization_id.into(),
                user_id.into(),
                cut.after.into(),
                query.unread.into(),
                i64::try_from(cut.fetch()).unwrap_or(i64::MAX).into(),
            ],
        )
        .await?;
    let unread: Option<Count> = tx
        .first(
            "SELECT count(*) AS count FROM notifications
              WHERE organization_id = $1 AND user_id = $2 AND in_app AND read_at IS NULL",
            [organization_id.into(), user_id.into()],
        )
        .await?;
    let page = cut.page(rows, |notification| notification.id)?;
    Ok(NotificationPage {
        page: page.map(|notification| NotificationView::from(&notification)),
        unread_count: unread.map_or(0, |row| row.count),
    })
}
