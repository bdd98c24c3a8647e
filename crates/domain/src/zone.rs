//! Time zones: which instant a calendar date and a time of day mean at the property, and back.
//!
//! The zone rules are bundled with the program, so that the same deal gives the same instants on every machine. The
//! module never asks for the present time.

use std::{fmt, sync::LazyLock};

use jiff::{
    Timestamp, civil,
    tz::{TimeZone, TimeZoneDatabase},
};
use time::{Date, OffsetDateTime, Time};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// The last minute of the day: when a key date without a time of day ends.
pub const DEFAULT_DEADLINE: Time = match Time::from_hms(23, 59, 0) {
    Ok(time) => time,
    Err(_) => Time::MIDNIGHT,
};

/// The zone of an organization that never chose one.
pub const DEFAULT_ZONE: &str = "America/New_York";

/// A known IANA time zone.
#[derive(Clone)]
pub struct Zone {
    name: String,
    rules: TimeZone,
}

/// What is wrong with a zone or with an instant in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// The name is not an IANA time zone.
    #[error("{0:?} is not a time zone")]
    Unknown(String),
    /// The date lies outside what can be counted.
    #[error("{0} lies outside the years that can be counted")]
    OutOfRange(Date),
}

impl Zone {
    /// Reads an IANA zone name such as `America/Chicago`; only the exact spelling is accepted.
    ///
    /// # Errors
    /// [`ZoneError::Unknown`] for anything that is not a zone.
    pub fn parse(name: &str) -> Result<Self, ZoneError> {
        let unknown = || ZoneError::Unknown(name.chars().take(64).collect());
        let rules = ZONES.get(name).map_err(|_| unknown())?;
        // The look-up ignores case; stored names must be the canonical spelling, which every other tool knows.
        if rules.iana_name() != Some(name) {
            return Err(unknown());
        }
        Ok(Self {
            name: name.to_owned(),
            rules,
        })
    }

    /// The IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The calendar date that it is here at this instant.
    #[must_use]
    pub fn local_date(&self, instant: OffsetDateTime) -> Date {
        Timestamp::new(instant.unix_timestamp(), 0)
            .ok()
            .map(|timestamp| self.rules.to_datetime(timestamp).date())
            .and_then(time_date)
            .unwrap_or_else(|| instant.date())
    }

    /// The deadline of a key date: its time of day, or 23:59, here.
    ///
    /// A time that the clock skips is moved forward by the skipped span; of a time that comes twice the later counts.
    ///
    /// # Errors
    /// [`ZoneError::OutOfRange`] at the ends of the calendar.
    pub fn deadline(
        &self,
        date: Date,
        time_of_day: Option<Time>,
    ) -> Result<OffsetDateTime, ZoneError> {
        self.instant(
            date,
            time_of_day.unwrap_or(DEFAULT_DEADLINE),
            Repeated::Later,
        )
    }

    /// The instant from which a task due then is overdue: its time of day, or 00:00 of the following day, here.
    ///
    /// # Errors
    /// [`ZoneError::OutOfRange`] at the ends of the calendar.
    pub fn overdue_from(
        &self,
        date: Date,
        time_of_day: Option<Time>,
    ) -> Result<OffsetDateTime, ZoneError> {
        match time_of_day {
            Some(time) => self.instant(date, time, Repeated::Later),
            None => self.start_of(date.next_day().ok_or(ZoneError::OutOfRange(date))?),
        }
    }

    /// The first instant of the day here.
    ///
    /// # Errors
    /// [`ZoneError::OutOfRange`] at the ends of the calendar.
    pub fn start_of(&self, date: Date) -> Result<OffsetDateTime, ZoneError> {
        self.instant(date, Time::MIDNIGHT, Repeated::Earlier)
    }

    /// A time of day here.
    ///
    /// # Errors
    /// [`ZoneError::OutOfRange`] at the ends of the calendar.
    pub fn at(&self, date: Date, time: Time) -> Result<OffsetDateTime, ZoneError> {
        self.instant(date, time, Repeated::Earlier)
    }

    fn instant(
        &self,
        date: Date,
        time: Time,
        repeated: Repeated,
    ) -> Result<OffsetDateTime, ZoneError> {
        let resolve = || {
            let local = civil_date(date)?.at(
                i8::try_from(time.hour()).ok()?,
                i8::try_from(time.minute()).ok()?,
                i8::try_from(time.second()).ok()?,
                0,
            );
            let ambiguous = self.rules.to_ambiguous_timestamp(local);
            let timestamp = match repeated {
                Repeated::Earlier => ambiguous.compatible(),
                Repeated::Later => ambiguous.later(),
            };
            OffsetDateTime::from_unix_timestamp(timestamp.ok()?.as_second()).ok()
        };
        resolve().ok_or(ZoneError::OutOfRange(date))
    }
}

