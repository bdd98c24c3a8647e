//! When the open tasks of a deal last changed, and who changed them: reminders and notices go by it. The database keeps
//! it (`note_task_handling`).

use std::collections::BTreeMap;

use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use time::OffsetDateTime;
use uuid::Uuid;

/// How an open task came to its present state. Only people are named: for changes by the SYSTEM user, `None`.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct Handling {
    id: Uuid,
    /// When it was created or reopened, or its due date, assignee, blocked state or deal's status last changed.
    pub(crate) stands_since: OffsetDateTime,
    /// When its assignee last changed, if ever.
    pub(crate) assigned_at: Option<OffsetDateTime>,
    /// Who changed it.
    pub(crate) assigned_by: Option<Uuid>,
    /// Who had it before.
    pub(crate) previous_assignee_id: Option<Uuid>,
    /// When it came free, if it waited before and waits no longer.
    pub(crate) unlocked_at: Option<OffsetDateTime>,
    /// Who did the last thing that it waited for.
    pub(crate) unlocked_by: Option<Uuid>,
}

/// Of every open task of the deal, by its id. Asked as the SYSTEM user.
pub(crate) async fn of_deal(tx: &Tx, deal_id: Uuid) -> Result<BTreeMap<Uuid, Handling>> {
    let actor = tx.actor();
    let rows: Vec<Handling> = tx
        .all(
            "SELECT t.id, greatest(t.stands_since, d.status_since) AS stands_since, t.assigned_at,
                    nullif(t.assigned_by, $3) AS assigned_by, t.previous_assignee_id, t.unlocked_at,
                    nullif(t.unlocked_by, $3) AS unlocked_by
               FROM tasks t JOIN ctx.deals d ON d.organization_id = t.organization_id AND d.id = t.deal_id
              WHERE t.organization_id = $1 AND t.deal_id = $2 AND t.deleted_at IS NULL
                AND t.status NOT IN ('COMPLETED', 'WAIVED')",
            [
                actor.organization_id.into(),
                deal_id.into(),
                actor.user_id.into(),
            ],
        )
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}
