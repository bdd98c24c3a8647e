//! What answers must say, and the values read from them.

use domain::zone::Zone;
use serde_json::Value;
use time::{Date, Duration, OffsetDateTime};
use uuid::Uuid;

use crate::Response;

/// What an answer must say about one wrong field: 400 with its name and constraint.
///
/// # Panics
/// When it says something else.
#[track_caller]
pub fn refuses_field(answer: &Response, field: &str, constraint: &str) {
    let details = answer.refuses(400, "VALIDATION_001");
    assert_eq!(
        (details["field"].as_str(), details["constraint"].as_str()),
        (Some(field), Some(constraint)),
        "{}: {}",
        answer.request,
        answer.text
    );
}

/// As [`refuses_field`], for a row of a table; `what` says which row failed.
///
/// # Panics
/// When it says something else.
#[track_caller]
pub fn refuses_case(what: &str, answer: &Response, field: &str, constraint: &str) {
    let details = answer.refuses(400, "VALIDATION_001");
    assert_eq!(
        (details["field"].as_str(), details["constraint"].as_str()),
        (Some(field), Some(constraint)),
        "{what}, {}: {}",
        answer.request,
        answer.text
    );
}

/// What an answer must say about a reference that the caller cannot see.
///
/// # Panics
/// When it says something else.
#[track_caller]
pub fn refuses_reference(answer: &Response, field: &str) {
    assert_eq!(
        answer.refuses(400, "UNKNOWN_REFERENCE")["field"],
        field,
        "{}",
        answer.text
    );
}

/// What an answer must say when a permission is missing.
///
/// # Panics
/// When it says something else.
#[track_caller]
pub fn refuses_permission(answer: &Response, one_of_required: &str) {
    let required = answer.refuses(403, "FORBIDDEN")["required"].clone();
    let names = required
        .as_array()
        .unwrap_or_else(|| panic!("no details.required in {}", answer.text));
    assert!(
        names.iter().any(|name| name == one_of_required),
        "{one_of_required} is not in {required}"
    );
}

/// The ids of items, in their order.
pub fn ids(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| text(&item["id"])).collect()
}

/// A text value.
///
/// # Panics
/// When it is no text.
#[track_caller]
pub fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}

/// Today where the properties of tests are: Portland, Maine. Near midnight it is another day than in UTC.
///
/// # Panics
/// When the zone is not in the zone database.
pub fn today() -> Date {
    let zone = Zone::parse("America/New_York").expect("a zone of the database");
    zone.local_date(OffsetDateTime::now_utc())
}

/// A date so many days from [`today`].
pub fn days_from_today(days: i64) -> String {
    iso(today() + Duration::days(days))
}

/// A date as the API writes it.
pub fn iso(date: Date) -> String {
    format!(
        "{:04}-{:02}-{:02}",
        date.year(),
        u8::from(date.month()),
        date.day()
    )
}

/// An id that nothing has.
pub fn random_id() -> String {
    Uuid::now_v7().to_string()
}
