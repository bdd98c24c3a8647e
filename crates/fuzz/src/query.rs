//! Query strings.

use platform::http::{Query, query::within_bounds};
use serde::Deserialize;
use time::Date;
use uuid::Uuid;

use crate::cost::Allowance;

const ALLOWANCE: Allowance = Allowance {
    memory: (20_000, 16),
    steps: (300, 2),
};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "the types are what matters")]
struct Filter {
    status: Option<Status>,
    q: Option<String>,
    #[serde(default)]
    overdue: bool,
    limit: Option<u32>,
    closing_from: Option<Date>,
    deal_id: Option<Uuid>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Status {
    Active,
    OnHold,
}

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let read = ALLOWANCE.hold(input, || Query::<Filter>::parse(text));
    if let Ok(filter) = read {
        within_bounds(text).expect("what was read is within the bounds");
        assert!(!filter.q.is_some_and(|q| q.is_empty() || q.contains('\0')));
    }
}
