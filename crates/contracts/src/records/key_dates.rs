//! The key dates of a deal as they are recorded.

use domain::cascade::KeyDateState;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Date, OffsetDateTime, Time};
use uuid::Uuid;

use super::{DueRule, version};
use crate::{
    field::{date_text, instant_text},
    text, v1,
};

/// The date that deals show; events carry it by itself.
pub const CLOSING_DATE: &str = "closing_date";

/// All key dates of a deal, which have one version together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyDatesRecord {
    /// The set of dates.
    pub id: Uuid,
    /// Its deal.
    pub deal_id: Uuid,
    /// The version, counted from 1.
    pub version: i64,
    /// In the template's order.
    pub key_dates: Vec<KeyDateRecord>,
    /// The organization's holidays that they were counted with, as it wrote them.
    pub holiday_calendar: Option<Value>,
    /// Why they were changed, where a reason was given.
    pub reason: Option<String>,
}

/// One key date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyDateRecord {
    /// Its key.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Whether people enter it; the others follow rules.
    pub is_anchor: bool,
    /// Its value.
    #[serde(with = "text::date::option")]
    pub date: Option<Date>,
    /// What its rule says; differs from `date` while it is pinned.
    #[serde(with = "text::date::option")]
    pub rule_date: Option<Date>,
    /// The rule that won.
    pub rule: Option<DueRule>,
    /// The time of day at which it ends, if not at the end of the day.
    #[serde(with = "text::time_of_day::option")]
    pub time_of_day: Option<Time>,
    /// The instant at which it ends, in the deal's time zone.
    #[serde(with = "text::instant::option")]
    pub deadline_at: Option<OffsetDateTime>,
    /// Its state.
    #[serde(with = "text::key_date_state")]
    pub state: KeyDateState,
    /// Whether it was set by hand although it has a rule.
    pub pinned: bool,
    /// Whether the client sees it.
    pub buyer_visible: bool,
}

impl KeyDatesRecord {
    /// What is published of them. `changed` are the keys of those that changed.
    pub fn event(&self, changed: Vec<String>) -> v1::KeyDatesEvent {
        let closing = self.key_dates.iter().find(|date| date.key == CLOSING_DATE);
        v1::KeyDatesEvent {
            key_dates_id: self.id.to_string(),
            deal_id: self.deal_id.to_string(),
            version: version(self.version),
            key_dates: self.key_dates.iter().map(KeyDateRecord::message).collect(),
            changed,
            closing_date: closing.and_then(|date| date.date).map(date_text),
        }
    }

    /// The keys of the dates that are not as before.
    pub fn changed_since(&self, before: Option<&Self>) -> Vec<String> {
        let before = before.map_or(&[][..], |before| &before.key_dates);
        let changed = self.key_dates.iter().filter(|date| !before.contains(date));
        changed.map(|date| date.key.clone()).collect()
    }
}

impl KeyDateRecord {
    fn message(&self) -> v1::KeyDate {
        v1::KeyDate {
            key: self.key.clone(),
            title: self.title.clone(),
            date: self.date.map(date_text),
            state: self.state.as_str().to_owned(),
            deadline_at: self.deadline_at.map(instant_text),
            buyer_visible: self.buyer_visible,
        }
    }
}
