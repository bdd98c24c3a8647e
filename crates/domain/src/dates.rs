//! Counting days: from an anchor by a number of calendar or business days, then rolled onto a business day, with every
//! step explained.
//!
//! This module counts one rule at a time. Which rule applies to which date, and in which order, is decided in
//! [`crate::cascade`].

use std::fmt;

use time::{Date, Duration};

use crate::calendar::{BusinessCalendar, Calendars, Day, FEDERAL};

/// The first year in which dates are counted.
pub const YEAR_MIN: i32 = 2000;
/// The last year in which dates are counted.
pub const YEAR_MAX: i32 = 2100;
/// The furthest that a rule may reach from its anchor, in days either way: ten years.
pub const OFFSET_DAYS_MAX: i32 = 3_660;

/// Which days an offset counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DayCount {
    /// Every day.
    Calendar,
    /// The business calendar's days only.
    Business,
}

impl DayCount {
    /// As sent: `CALENDAR` or `BUSINESS`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calendar => "CALENDAR",
            Self::Business => "BUSINESS",
        }
    }

    /// Reads the word as sent, or as the templates write it in lower case; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "CALENDAR" | "calendar" => Some(Self::Calendar),
            "BUSINESS" | "business" => Some(Self::Business),
            _ => None,
        }
    }
}

/// In which direction a date leaves a day that is no business day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// It stays.
    Stay,
    /// To the next business day.
    Next,
    /// To the business day before.
    Previous,
}

impl Direction {
    /// As sent: `NONE`, `NEXT` or `PREVIOUS`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stay => "NONE",
            Self::Next => "NEXT",
            Self::Previous => "PREVIOUS",
        }
    }

    /// Reads the word as sent, or as the templates write it (`next_business`); `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "NONE" | "none" => Some(Self::Stay),
            "NEXT" | "next_business" => Some(Self::Next),
            "PREVIOUS" | "previous_business" => Some(Self::Previous),
            _ => None,
        }
    }
}

/// How a counted date is rolled onto a business day.
///
/// The kind of the first day landed on chooses the direction, and the date then keeps it until a business day: so a
/// weekend rolled one way and a holiday rolled the other never send a date back and forth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Roll {
    /// From one of the week's days off.
    pub weekend: Direction,
    /// From a holiday.
    pub holiday: Direction,
}

impl Roll {
    /// Not at all.
    pub const NONE: Self = Self::both(Direction::Stay);
    /// To the next business day.
    pub const NEXT: Self = Self::both(Direction::Next);
    /// To the business day before.
    pub const PREVIOUS: Self = Self::both(Direction::Previous);

    /// The same direction from weekends and from holidays.
    #[must_use]
    pub const fn both(direction: Direction) -> Self {
        Self {
            weekend: direction,
            holiday: direction,
        }
    }

    const fn from(self, day: &Day<'_>) -> Direction {
        match day {
            Day::Business => Direction::Stay,
            Day::Weekend(_) => self.weekend,
            Day::Holiday { .. } => self.holiday,
        }
    }
}

/// How to get from an anchor's date to a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counting {
    /// How many days; before the anchor if negative.
    pub offset_days: i32,
    /// Which days are counted.
    pub day_count: DayCount,
    /// The key of the business calendar, for counting and for rolling.
    pub business_calendar: String,
    /// The roll after counting.
    pub roll: Roll,
}

impl Counting {
    /// So many calendar days, without a roll.
    #[must_use]
    pub fn calendar_days(offset_days: i32) -> Self {
        Self {
            offset_days,
            day_count: DayCount::Calendar,
            business_calendar: FEDERAL.to_owned(),
            roll: Roll::NONE,
        }
    }

    /// So many days of a business calendar, without a roll.
    #[must_use]
    pub fn business_days(offset_days: i32, business_calendar: &str) -> Self {
        Self {
            offset_days,
            day_count: DayCount::Business,
            business_calendar: business_calendar.to_owned(),
            roll: Roll::NONE,
        }
    }

