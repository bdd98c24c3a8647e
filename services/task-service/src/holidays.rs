//! The holidays that an organization keeps beside the federal ones, and the business calendars that follow.
//!
//! user-service keeps the calendar and checks it; here it is only read. A deal's key dates carry the calendar that they
//! were counted with, so that each can be explained, and none moves before somebody moves dates.

use std::borrow::Cow;

use anyhow::Context as _;
use contracts::field;
use domain::calendar::{Calendars, FEDERAL, Holiday, HolidayRule, Observance};
use serde::Deserialize;
use serde_json::Value;
use time::Date;

/// What a holiday is called that has no name, in a calendar without one.
const UNNAMED: &str = "holiday of the organization";

/// An organization's calendar as it was at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holidays {
    /// As the organization wrote it.
    written: Option<Value>,
    calendars: Calendars,
}

impl Holidays {
    /// No other holidays than the federal ones.
    pub(crate) fn none() -> Self {
        Self {
            written: None,
            calendars: Calendars::standard(),
        }
    }

    /// Reads a calendar as it is stored.
    pub(crate) fn restore(written: Option<Value>) -> anyhow::Result<Self> {
        let Some(written) = written.filter(|written| !written.is_null()) else {
            return Ok(Self::none());
        };
        let calendar = WrittenCalendar::deserialize(&written).context("read a holiday calendar")?;
        let name = calendar.name.as_deref().unwrap_or(UNNAMED);
        let holidays: anyhow::Result<Vec<Holiday>> = calendar
            .holidays
            .iter()
            .map(|holiday| holiday.restore(name))
            .collect();
        Ok(Self {
            written: Some(written),
            calendars: Calendars::standard().with_holidays(FEDERAL, holidays?),
        })
    }

    /// The calendar as the organization wrote it.
    pub(crate) fn written(&self) -> Option<&Value> {
        self.written.as_ref()
    }

    /// The calendars that rules may name. The organization's holidays extend `federal`; only the statute says what a
    /// business day of Regulation Z is.
    pub(crate) fn calendars(&self) -> &Calendars {
        &self.calendars
    }
}

#[derive(Deserialize)]
struct WrittenCalendar {
    name: Option<String>,
    holidays: Vec<WrittenHoliday>,
}

#[derive(Deserialize)]
struct WrittenHoliday {
    name: Option<String>,
    date: String,
    #[serde(default)]
    yearly: bool,
    from: Option<String>,
    until: Option<String>,
}

impl WrittenHoliday {
    /// On its own day, without observance rules: an organization enters the days on which it is closed.
    fn restore(&self, calendar_name: &str) -> anyhow::Result<Holiday> {
        let day = date(&self.date)?;
        let rule = if self.yearly {
            HolidayRule::Yearly {
                month: day.month(),
                day: day.day(),
            }
        } else {
            HolidayRule::Once(day)
        };
        let name = self.name.as_deref().unwrap_or(calendar_name);
        Ok(Holiday {
            name: Cow::Owned(name.to_owned()),
            rule,
            observance: Observance::Actual,
            from: self.from.as_deref().map(date).transpose()?,
            until: self.until.as_deref().map(date).transpose()?,
        })
    }
}

fn date(text: &str) -> anyhow::Result<Date> {
    field::date("date", text).context("read a date of a holiday calendar")
}

#[cfg(test)]
mod tests {
    use domain::calendar::REG_Z_SPECIFIC;
    use serde_json::json;
    use time::macros::date;

    use super::*;

    fn day(calendar: Value, key: &str, date: Date) -> String {
        let holidays = Holidays::restore(Some(calendar)).unwrap();
        holidays.calendars().get(key).unwrap().day(date).to_string()
    }

    #[test]
    fn holidays_extend_the_federal_calendar_and_not_the_statutory_one() {
        let calendar = || json!({"holidays": [{"date": "2026-04-20", "name": "Patriots' Day"}]});
        let closed = date!(2026 - 04 - 20);
        assert_eq!(day(calendar(), FEDERAL, closed), "Patriots' Day");
        assert_eq!(day(calendar(), REG_Z_SPECIFIC, closed), "business day");
        assert_eq!(
            day(calendar(), FEDERAL, date!(2027 - 04 - 20)),
            "business day"
        );
    }

    #[test]
    fn a_yearly_holiday_comes_back_within_its_bounds() {
        let calendar = || {
            json!({"name": "County recorder", "holidays": [
                {"date": "2000-12-23", "yearly": true, "from": "2026-01-01", "until": "2027-12-31"}
            ]})
        };
        let said = |date| day(calendar(), FEDERAL, date);
        assert_eq!(said(date!(2025 - 12 - 23)), "business day");
        assert_eq!(said(date!(2026 - 12 - 23)), "County recorder");
        assert_eq!(said(date!(2027 - 12 - 23)), "County recorder");
        assert_eq!(said(date!(2030 - 12 - 23)), "business day");
    }

    #[test]
    fn without_a_calendar_the_standard_ones_count() {
        for nothing in [None, Some(Value::Null)] {
            assert_eq!(Holidays::restore(nothing).unwrap(), Holidays::none());
        }
    }
}