/// Which instant a clock time means that comes twice in one night.
#[derive(Clone, Copy)]
enum Repeated {
    Earlier,
    Later,
}

fn civil_date(date: Date) -> Option<civil::Date> {
    let year = i16::try_from(date.year()).ok()?;
    let month = i8::try_from(u8::from(date.month())).ok()?;
    civil::Date::new(year, month, i8::try_from(date.day()).ok()?).ok()
}

fn time_date(date: civil::Date) -> Option<Date> {
    let month = time::Month::try_from(u8::try_from(date.month()).ok()?).ok()?;
    Date::from_calendar_date(
        i32::from(date.year()),
        month,
        u8::try_from(date.day()).ok()?,
    )
    .ok()
}

impl fmt::Debug for Zone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Zone({})", self.name)
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Zone {}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::{date, datetime, time};

    fn zone(name: &str) -> Zone {
        Zone::parse(name).unwrap()
    }

    #[test]
    fn only_an_exact_zone_name_is_a_zone() {
        for name in [
            "",
            "america/new_york",
            "EST5EDT4",
            "Mars/Olympus",
            "../etc/passwd",
            "America/New_York ",
        ] {
            assert!(Zone::parse(name).is_err(), "{name:?} was accepted");
        }
        for name in [
            "America/New_York",
            "Pacific/Honolulu",
            "America/Phoenix",
            "UTC",
            "Asia/Kathmandu",
        ] {
            assert_eq!(zone(name).name(), name);
        }
    }

    #[test]
    fn a_task_is_overdue_from_the_start_of_the_next_day_where_the_property_stands() {
        let cases = [
            (
                "America/New_York",
                date!(2026 - 03 - 06),
                datetime!(2026-03-07 05:00 UTC),
                "winter time",
            ),
            (
                "America/New_York",
                date!(2026 - 03 - 08),
                datetime!(2026-03-09 04:00 UTC),
                "the day the clock goes forward",
            ),
            (
                "America/New_York",
                date!(2026 - 11 - 01),
                datetime!(2026-11-02 05:00 UTC),
                "the day the clock goes back",
            ),
            (
                "Pacific/Honolulu",
                date!(2026 - 07 - 04),
                datetime!(2026-07-05 10:00 UTC),
                "no summer time at all",
            ),
            (
                "America/Phoenix",
                date!(2026 - 07 - 04),
                datetime!(2026-07-05 07:00 UTC),
                "no summer time in Arizona",
            ),
        ];
        for (name, due, expected, reason) in cases {
            assert_eq!(zone(name).overdue_from(due, None), Ok(expected), "{reason}");
        }
    }

    #[test]
    fn a_time_that_the_clock_skips_is_moved_forward_and_one_that_comes_twice_is_the_later() {
        let new_york = zone("America/New_York");
        let skipped = new_york.overdue_from(date!(2026 - 03 - 08), Some(time!(02:30)));
        assert_eq!(
            skipped,
            Ok(datetime!(2026-03-08 07:30 UTC)),
            "02:30 becomes 03:30 summer time"
        );
        let repeated = new_york.overdue_from(date!(2026 - 11 - 01), Some(time!(01:30)));
        assert_eq!(
            repeated,
            Ok(datetime!(2026-11-01 06:30 UTC)),
            "the second 01:30, in winter time"
        );
    }

    #[test]
    fn a_key_date_without_a_time_ends_a_minute_before_midnight() {
        assert_eq!(
            zone("America/Chicago").deadline(date!(2026 - 06 - 01), None),
            Ok(datetime!(2026-06-02 04:59 UTC))
        );
    }

    #[test]
    fn the_local_date_follows_the_zone() {
        let instant = datetime!(2026-07-01 03:00 UTC);
        assert_eq!(
            zone("America/New_York").local_date(instant),
            date!(2026 - 06 - 30)
        );
        assert_eq!(zone("UTC").local_date(instant), date!(2026 - 07 - 01));
        assert_eq!(
            zone("Pacific/Kiritimati").local_date(instant),
            date!(2026 - 07 - 01)
        );
    }

    #[test]
    fn a_midnight_that_does_not_exist_is_the_first_instant_of_the_day() {
        // In Havana the clock goes forward at midnight.
        assert_eq!(
            zone("America/Havana").start_of(date!(2026 - 03 - 08)),
            Ok(datetime!(2026-03-08 05:00 UTC))
        );
    }

    #[test]
    fn the_ends_of_the_calendar_are_refused_without_a_panic() {
        assert!(zone("UTC").overdue_from(Date::MAX, None).is_err());
        assert_eq!(
            zone("UTC").local_date(OffsetDateTime::UNIX_EPOCH),
            date!(1970 - 01 - 01)
        );
    }
}