    /// The count in a few words: `3 business days after closing (federal), rolled to the next business day`.
    #[must_use]
    pub fn describe(&self, anchor: &str) -> String {
        let days = self.offset_days.unsigned_abs();
        let unit = if days == 1 { "day" } else { "days" };
        let side = if self.offset_days < 0 {
            "before"
        } else {
            "after"
        };
        let count = match (days, self.day_count) {
            (0, _) => format!("the same day as {anchor}"),
            (_, DayCount::Calendar) => format!("{days} calendar {unit} {side} {anchor}"),
            (_, DayCount::Business) => {
                format!(
                    "{days} business {unit} {side} {anchor} ({})",
                    self.business_calendar
                )
            }
        };
        match (self.roll.weekend, self.roll.holiday) {
            (Direction::Stay, Direction::Stay) => count,
            (Direction::Next, Direction::Next) => {
                format!("{count}, rolled to the next business day")
            }
            (Direction::Previous, Direction::Previous) => {
                format!("{count}, rolled to the business day before")
            }
            (weekend, holiday) => format!(
                "{count}, rolled {} from a weekend and {} from a holiday",
                weekend.as_str(),
                holiday.as_str()
            ),
        }
    }

    /// The same count with a roll.
    #[must_use]
    pub fn rolled(self, roll: Roll) -> Self {
        Self { roll, ..self }
    }
}

/// One day that was stepped onto.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The day.
    pub date: Date,
    /// Whether it counted.
    pub counted: bool,
    /// Why: `business day`, `Saturday`, `Independence Day (observed)`.
    pub why: String,
}

/// How the counted date was rolled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollTaken {
    /// The counted date.
    pub from: Date,
    /// The business day it was rolled to.
    pub to: Date,
    /// In which direction.
    pub direction: Direction,
    /// Why the counted date could not stay.
    pub why: String,
}

/// How a date came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The date counted from.
    pub anchor: Date,
    /// Each day counted or skipped, in order. Empty for calendar days, where there is nothing to explain.
    pub steps: Vec<Step>,
    /// The roll, if there was one.
    pub roll: Option<RollTaken>,
    /// The step to the safe day, if there was one.
    pub safe: Option<SafeDay>,
    /// The date.
    pub result: Date,
}

/// Why a date lies before the day that its rule gives: counted forward from that day, the wait ends too late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafeDay {
    /// The day that stepping back from the anchor gives.
    pub from: Date,
    /// The day from which the wait is over by the anchor.
    pub to: Date,
    /// When the wait would be over, counted forward from `from`.
    pub would_end: Date,
    /// Why the anchor does not count itself: `Columbus Day`.
    pub why: String,
}

impl fmt::Display for SafeDay {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            from,
            to,
            would_end,
            why,
        } = self;
        write!(
            formatter,
            "counted forward from {from} the wait ends on {would_end}, because the day that it should end by does not \
             count ({why}): {to} is the safe day"
        )
    }
}

/// Why a date cannot be counted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    /// A date lies outside the years that are counted.
    #[error("the date lies outside the years {YEAR_MIN} to {YEAR_MAX}")]
    OutOfRange,
    /// The rule names a calendar that does not exist.
    #[error("there is no business calendar {0:?}")]
    UnknownCalendar(String),
}

/// Whether the date lies in the years that are counted.
#[must_use]
pub fn is_countable(date: Date) -> bool {
    (YEAR_MIN..=YEAR_MAX).contains(&date.year())
}

/// Counts from the anchor and explains each step. Day 0 is the anchor itself.
///
/// # Errors
/// [`DateError`] outside the years 2000 to 2100 and for an unknown calendar.
pub fn count(
    anchor: Date,
    counting: &Counting,
    calendars: &Calendars,
) -> Result<Explanation, DateError> {
    let calendar = calendars
        .get(&counting.business_calendar)
        .ok_or_else(|| DateError::UnknownCalendar(counting.business_calendar.clone()))?;
    let anchor = countable(Some(anchor))?;
    let mut steps = Vec::new();
    let counted = match counting.day_count {
        DayCount::Calendar => {
            countable(anchor.checked_add(Duration::days(i64::from(counting.offset_days))))?
        }
        DayCount::Business => {
            step_business_days(anchor, counting.offset_days, calendar, &mut steps)?
        }
    };
    let roll = roll(counted, counting.roll, calendar)?;
    let result = roll.as_ref().map_or(counted, |roll| roll.to);
    Ok(Explanation {
        anchor,
        steps,
        roll,
        safe: None,
        result,
    })
}

