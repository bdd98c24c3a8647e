//! The organization's holiday calendar, from the shared authority, and the calendar that a deal was counted with.

use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use serde_json::Value;
use uuid::Uuid;

use crate::holidays::Holidays;

#[derive(FromQueryResult)]
struct CalendarRow {
    holiday_calendar: Option<Value>,
}

/// The calendar of the caller's organization as it is now.
pub(crate) async fn of_organization(tx: &Tx) -> Result<Holidays> {
    let row: Option<CalendarRow> = tx
        .first("SELECT ctx.holiday_calendar() AS holiday_calendar", [])
        .await?;
    Ok(Holidays::restore(row.and_then(|row| row.holiday_calendar))?)
}

/// The calendar that the dates of a deal were last counted with.
pub(crate) async fn of_deal(tx: &Tx, deal_id: Uuid) -> Result<Holidays> {
    let row: Option<CalendarRow> = tx
        .first(
            "SELECT holiday_calendar FROM key_date_sets WHERE organization_id = $1 AND deal_id = $2",
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    Ok(Holidays::restore(row.and_then(|row| row.holiday_calendar))?)
}
