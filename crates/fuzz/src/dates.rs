//! Dates, instants and zones as texts, and the counting of days: `2026-03-02 -15 business NEXT PREVIOUS federal`.

use contracts::field;
use domain::{
    calendar::Calendars,
    dates::{Counting, DayCount, Direction, Roll, count, is_countable},
    zone::Zone,
};
use time::{Date, OffsetDateTime, UtcOffset};

use crate::cost::Allowance;

const TEXTS: Allowance = Allowance {
    memory: (100_000, 8),
    steps: (500, 2),
};

/// Days stepped onto, at most: those of the years that are counted.
const STEPS_MAX: usize = 101 * 366;
/// Days stepped onto for each day counted, at most: no calendar has more days off than that in a row.
const STEPS_PER_DAY: usize = 10;

pub(crate) fn run(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let (date, instant) = TEXTS.hold(input, || {
        (
            field::date("day", text).ok(),
            field::instant("at", text).ok(),
        )
    });
    if let Some(date) = date {
        assert_eq!(field::date_text(date), text);
    }
    if let Some(instant) = instant {
        check_instant(instant);
    }
    if let Ok(zone) = TEXTS.hold(input, || Zone::parse(text)) {
        let instant = OffsetDateTime::UNIX_EPOCH;
        let _date = zone.local_date(instant);
    }
    check_count(text);
}

fn check_instant(instant: OffsetDateTime) {
    assert_eq!(instant.offset(), UtcOffset::UTC);
    let written = field::instant_text(instant);
    let again = field::instant("at", &written).expect("what was written is read");
    assert_eq!(field::instant_text(again), written);
    for name in ["America/New_York", "Pacific/Kiritimati", "UTC"] {
        let zone = Zone::parse(name).expect("a zone");
        let _date = zone.local_date(instant);
    }
}

fn check_count(text: &str) {
    let Some((anchor, counting)) = counting(text) else {
        return;
    };
    let calendars = Calendars::standard();
    let Ok(explained) = count(anchor, &counting, &calendars) else {
        return;
    };
    assert!(is_countable(explained.result));
    let days = usize::try_from(counting.offset_days.unsigned_abs()).expect("a number of days");
    let steps = explained.steps.len();
    assert!(
        steps <= STEPS_MAX.min(days.saturating_mul(STEPS_PER_DAY)),
        "{steps} steps for {days} days"
    );
    let counted = explained.steps.iter().filter(|step| step.counted).count();
    let expected = match counting.day_count {
        DayCount::Business => days,
        DayCount::Calendar => 0,
    };
    assert_eq!(counted, expected);
}

fn counting(text: &str) -> Option<(Date, Counting)> {
    let mut words = text.split_whitespace();
    let anchor = field::date("day", words.next()?).ok()?;
    let offset_days = words.next()?.parse().ok()?;
    let day_count = DayCount::parse(words.next()?)?;
    let roll = Roll {
        weekend: Direction::parse(words.next()?)?,
        holiday: Direction::parse(words.next()?)?,
    };
    let business_calendar = words.next()?.to_owned();
    Some((
        anchor,
        Counting {
            offset_days,
            day_count,
            business_calendar,
            roll,
        },
    ))
}
