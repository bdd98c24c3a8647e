//! The key dates of a deal, which have one version together.

use contracts::{field::date_text, records::DueRule, text::time_text};
use domain::cascade::{KeyDate, KeyDateState};
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use time::{Date, Time};
use uuid::Uuid;

use super::tasks::require_all;
use crate::holidays::Holidays;

/// All key dates of a deal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyDates {
    pub(crate) id: Uuid,
    pub(crate) deal_id: Uuid,
    pub(crate) version: i64,
    /// What they were counted with.
    pub(crate) holidays: Holidays,
    /// In the template's order.
    pub(crate) dates: Vec<KeyDate>,
}

impl KeyDates {
    /// The date of this key.
    pub(crate) fn get(&self, key: &str) -> Option<&KeyDate> {
        self.dates.iter().find(|date| date.key == key)
    }
}

#[derive(FromQueryResult)]
struct SetRow {
    id: Uuid,
    holiday_calendar: Option<Value>,
    version: i64,
}

#[derive(FromQueryResult)]
struct KeyDateRow {
    key: String,
    title: String,
    is_anchor: bool,
    date: Option<Date>,
    rule_date: Option<Date>,
    rule: Option<Value>,
    time_of_day: Option<Time>,
    state: String,
    pinned: bool,
    contractual: bool,
    regulatory: bool,
    buyer_visible: bool,
}

impl KeyDateRow {
    fn restore(self) -> Result<KeyDate> {
        let state = KeyDateState::parse(&self.state)
            .ok_or_else(|| anyhow::anyhow!("date {} has the state {}", self.key, self.state))?;
        Ok(KeyDate {
            key: self.key,
            title: self.title,
            is_anchor: self.is_anchor,
            date: self.date,
            rule_date: self.rule_date,
            rule: self.rule.map(super::rule).transpose()?,
            time_of_day: self.time_of_day,
            state,
            pinned: self.pinned,
            contractual: self.contractual,
            regulatory: self.regulatory,
            buyer_visible: self.buyer_visible,
        })
    }
}

/// The key dates of a deal, if they have been set up and the caller may see the deal.
pub(crate) async fn of_deal(tx: &Tx, deal_id: Uuid) -> Result<Option<KeyDates>> {
    let set: Option<SetRow> = tx
        .first(
            "SELECT id, holiday_calendar, version FROM key_date_sets WHERE organization_id = $1 AND deal_id = $2",
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    let Some(set) = set else {
        return Ok(None);
    };
    let rows: Vec<KeyDateRow> = tx
        .all(
            "SELECT key, title, is_anchor, date, rule_date, rule, time_of_day, state, pinned, contractual,
                    regulatory, buyer_visible
               FROM key_dates WHERE organization_id = $1 AND deal_id = $2 ORDER BY position, key",
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    let dates: Result<Vec<KeyDate>> = rows.into_iter().map(KeyDateRow::restore).collect();
    Ok(Some(KeyDates {
        id: set.id,
        deal_id,
        version: set.version,
        holidays: Holidays::restore(set.holiday_calendar)?,
        dates: dates?,
    }))
}

/// Writes key dates at a new version, the first or the next. The deal is locked exclusively.
pub(crate) async fn save(tx: &Tx, key_dates: &KeyDates) -> Result<()> {
    let organization_id = tx.actor().organization_id;
    let values = [
        key_dates.id.into(),
        organization_id.into(),
        key_dates.deal_id.into(),
        key_dates.version.into(),
        key_dates.holidays.written().cloned().into(),
    ];
    let saved = if key_dates.version == 1 {
        tx.run(
            "INSERT INTO key_date_sets (id, organization_id, deal_id, version, holiday_calendar) VALUES ($1, $2, $3, $4, $5)",
            values,
        )
        .await?
    } else {
        tx.run(
            "UPDATE key_date_sets SET version = $4, holiday_calendar = $5
              WHERE id = $1 AND organization_id = $2 AND deal_id = $3 AND version = $4 - 1",
            values,
        )
        .await?
    };
    require_all(saved, 1)?;
    let rows: Value = key_dates.dates.iter().enumerate().map(row).collect();
    let written = tx
        .run(
            "INSERT INTO key_dates (organization_id, deal_id, key, title, position, is_anchor, date, rule_date, rule,
                    time_of_day, state, pinned, contractual, regulatory, buyer_visible)
             SELECT $1, $2, key, title, position, is_anchor, date, rule_date, rule, time_of_day, state, pinned,
                    contractual, regulatory, buyer_visible
               FROM jsonb_to_recordset($3::jsonb) AS r(
                    key text, title text, position integer, is_anchor boolean, date date, rule_date date, rule jsonb,
                    time_of_day time, state text, pinned boolean, contractual boolean, regulatory boolean,
                    buyer_visible boolean)
             ON CONFLICT (organization_id, deal_id, key) DO UPDATE
                SET title = excluded.title, position = excluded.position, date = excluded.date,
                    rule_date = excluded.rule_date, rule = excluded.rule, time_of_day = excluded.time_of_day,
                    state = excluded.state, pinned = excluded.pinned, contractual = excluded.contractual,
                    regulatory = excluded.regulatory, buyer_visible = excluded.buyer_visible",
            [
                organization_id.into(),
                key_dates.deal_id.into(),
                rows.into(),
            ],
        )
        .await?;
    require_all(written, key_dates.dates.len())
}

fn row((position, date): (usize, &KeyDate)) -> Value {
    json!({
        "key": date.key,
        "title": date.title,
        "position": position,
        "is_anchor": date.is_anchor,
        "date": date.date.map(date_text),
        "rule_date": date.rule_date.map(date_text),
        "rule": date.rule.as_ref().map(DueRule::of),
        "time_of_day": date.time_of_day.map(time_text),
        "state": date.state.as_str(),
        "pinned": date.pinned,
        "contractual": date.contractual,
        "regulatory": date.regulatory,
        "buyer_visible": date.buyer_visible,
    })
}