/// As [`count`], on the safe side: for a day before an anchor that is itself no business day.
///
/// Three business days before a Monday that is a holiday are Thursday, Friday and Saturday; but a wait of three
/// business days from that Thursday ends on Tuesday. Where the two readings differ, the day from which the wait is over
/// by the anchor is the safe one, and the explanation says so.
///
/// # Errors
/// As [`count`].
pub fn count_safely(
    anchor: Date,
    counting: &Counting,
    calendars: &Calendars,
) -> Result<Explanation, DateError> {
    let stepped_back = count(anchor, counting, calendars)?;
    if counting.day_count != DayCount::Business || counting.offset_days >= 0 {
        return Ok(stepped_back);
    }
    let calendar = &counting.business_calendar;
    let wait = Counting::business_days(-counting.offset_days, calendar);
    let would_end = match resolve(stepped_back.result, &wait, calendars) {
        Ok(would_end) if would_end > anchor => would_end,
        Ok(_) | Err(DateError::OutOfRange) => return Ok(stepped_back),
        Err(error) => return Err(error),
    };
    let one_more = Counting {
        offset_days: counting.offset_days - 1,
        ..counting.clone()
    };
    let safe = count(anchor, &one_more, calendars)?;
    let why = calendars
        .get(calendar)
        .map(|calendar| calendar.day(anchor).to_string());
    Ok(Explanation {
        safe: Some(SafeDay {
            from: stepped_back.result,
            to: safe.result,
            would_end,
            why: why.unwrap_or_default(),
        }),
        ..safe
    })
}

/// Counts from the anchor, for the date alone.
///
/// # Errors
/// As [`count`].
pub fn resolve(
    anchor: Date,
    counting: &Counting,
    calendars: &Calendars,
) -> Result<Date, DateError> {
    count(anchor, counting, calendars).map(|explanation| explanation.result)
}

fn step_business_days(
    anchor: Date,
    offset_days: i32,
    calendar: &BusinessCalendar,
    steps: &mut Vec<Step>,
) -> Result<Date, DateError> {
    let direction = if offset_days < 0 {
        Direction::Previous
    } else {
        Direction::Next
    };
    let mut left = offset_days.unsigned_abs();
    let mut date = anchor;
    while left > 0 {
        date = neighbour(date, direction)?;
        let day = calendar.day(date);
        let counted = day.is_business();
        left -= u32::from(counted);
        steps.push(Step {
            date,
            counted,
            why: day.to_string(),
        });
    }
    Ok(date)
}

fn roll(
    counted: Date,
    roll: Roll,
    calendar: &BusinessCalendar,
) -> Result<Option<RollTaken>, DateError> {
    let landed_on = calendar.day(counted);
    let direction = roll.from(&landed_on);
    if direction == Direction::Stay {
        return Ok(None);
    }
    let mut to = counted;
    while !calendar.day(to).is_business() {
        to = neighbour(to, direction)?;
    }
    Ok(Some(RollTaken {
        from: counted,
        to,
        direction,
        why: landed_on.to_string(),
    }))
}

fn neighbour(date: Date, direction: Direction) -> Result<Date, DateError> {
    countable(match direction {
        Direction::Stay => Some(date),
        Direction::Next => date.next_day(),
        Direction::Previous => date.previous_day(),
    })
}

fn countable(date: Option<Date>) -> Result<Date, DateError> {
    date.filter(|date| is_countable(*date))
        .ok_or(DateError::OutOfRange)
}

#[cfg(test)]
mod tests;
