//! An organization's own business holidays, as it writes them.

use anyhow::Context as _;
use contracts::field;
use platform::http::Fields;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::Date;
use utoipa::ToSchema;

/// Most holidays of one organization.
const HOLIDAYS_MAX: usize = 200;

/// Business holidays of an organization's own, counted beside the federal ones. Deals that are running keep the dates
/// they have; a new calendar counts in them once somebody moves their key dates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HolidayCalendar {
    /// What the calendar is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "County recorder")]
    pub name: Option<String>,
    /// The days on which no business is done.
    pub holidays: Vec<Holiday>,
}

/// One holiday.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Holiday {
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Patriots' Day")]
    pub name: Option<String>,
    /// The day; of a yearly one, in any year.
    #[schema(value_type = String, format = Date, example = "2026-04-20")]
    pub date: Day,
    /// Whether it comes back every year on this day.
    #[serde(default)]
    pub yearly: bool,
    /// Of a yearly one: the first day on which it could fall.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub from: Option<Day>,
    /// Of a yearly one: the last day on which it could fall.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Day>,
}

/// A calendar date, written `YYYY-MM-DD` and in no other way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(Date);

impl TryFrom<String> for Day {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let date = field::date("date", &text).map_err(|_| "expected a date, YYYY-MM-DD")?;
        Ok(Self(date))
    }
}

impl From<Day> for String {
    fn from(Day(date): Day) -> Self {
        field::date_text(date)
    }
}

impl HolidayCalendar {
    /// Reads what is stored.
    pub fn restore(stored: Option<Value>) -> anyhow::Result<Option<Self>> {
        let stored = stored.map(serde_json::from_value).transpose();
        stored.context("read a holiday calendar")
    }

    /// Notes what is wrong with it.
    pub fn check(&self, fields: &mut Fields) {
        fields
            .optional_text("holidayCalendar.name", self.name.as_deref(), 1..=200)
            .at_most(
                "holidayCalendar.holidays",
                self.holidays.len(),
                HOLIDAYS_MAX,
            );
        for (place, holiday) in self.holidays.iter().enumerate() {
            let path = format!("holidayCalendar.holidays.{place}");
            fields.optional_text(&format!("{path}.name"), holiday.name.as_deref(), 1..=200);
            let bounded = holiday.from.is_some() || holiday.until.is_some();
            fields.check(
                holiday.yearly || !bounded,
                format!("{path}.from"),
                "yearly",
                "bounds a yearly holiday only",
            );
            let ordered = holiday
                .from
                .zip(holiday.until)
                .is_none_or(|(from, until)| from <= until);
            fields.check(
                ordered,
                format!("{path}.until"),
                "range",
                "must not be before from",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::rejection::Rejection;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_calendar_is_written_as_it_was_read() {
        let written = json!({"name": "County", "holidays": [
            {"date": "2026-04-20", "yearly": true, "from": "2000-01-01"},
            {"name": "Flood", "date": "2026-05-04", "yearly": false}
        ]});
        let calendar: HolidayCalendar = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(serde_json::to_value(&calendar).unwrap(), written);
    }

    #[test]
    fn only_the_usual_form_is_a_date() {
        for odd in [
            json!("2026-02-30"),
            json!("20 April 2026"),
            json!([2026, 110]),
        ] {
            let calendar = json!({"holidays": [{"date": odd}]});
            assert!(
                serde_json::from_value::<HolidayCalendar>(calendar).is_err(),
                "{odd}"
            );
        }
    }

    #[test]
    fn a_calendar_has_at_most_200_holidays() {
        let checked = |count: usize| {
            let holidays = vec![json!({"date": "2026-04-20"}); count];
            let calendar = json!({ "holidays": holidays });
            let calendar: HolidayCalendar = serde_json::from_value(calendar).unwrap();
            let mut fields = Fields::new();
            calendar.check(&mut fields);
            fields.finish()
        };
        assert_eq!(checked(200), Ok(()));
        let Err(Rejection::Validation { errors }) = checked(201) else {
            panic!("more are refused");
        };
        let refused: Vec<_> = errors
            .iter()
            .map(|error| (error.field.as_str(), error.constraint.as_str()))
            .collect();
        assert_eq!(refused, [("holidayCalendar.holidays", "max_items")]);
    }
}
