//! The organization's log for its administrators: each row with its place, 1, 2, 3 … without a gap.
//!
//! Rows get their places when the log is read ([`place`]), in batches that are kept whatever comes after, and not when
//! they are written: writers of one organization would wait for each other.

use platform::{
    db::Tx,
    error::{Error, Result},
    http::Access,
};
use sea_orm::FromQueryResult;
use time::OffsetDateTime;
use uuid::Uuid;

use super::audit_log::{AuditRow, Auditor, COLUMNS};

/// Rows that get their places in one session.
const BATCH: i32 = 5_000;

/// A row and its place in the organization's log, 1 for the first.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct PlacedRow {
    pub(crate) sequence: i64,
    #[sea_orm(nested)]
    pub(crate) row: AuditRow,
}

/// What is asked of the log.
#[derive(Clone, Debug)]
pub(crate) struct LogFilters {
    pub(crate) entity_id: Option<Uuid>,
    pub(crate) user_id: Option<Uuid>,
    pub(crate) event_type: Option<String>,
    /// This instant or later.
    pub(crate) from: Option<OffsetDateTime>,
    /// Before this instant.
    pub(crate) to: Option<OffsetDateTime>,
}

/// Which end of the log comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogOrder {
    NewestFirst,
    OldestFirst,
}

#[derive(FromQueryResult)]
struct Placed {
    placed: i32,
}

/// Gives a place to every row of the caller's organization that has none.
pub(crate) async fn place(auditor: &Auditor, access: &impl Access) -> Result<()> {
    loop {
        let placed: Option<Placed> = auditor
            .write(access, async |tx| {
                tx.first("SELECT audit.place_rows($1) AS placed", [BATCH.into()])
                    .await
            })
            .await?;
        if placed.is_none_or(|placed| placed.placed < BATCH) {
            return Ok(());
        }
    }
}

/// At most `limit` rows behind the place `after`.
pub(crate) async fn run(
    tx: &Tx,
    filters: &LogFilters,
    order: LogOrder,
    after: Option<i64>,
    limit: u64,
) -> Result<Vec<PlacedRow>> {
    let mut sql = format!(
        "SELECT p.sequence, {COLUMNS} FROM audit.placement p
           JOIN audit.audit_log a ON a.organization_id = p.organization_id
            AND a.created_at = p.audit_created_at AND a.id = p.audit_id
          WHERE p.organization_id = $1"
    );
    let mut values: Vec<sea_orm::Value> = vec![tx.actor().organization_id.into()];
    let mut narrow = |condition: &str, value: Option<sea_orm::Value>| {
        if let Some(value) = value {
            values.push(value);
            sql.push_str(&format!(" AND {condition} ${}", values.len()));
        }
    };
    narrow("a.entity_id =", filters.entity_id.map(Into::into));
    narrow("a.user_id =", filters.user_id.map(Into::into));
    narrow("a.event_type =", filters.event_type.clone().map(Into::into));
    narrow("p.audit_created_at >=", filters.from.map(Into::into));
    narrow("p.audit_created_at <", filters.to.map(Into::into));
    let (behind, keyword) = match order {
        LogOrder::NewestFirst => ("p.sequence <", "DESC"),
        LogOrder::OldestFirst => ("p.sequence >", "ASC"),
    };
    narrow(behind, after.map(Into::into));
    let limit = i64::try_from(limit).map_err(|error| Error::from(anyhow::Error::from(error)))?;
    values.push(limit.into());
    sql.push_str(&format!(
        " ORDER BY p.sequence {keyword} LIMIT ${}",
        values.len()
    ));
    tx.all_built(sql, values).await
}
