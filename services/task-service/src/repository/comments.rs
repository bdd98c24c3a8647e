//! Comments on tasks.

use platform::{db::Tx, error::Result};
use sea_orm::{FromQueryResult, Value as SqlValue};
use uuid::Uuid;

use super::tasks::require_all;

/// A comment. It never changes.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Comment {
    pub(crate) id: Uuid,
    pub(crate) deal_id: Uuid,
    pub(crate) task_id: Uuid,
    pub(crate) author_id: Uuid,
    pub(crate) body: String,
    /// INTERNAL or SHARED.
    pub(crate) visibility: String,
}

/// A page of a task's comments, oldest first, as far as the caller may read them.
pub(crate) async fn of_task(
    tx: &Tx,
    task_id: Uuid,
    after: Option<Uuid>,
    fetch: u64,
) -> Result<Vec<Comment>> {
    let limit = i64::try_from(fetch).map_err(anyhow::Error::from)?;
    let values: [SqlValue; 4] = [
        tx.actor().organization_id.into(),
        task_id.into(),
        after.unwrap_or_default().into(),
        limit.into(),
    ];
    tx.all(
        "SELECT id, deal_id, task_id, author_id, body, visibility FROM comments
          WHERE organization_id = $1 AND task_id = $2 AND id > $3 ORDER BY id LIMIT $4",
        values,
    )
    .await
}

/// One comment on a task, if the caller may read it.
pub(crate) async fn find(tx: &Tx, task_id: Uuid, id: Uuid) -> Result<Option<Comment>> {
    tx.first(
        "SELECT id, deal_id, task_id, author_id, body, visibility FROM comments
          WHERE organization_id = $1 AND task_id = $2 AND id = $3",
        [
            Uuid::into(tx.actor().organization_id),
            task_id.into(),
            id.into(),
        ],
    )
    .await
}

/// Adds a comment.
pub(crate) async fn insert(tx: &Tx, comment: &Comment) -> Result<()> {
    let added = tx
        .run(
            "INSERT INTO comments (id, organization_id, deal_id, task_id, author_id, body, visibility)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            [
                comment.id.into(),
                tx.actor().organization_id.into(),
                comment.deal_id.into(),
                comment.task_id.into(),
                comment.author_id.into(),
                comment.body.clone().into(),
                comment.visibility.clone().into(),
            ],
        )
        .await?;
    require_all(added, 1)
}
