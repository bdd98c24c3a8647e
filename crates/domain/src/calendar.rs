//! Business calendars: which days count, and why the others do not.
//!
//! Two are built in: `federal` (Monday to Friday less the federal holidays on their observed day) and `reg_z_specific`
//! (every day but Sundays and the federal holidays on their actual day). Organizations add calendars and holidays of
//! their own. Counting and rolling with them is done in [`crate::dates`].

use std::{borrow::Cow, collections::BTreeMap, fmt};

use time::{Date, Month, Weekday};

/// The key of the calendar that counts when a rule names none.
pub const FEDERAL: &str = "federal";
/// The key of the calendar of Regulation Z's specific business day.
pub const REG_Z_SPECIFIC: &str = "reg_z_specific";

/// On which day of the year a holiday falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolidayRule {
    /// On one day only.
    Once(Date),
    /// On the same day every year; 29 February in leap years only.
    Yearly {
        /// The month.
        month: Month,
        /// The day of the month.
        day: u8,
    },
    /// On the nth of a weekday in a month, counted from 1.
    Nth {
        /// Which one.
        nth: u8,
        /// The weekday.
        weekday: Weekday,
        /// The month.
        month: Month,
    },
    /// On the last of a weekday in a month.
    Last {
        /// The weekday.
        weekday: Weekday,
        /// The month.
        month: Month,
    },
}

impl HolidayRule {
    fn falls_on(self, date: Date) -> bool {
        match self {
            Self::Once(day) => date == day,
            Self::Yearly { month, day } => date.month() == month && date.day() == day,
            Self::Nth {
                nth,
                weekday,
                month,
            } => {
                date.month() == month
                    && date.weekday() == weekday
                    && (date.day() - 1) / 7 + 1 == nth
            }
            Self::Last { weekday, month } => {
                let month_length = month.length(date.year());
                date.month() == month && date.weekday() == weekday && date.day() + 7 > month_length
            }
        }
    }
}

/// On which day a holiday that falls on a weekend is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observance {
    /// On its own day, whatever that is.
    Actual,
    /// On the Friday before a Saturday, or the Monday after a Sunday.
    NearestWeekday,
}

/// A day on which no business is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holiday {
    /// What it is called.
    pub name: Cow<'static, str>,
    /// On which day it falls.
    pub rule: HolidayRule,
    /// On which day it is kept.
    pub observance: Observance,
    /// The first day on which it could fall, if it has not always been.
    pub from: Option<Date>,
    /// The last day on which it could fall, if it was given up.
    pub until: Option<Date>,
}

impl Holiday {
    fn falls_on(&self, date: Date) -> bool {
        self.rule.falls_on(date)
            && self.from.is_none_or(|from| from <= date)
            && self.until.is_none_or(|until| date <= until)
    }

    /// Whether the day is kept as this holiday, on its own day or instead of it.
    fn kept_on(&self, date: Date) -> Option<Kept> {
        if self.falls_on(date) {
            return Some(Kept::Actual);
        }
        let instead = match (self.observance, date.weekday()) {
            (Observance::NearestWeekday, Weekday::Friday) => date.next_day(),
            (Observance::NearestWeekday, Weekday::Monday) => date.previous_day(),
            _ => None,
        };
        instead
            .filter(|actual| self.falls_on(*actual))
            .map(|_| Kept::Observed)
    }
}

enum Kept {
    Actual,
    Observed,
}

/// What a calendar says of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Day<'a> {
    /// It counts.
    Business,
    /// It is one of the week's days off.
    Weekend(Weekday),
    /// A holiday of this name is kept on it, on its own day or (`observed`) instead of it.
    Holiday {
        /// The holiday.
        name: &'a str,
        /// Whether it is kept instead of the actual day.
        observed: bool,
    },
}

impl Day<'_> {
    /// Whether the day counts.
    #[must_use]
    pub const fn is_business(&self) -> bool {
        matches!(self, Self::Business)
    }
}

/// Why the day counts or not, in a few words: `business day`, `Saturday`, `Independence Day (observed)`.
impl fmt::Display for Day<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Business => formatter.write_str("business day"),
            Self::Weekend(weekday) => write!(formatter, "{weekday}"),
            Self::Holiday {
                name,
                observed: false,
            } => formatter.write_str(name),
            Self::Holiday {
                name,
                observed: true,
            } => write!(formatter, "{name} (observed)"),
        }
    }
}

/// A rule for which days are business days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusinessCalendar {
    key: String,
    days_off: Vec<Weekday>,
    holidays: Vec<Holiday>,
}

