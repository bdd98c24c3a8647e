//! The organization's log for its administrators: each row with its place, 1, 2, 3 … without a gap.
//!
//! Rows get their places when the log is read ([`place`]), in batches that are kept whatever comes after, and not when
//! they are written: writers of one organization would wait for each other.
//!
//! Rows differ in size by a factor of a thousand, so a page ends after a number of rows or of bytes, whichever comes
//! first: their places are read first, then the rows a few at a time.

use platform::{db::Tx, error::Result, http::Access};
use sea_orm::{FromQueryResult, Value};
use time::OffsetDateTime;
use uuid::Uuid;

use super::audit_log::{AuditRow, Auditor, COLUMNS};

/// Rows that get their places in one session.
pub(crate) const BATCH: i32 = 5_000;
/// Rows that are read at a time: by so many may a page exceed its bytes.
const ROWS_AT_A_TIME: usize = 8;

/// A row and its place in the organization's log, 1 for the first.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct PlacedRow {
    pub(crate) sequence: i64,
    /// How long its record is as JSON.
    bytes: i32,
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

/// Which rows are read: those behind the place `after`, until there are so many or they have so many bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portion {
    pub(crate) order: LogOrder,
    pub(crate) after: Option<i64>,
    pub(crate) rows: u32,
    pub(crate) bytes: usize,
}

/// Rows that were read, and whether there are others behind them.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<PlacedRow>,
    pub(crate) more: bool,
}

#[derive(FromQueryResult)]
struct Placed {
    placed: i32,
}

/// Gives a place to every row of the caller's organization that has none.
pub(crate) async fn place(auditor: &Auditor, access: &impl Access) -> Result<()> {
    while auditor
        .write(access, async |tx| place_batch(tx).await)
        .await?
        >= BATCH
    {}
    Ok(())
}

/// Gives places to one batch, and answers to how many rows.
pub(crate) async fn place_batch(tx: &Tx) -> Result<i32> {
    let placed: Option<Placed> = tx
        .first("SELECT audit.place_rows($1) AS placed", [BATCH.into()])
        .await?;
    Ok(placed.map_or(0, |placed| placed.placed))
}

/// A portion of the log.
pub(crate) async fn run(tx: &Tx, filters: &LogFilters, portion: Portion) -> Result<Rows> {
    let wanted = usize::try_from(portion.rows).map_err(anyhow::Error::from)?;
    let places = places(tx, filters, portion).await?;
    let (mut rows, mut bytes) = (Vec::new(), 0);
    for few in places[..places.len().min(wanted)].chunks(ROWS_AT_A_TIME) {
        if bytes >= portion.bytes {
            break;
        }
        let read = rows_at(tx, few, portion.order).await?;
        bytes += read
            .iter()
            .map(|placed| usize::try_from(placed.bytes).unwrap_or_default())
            .sum::<usize>();
        rows.extend(read);
    }
    let more = rows.len() < places.len();
    Ok(Rows { rows, more })
}

#[derive(FromQueryResult)]
struct Found {
    sequence: i64,
}

/// The places of the rows, and of one more.
async fn places(tx: &Tx, filters: &LogFilters, portion: Portion) -> Result<Vec<i64>> {
    let mut sql = "SELECT p.sequence FROM audit.placement p
           JOIN audit.audit_log a ON a.organization_id = p.organization_id
            AND a.created_at = p.audit_created_at AND a.id = p.audit_id
          WHERE p.organization_id = $1"
        .to_owned();
    let mut values: Vec<Value> = vec![tx.actor().organization_id.into()];
    let mut narrow = |condition: &str, value: Option<Value>| {
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
    let (behind, keyword) = match portion.order {
        LogOrder::NewestFirst => ("p.sequence <", "DESC"),
        LogOrder::OldestFirst => ("p.sequence >", "ASC"),
    };
    narrow(behind, portion.after.map(Into::into));
    values.push((i64::from(portion.rows) + 1).into());
    sql.push_str(&format!(
        " ORDER BY p.sequence {keyword} LIMIT ${}",
        values.len()
    ));
    let found: Vec<Found> = tx.all_built(sql, values).await?;
    Ok(found.into_iter().map(|found| found.sequence).collect())
}

async fn rows_at(tx: &Tx, places: &[i64], order: LogOrder) -> Result<Vec<PlacedRow>> {
    let keyword = match order {
        LogOrder::NewestFirst => "DESC",
        LogOrder::OldestFirst => "ASC",
    };
    tx.all_built(
        format!(
            "SELECT p.sequence, octet_length(a.event_data::text) AS bytes, {COLUMNS}, a.event_data
               FROM audit.placement p
               JOIN audit.audit_log a ON a.organization_id = p.organization_id
                AND a.created_at = p.audit_created_at AND a.id = p.audit_id
              WHERE p.organization_id = $1 AND p.sequence = ANY($2) ORDER BY p.sequence {keyword}"
        ),
        vec![tx.actor().organization_id.into(), places.to_vec().into()],
    )
    .await
}
