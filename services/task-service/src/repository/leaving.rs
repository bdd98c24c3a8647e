//! Who leaves a deal or a part in it, what they leave open, and who comes next.

use domain::{party::PartyRole, task::StoredTask};
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::task_row::{TaskRow, prefixed_by_t, task_columns, task_table};

/// What a user has to do with a deal.
#[derive(Clone, Debug, Default, FromQueryResult)]
pub(crate) struct Access {
    /// Whether the user created it.
    pub(crate) is_creator: bool,
    /// The parts that the user plays in it.
    pub(crate) party_roles: Vec<String>,
}

/// A user's relation to a deal now. Read under the deal's lock, which every change of it takes.
pub(crate) async fn access(tx: &Tx, deal_id: Uuid, user_id: Uuid) -> Result<Access> {
    let access: Option<Access> = tx
        .first(
            "SELECT is_creator, party_roles FROM ctx.deal_access
              WHERE organization_id = $1 AND deal_id = $2 AND user_id = $3",
            [
                Uuid::into(tx.actor().organization_id),
                deal_id.into(),
                user_id.into(),
            ],
        )
        .await?;
    Ok(access.unwrap_or_default())
}

/// Open tasks of somebody who does not see their deal, by deal and person; `$filter` narrows them to some people.
macro_rules! unseen_statement {
    ($filter:literal) => {
        concat!(
            "SELECT o.deal_id, o.user_id FROM (
               SELECT DISTINCT t.deal_id, t.assignee_id AS user_id FROM tasks t
                 JOIN ctx.deals d ON d.organization_id = t.organization_id AND d.id = t.deal_id
                WHERE t.organization_id = $1 AND ",
            $filter,
            " AND t.deleted_at IS NULL AND t.status NOT IN ('COMPLETED', 'WAIVED')
                  AND d.status IN ('DRAFT', 'ACTIVE', 'ON_HOLD')) o
              WHERE NOT ctx.may_be_assigned(o.user_id, o.deal_id) LIMIT 1"
        )
    };
}

/// Somebody's open tasks in a deal.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub(crate) struct Unseen {
    /// The deal.
    pub(crate) deal_id: Uuid,
    /// Whose they are.
    pub(crate) user_id: Uuid,
}

/// A deal under way in which this user has open tasks and which it does not see.
pub(crate) async fn unseen_by(tx: &Tx, user_id: Uuid) -> Result<Option<Unseen>> {
    tx.first(
        unseen_statement!("t.assignee_id = $2"),
        [Uuid::into(tx.actor().organization_id), user_id.into()],
    )
    .await
}

/// The same of anybody in the organization.
pub(crate) async fn unseen_by_anybody(tx: &Tx) -> Result<Option<Unseen>> {
    tx.first(
        unseen_statement!("t.assignee_id IS NOT NULL"),
        [tx.actor().organization_id.into()],
    )
    .await
}

/// What a user leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Leaving {
    /// The deal, with all that it has to do there.
    TheDeal,
    /// All parts in it but these, with what came with them.
    AllPartsBut(Vec<String>),
}

/// At most `limit` open tasks of a user in a deal that it leaves, locked in id order. The deal is locked exclusively
/// before. What somebody else gave the user by hand did not come with a part.
pub(crate) async fn lock_left(
    tx: &Tx,
    deal_id: Uuid,
    user_id: Uuid,
    leaving: &Leaving,
    limit: usize,
) -> Result<Vec<StoredTask>> {
    let (everything, kept) = match leaving {
        Leaving::TheDeal => (true, Vec::new()),
        Leaving::AllPartsBut(parts) => (false, parts.clone()),
    };
    let limit = i64::try_from(limit).map_err(anyhow::Error::from)?;
    let rows: Vec<TaskRow> = tx
        .all(
            concat!(
                "SELECT ",
                task_columns!(),
                " FROM tasks t
                  WHERE t.organization_id = $1 AND t.deal_id = $2 AND t.deleted_at IS NULL AND t.assignee_id = $3
                    AND t.status NOT IN ('COMPLETED', 'WAIVED')
                    AND ($4 OR (t.assigned_by = $5 AND t.owner_role IS NOT NULL AND t.owner_role <> ALL ($6)))
                  ORDER BY t.id LIMIT $7 FOR UPDATE"
            ),
            [
                Uuid::into(tx.actor().organization_id),
                deal_id.into(),
                user_id.into(),
                everything.into(),
                tx.actor().user_id.into(),
                kept.into(),
                limit.into(),
            ],
        )
        .await?;
    rows.into_iter().map(TaskRow::restore).collect()
}

#[derive(FromQueryResult)]
struct LoginRow {
    user_id: Uuid,
}

/// The logins of a deal's parties that play a part, in the order in which they became parties.
pub(crate) async fn logins_of_part(tx: &Tx, deal_id: Uuid, role: PartyRole) -> Result<Vec<Uuid>> {
    let rows: Vec<LoginRow> = tx
        .all(
            "SELECT user_id FROM ctx.party_names($1) WHERE role = $2 AND user_id IS NOT NULL",
            [deal_id.into(), role.as_str().into()],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.user_id).collect())
}