impl BusinessCalendar {
    /// A calendar of an organization's own. At least one day of the week must be a business day.
    #[must_use]
    pub fn new(
        key: impl Into<String>,
        days_off: &[Weekday],
        holidays: Vec<Holiday>,
    ) -> Option<Self> {
        let has_business_days = WEEK.iter().any(|weekday| !days_off.contains(weekday));
        has_business_days.then(|| Self {
            key: key.into(),
            days_off: days_off.to_vec(),
            holidays,
        })
    }

    /// Monday to Friday, less the federal holidays on their observed day.
    #[must_use]
    pub fn federal() -> Self {
        Self {
            key: FEDERAL.to_owned(),
            days_off: vec![Weekday::Saturday, Weekday::Sunday],
            holidays: federal_holidays(Observance::NearestWeekday),
        }
    }

    /// Monday to Saturday, less the federal holidays on their actual day.
    #[must_use]
    pub fn reg_z_specific() -> Self {
        Self {
            key: REG_Z_SPECIFIC.to_owned(),
            days_off: vec![Weekday::Sunday],
            holidays: federal_holidays(Observance::Actual),
        }
    }

    /// The calendar's key, as rules name it.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// What the calendar says of a day.
    #[must_use]
    pub fn day(&self, date: Date) -> Day<'_> {
        if self.days_off.contains(&date.weekday()) {
            return Day::Weekend(date.weekday());
        }
        self.holidays
            .iter()
            .find_map(|holiday| holiday.kept_on(date).map(|kept| (holiday, kept)))
            .map_or(Day::Business, |(holiday, kept)| Day::Holiday {
                name: &holiday.name,
                observed: matches!(kept, Kept::Observed),
            })
    }
}

/// The calendars that rules may name: the built-in ones and an organization's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendars {
    by_key: BTreeMap<String, BusinessCalendar>,
}

impl Calendars {
    /// The built-in calendars.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            by_key: BTreeMap::new(),
        }
        .with(BusinessCalendar::federal())
        .with(BusinessCalendar::reg_z_specific())
    }

    /// One calendar more; it takes the place of one with the same key.
    #[must_use]
    pub fn with(mut self, calendar: BusinessCalendar) -> Self {
        self.by_key.insert(calendar.key.clone(), calendar);
        self
    }

    /// More holidays in a calendar; without effect for an unknown key.
    #[must_use]
    pub fn with_holidays(mut self, key: &str, holidays: Vec<Holiday>) -> Self {
        if let Some(calendar) = self.by_key.get_mut(key) {
            calendar.holidays.extend(holidays);
        }
        self
    }

    /// The calendar of this key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&BusinessCalendar> {
        self.by_key.get(key)
    }
}

impl Default for Calendars {
    fn default() -> Self {
        Self::standard()
    }
}

const WEEK: [Weekday; 7] = [
    Weekday::Monday,
    Weekday::Tuesday,
    Weekday::Wednesday,
    Weekday::Thursday,
    Weekday::Friday,
    Weekday::Saturday,
    Weekday::Sunday,
];

