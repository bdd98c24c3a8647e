//! The key dates of a deal as they are stored.

use time::{Date, Time};

use super::{KeyDateState, PlannedDate};
use crate::template::Rule;

/// One key date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDate {
    /// Its key.
    pub key: String,
    /// Its title.
    pub title: String,
    /// Whether people enter it; the others follow rules.
    pub is_anchor: bool,
    /// Its value.
    pub date: Option<Date>,
    /// What its rule says; differs from `date` while it is pinned.
    pub rule_date: Option<Date>,
    /// The rule that won.
    pub rule: Option<Rule>,
    /// The time of day at which it ends, if not at the end of the day.
    pub time_of_day: Option<Time>,
    /// Its state.
    pub state: KeyDateState,
    /// Whether it was set by hand although it has a rule.
    pub pinned: bool,
    /// Whether the contract sets it.
    pub contractual: bool,
    /// Whether a regulation sets it.
    pub regulatory: bool,
    /// Whether the client sees it.
    pub buyer_visible: bool,
}

impl KeyDate {
    /// A date as it was computed.
    #[must_use]
    pub fn of(planned: &PlannedDate) -> Self {
        Self {
            key: planned.key.clone(),
            title: planned.title.clone(),
            is_anchor: planned.rule.is_none(),
            date: planned.date,
            rule_date: planned.rule_date,
            rule: planned.rule.clone(),
            time_of_day: planned.time_of_day,
            state: planned.state,
            pinned: planned.pinned,
            contractual: planned.contractual,
            regulatory: planned.regulatory,
            buyer_visible: planned.buyer_visible,
        }
    }
}
