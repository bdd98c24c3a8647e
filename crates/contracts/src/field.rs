//! Ids, dates and instants as they are written in messages, and back.
//!
//! Messages carry them as text, so that `event_outbox.event_data` can be read by people; a text that is
//! not what it should be is [`Malformed`], never a panic.

use std::ops::RangeInclusive;

use time::{
    Date, OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339,
    macros::format_description,
};
use uuid::Uuid;

/// A message that is not what it claims to be. No retry will mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed message: {field}: {problem}")]
pub struct Malformed {
    /// The field at fault.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl Malformed {
    /// Names a field and what is wrong with it.
    pub fn new(field: &'static str, problem: impl ToString) -> Self {
        Self {
            field,
            problem: problem.to_string(),
        }
    }
}

/// Reads a UUID.
pub fn uuid(field: &'static str, text: &str) -> Result<Uuid, Malformed> {
    Uuid::try_parse(text).map_err(|error| Malformed::new(field, error))
}

/// Reads a UUID that may be absent.
pub fn optional_uuid(field: &'static str, text: Option<&str>) -> Result<Option<Uuid>, Malformed> {
    text.map(|text| uuid(field, text)).transpose()
}

/// The years a date, and an instant in UTC, may be in: those that ISO 8601 writes with four digits, and that every
/// arithmetic here and in the database can be done with.
pub const YEARS: RangeInclusive<i32> = 1..=9_999;
/// `YYYY-MM-DD`, in bytes: a sign in front of the year is none of it.
const DATE_BYTES: usize = 10;

/// Reads a calendar date, `YYYY-MM-DD`.
pub fn date(field: &'static str, text: &str) -> Result<Date, Malformed> {
    let date = Date::parse(text, format_description!("[year]-[month]-[day]"))
        .map_err(|error| Malformed::new(field, error))?;
    if text.len() == DATE_BYTES && YEARS.contains(&date.year()) {
        Ok(date)
    } else {
        Err(Malformed::new(field, "its year is not 0001 to 9999"))
    }
}

/// Reads a calendar date that may be absent.
pub fn optional_date(field: &'static str, text: Option<&str>) -> Result<Option<Date>, Malformed> {
    text.map(|text| date(field, text)).transpose()
}

/// Reads an instant, RFC 3339, in UTC. One whose year in UTC cannot be written is malformed.
pub fn instant(field: &'static str, text: &str) -> Result<OffsetDateTime, Malformed> {
    let instant =
        OffsetDateTime::parse(text, &Rfc3339).map_err(|error| Malformed::new(field, error))?;
    instant
        .checked_to_offset(UtcOffset::UTC)
        .filter(|utc| YEARS.contains(&utc.year()))
        .ok_or_else(|| Malformed::new(field, "its year in UTC is not 1 to 9999"))
}

/// Reads an instant that may be absent.
pub fn optional_instant(
    field: &'static str,
    text: Option<&str>,
) -> Result<Option<OffsetDateTime>, Malformed> {
    text.map(|text| instant(field, text)).transpose()
}

/// Writes a calendar date, `YYYY-MM-DD`.
pub fn date_text(date: Date) -> String {
    format!(
        "{:04}-{:02}-{:02}",
        date.year(),
        u8::from(date.month()),
        date.day()
    )
}

/// Writes an instant: RFC 3339 in UTC with milliseconds, `2026-03-02T14:05:00.000Z`.
pub fn instant_text(instant: OffsetDateTime) -> String {
    let utc = instant.to_offset(UtcOffset::UTC);
    let (hour, minute, second, millisecond) = utc.to_hms_milli();
    format!(
        "{}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z",
        date_text(utc.date())
    )
}

#[cfg(test)]
mod tests {
    use time::macros::{date as a_date, datetime};

    use super::*;

    #[test]
    fn instants_are_written_in_utc_with_milliseconds() {
        let text = instant_text(datetime!(2026-03-02 09:05:00.0019 -5));
        assert_eq!(text, "2026-03-02T14:05:00.001Z");
        assert_eq!(
            instant("at", &text),
            Ok(datetime!(2026-03-02 14:05:00.001 UTC))
        );
    }

    #[test]
    fn dates_survive_the_round_trip() {
        assert_eq!(
            date("day", &date_text(a_date!(2000 - 02 - 29))),
            Ok(a_date!(2000 - 02 - 29))
        );
    }

    #[test]
    fn an_instant_that_leaves_the_calendar_in_utc_is_malformed() {
        for text in [
            "9999-12-31T23:59:59-23:59",
            "0000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+00:01",
        ] {
            assert_eq!(instant("at", text).unwrap_err().field, "at", "{text}");
        }
        for text in [
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00Z",
            "1970-01-01T00:00:00+14:00",
        ] {
            let instant = instant("at", text).unwrap();
            assert_eq!(instant.offset(), UtcOffset::UTC, "{text}");
        }
    }

    #[test]
    fn anything_else_is_malformed() {
        for text in [
            "2026-02-30",
            "0000-01-01",
            "-0001-01-01",
            "+2026-03-02",
            "2026-3-2",
        ] {
            assert_eq!(date("day", text).unwrap_err().field, "day", "{text}");
        }
        assert_eq!(
            instant("at", "2026-03-02T14:05:00").unwrap_err().field,
            "at"
        );
        assert_eq!(uuid("id", "7").unwrap_err().field, "id");
    }
}