/// The legal public holidays of 5 U.S.C. 6103(a).
fn federal_holidays(observance: Observance) -> Vec<Holiday> {
    let yearly = |month, day| HolidayRule::Yearly { month, day };
    let nth = |nth, weekday, month| HolidayRule::Nth {
        nth,
        weekday,
        month,
    };
    let holiday = |name, rule| Holiday {
        name: Cow::Borrowed(name),
        rule,
        observance,
        from: None,
        until: None,
    };
    let juneteenth = Holiday {
        from: Date::from_calendar_date(2021, Month::June, 19).ok(),
        ..holiday("Juneteenth", yearly(Month::June, 19))
    };
    vec![
        holiday("New Year's Day", yearly(Month::January, 1)),
        holiday(
            "Martin Luther King Jr. Day",
            nth(3, Weekday::Monday, Month::January),
        ),
        holiday(
            "Washington's Birthday",
            nth(3, Weekday::Monday, Month::February),
        ),
        holiday(
            "Memorial Day",
            HolidayRule::Last {
                weekday: Weekday::Monday,
                month: Month::May,
            },
        ),
        juneteenth,
        holiday("Independence Day", yearly(Month::July, 4)),
        holiday("Labor Day", nth(1, Weekday::Monday, Month::September)),
        holiday("Columbus Day", nth(2, Weekday::Monday, Month::October)),
        holiday("Veterans Day", yearly(Month::November, 11)),
        holiday(
            "Thanksgiving Day",
            nth(4, Weekday::Thursday, Month::November),
        ),
        holiday("Christmas Day", yearly(Month::December, 25)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::date;

    fn why(calendar: &BusinessCalendar, date: Date) -> String {
        calendar.day(date).to_string()
    }

    #[test]
    fn federal_holidays_are_kept_on_their_observed_day() {
        let federal = BusinessCalendar::federal();
        let cases = [
            (
                date!(2026 - 07 - 03),
                "Independence Day (observed)",
                "4 July 2026 is a Saturday",
            ),
            (
                date!(2027 - 07 - 05),
                "Independence Day (observed)",
                "4 July 2027 is a Sunday",
            ),
            (
                date!(2021 - 12 - 31),
                "New Year's Day (observed)",
                "1 January 2022 is a Saturday, the year before",
            ),
            (
                date!(2100 - 12 - 31),
                "New Year's Day (observed)",
                "1 January 2101 is a Saturday",
            ),
            (
                date!(2023 - 01 - 02),
                "New Year's Day (observed)",
                "1 January 2023 is a Sunday",
            ),
            (
                date!(2026 - 01 - 19),
                "Martin Luther King Jr. Day",
                "the third Monday",
            ),
            (
                date!(2026 - 02 - 16),
                "Washington's Birthday",
                "the third Monday",
            ),
            (date!(2026 - 05 - 25), "Memorial Day", "the last Monday"),
            (date!(2026 - 09 - 07), "Labor Day", "the first Monday"),
            (date!(2026 - 10 - 12), "Columbus Day", "the second Monday"),
            (
                date!(2026 - 11 - 26),
                "Thanksgiving Day",
                "the fourth Thursday",
            ),
            (
                date!(2026 - 11 - 27),
                "business day",
                "the day after Thanksgiving counts",
            ),
        ];
        for (date, expected, reason) in cases {
            assert_eq!(why(&federal, date), expected, "{date}: {reason}");
        }
    }

    #[test]
    fn juneteenth_counts_from_2021() {
        let federal = BusinessCalendar::federal();
        assert_eq!(why(&federal, date!(2020 - 06 - 19)), "business day");
        assert_eq!(
            why(&federal, date!(2021 - 06 - 18)),
            "Juneteenth (observed)"
        );
        assert_eq!(why(&federal, date!(2026 - 06 - 19)), "Juneteenth");
        assert_eq!(
            why(&BusinessCalendar::reg_z_specific(), date!(2021 - 06 - 19)),
            "Juneteenth"
        );
    }

    #[test]
    fn regulation_z_counts_saturdays_and_keeps_holidays_on_their_actual_day() {
        let calendar = BusinessCalendar::reg_z_specific();
        assert_eq!(why(&calendar, date!(2026 - 07 - 03)), "business day");
        assert_eq!(why(&calendar, date!(2026 - 07 - 04)), "Independence Day");
        assert_eq!(
            why(&calendar, date!(2026 - 03 - 07)),
            "business day",
            "a Saturday"
        );
        assert_eq!(why(&calendar, date!(2026 - 03 - 08)), "Sunday");
        assert_eq!(
            why(&calendar, date!(2027 - 07 - 05)),
            "business day",
            "the Monday after a Sunday holiday"
        );
    }

    #[test]
    fn an_organization_adds_holidays_that_hold_for_a_time() {
        let closed = Holiday {
            name: "Cesar Chavez Day".into(),
            rule: HolidayRule::Yearly {
                month: Month::March,
                day: 31,
            },
            observance: Observance::Actual,
            from: Some(date!(2026 - 01 - 01)),
            until: Some(date!(2027 - 12 - 31)),
        };
        let calendars = Calendars::standard().with_holidays(FEDERAL, vec![closed]);
        let federal = calendars.get(FEDERAL).unwrap();
        let business: Vec<_> = [2025, 2026, 2027, 2028]
            .map(|year| Date::from_calendar_date(year, Month::March, 31).unwrap())
            .map(|date| federal.day(date).is_business())
            .to_vec();
        assert_eq!(business, [true, false, false, true]);
    }

    #[test]
    fn a_calendar_without_business_days_is_refused() {
        assert!(BusinessCalendar::new("never", &WEEK, Vec::new()).is_none());
    }

    proptest! {
        #[test]
        fn a_federal_year_has_ten_or_eleven_holidays_on_weekdays(year in 2000..=2100_i32) {
            let federal = BusinessCalendar::federal();
            let first = Date::from_calendar_date(year, Month::January, 1).unwrap();
            let holidays = (0..i64::from(time::util::days_in_year(year)))
                .map(|day| first + time::Duration::days(day))
                .filter(|date| matches!(federal.day(*date), Day::Holiday { .. }))
                .count();
            // A New Year's Day on a Saturday is kept in the year before: one less in one, one more in the other.
            let usual: usize = if year < 2021 { 10 } else { 11 };
            prop_assert!(holidays.abs_diff(usual) <= 1, "{} holidays in {}", holidays, year);
        }
    }
}
