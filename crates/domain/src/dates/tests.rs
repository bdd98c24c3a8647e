use proptest::prelude::*;
use time::macros::date;

use super::*;
use crate::calendar::{Holiday, HolidayRule, Observance, REG_Z_SPECIFIC};

fn standard() -> Calendars {
    Calendars::standard()
}

#[test]
fn each_day_counted_or_skipped_is_explained() {
    let explanation = count(
        date!(2026 - 11 - 25),
        &Counting::business_days(3, FEDERAL),
        &standard(),
    )
    .unwrap();
    let steps: Vec<_> = explanation
        .steps
        .iter()
        .map(|step| (step.date.day(), step.counted, step.why.as_str()))
        .collect();
    assert_eq!(
        steps,
        [
            (26, false, "Thanksgiving Day"),
            (27, true, "business day"),
            (28, false, "Saturday"),
            (29, false, "Sunday"),
            (30, true, "business day"),
            (1, true, "business day"),
        ]
    );
    assert_eq!(
        (explanation.result, explanation.roll),
        (date!(2026 - 12 - 01), None)
    );
}

#[test]
fn a_calendar_rule_has_no_steps_and_tells_its_roll() {
    let rule = Counting::calendar_days(15).rolled(Roll::NEXT);
    let explanation = count(date!(2026 - 06 - 19), &rule, &standard()).unwrap();
    assert_eq!(explanation.steps, []);
    let roll = RollTaken {
        from: date!(2026 - 07 - 04),
        to: date!(2026 - 07 - 06),
        direction: Direction::Next,
        why: "Saturday".into(),
    };
    assert_eq!(
        (explanation.roll, explanation.result),
        (Some(roll), date!(2026 - 07 - 06))
    );
}

#[test]
fn zero_business_days_stay_put_even_on_a_sunday() {
    let sunday = date!(2026 - 03 - 08);
    assert_eq!(
        resolve(sunday, &Counting::business_days(0, FEDERAL), &standard()),
        Ok(sunday)
    );
    let rolled = Counting::business_days(0, FEDERAL).rolled(Roll::PREVIOUS);
    assert_eq!(
        resolve(sunday, &rolled, &standard()),
        Ok(date!(2026 - 03 - 06))
    );
}

#[test]
fn a_rule_rolls_on_its_own_calendar() {
    let saturday = Counting {
        business_calendar: REG_Z_SPECIFIC.into(),
        ..Counting::calendar_days(0)
    };
    assert_eq!(
        resolve(
            date!(2026 - 03 - 07),
            &saturday.rolled(Roll::NEXT),
            &standard()
        ),
        Ok(date!(2026 - 03 - 07)),
        "a Saturday is a business day of Regulation Z"
    );
}

#[test]
fn weekend_and_holiday_may_roll_in_different_directions_without_going_back_and_forth() {
    let roll = Roll {
        weekend: Direction::Next,
        holiday: Direction::Previous,
    };
    let rule = Counting::calendar_days(0).rolled(roll);
    let cases = [
        (
            date!(2026 - 09 - 05),
            date!(2026 - 09 - 08),
            "Saturday before Labor Day goes on past the holiday",
        ),
        (
            date!(2026 - 09 - 07),
            date!(2026 - 09 - 04),
            "Labor Day itself goes back past the weekend",
        ),
        (
            date!(2026 - 09 - 08),
            date!(2026 - 09 - 08),
            "a business day stays",
        ),
    ];
    for (from, to, reason) in cases {
        assert_eq!(resolve(from, &rule, &standard()), Ok(to), "{reason}");
    }
}

#[test]
fn dates_outside_the_calendar_and_unknown_calendars_are_refused() {
    let out = Err(DateError::OutOfRange);
    assert_eq!(
        resolve(
            date!(1999 - 12 - 31),
            &Counting::calendar_days(5),
            &standard()
        ),
        out
    );
    assert_eq!(
        resolve(
            date!(2100 - 12 - 31),
            &Counting::calendar_days(1),
            &standard()
        ),
        out
    );
    assert_eq!(
        resolve(
            date!(2100 - 12 - 30),
            &Counting::business_days(i32::MAX, FEDERAL),
            &standard()
        ),
        out
    );
    assert_eq!(
        resolve(
            date!(2000 - 01 - 02),
            &Counting::calendar_days(i32::MIN),
            &standard()
        ),
        out
    );
    assert_eq!(
        resolve(
            date!(2026 - 01 - 01),
            &Counting::business_days(1, "lunar"),
            &standard()
        ),
        Err(DateError::UnknownCalendar("lunar".into()))
    );
}

#[test]
fn a_roll_past_the_end_of_the_calendar_is_refused() {
    let closed = Holiday {
        name: "Closed for good".into(),
        rule: HolidayRule::Once(date!(2100 - 12 - 31)),
        observance: Observance::Actual,
        from: None,
        until: None,
    };
    let calendars = standard().with_holidays(FEDERAL, vec![closed]);
    let rule = Counting::calendar_days(0).rolled(Roll::NEXT);
    assert_eq!(
        resolve(date!(2100 - 12 - 31), &rule, &calendars),
        Err(DateError::OutOfRange)
    );
}

#[test]
fn a_rule_reads_in_plain_words() {
    assert_eq!(
        Counting::calendar_days(-1).describe("closing"),
        "1 calendar day before closing"
    );
    assert_eq!(
        Counting::business_days(3, FEDERAL)
            .rolled(Roll::NEXT)
            .describe("acceptance"),
        "3 business days after acceptance (federal), rolled to the next business day"
    );
}

fn any_date() -> impl Strategy<Value = Date> {
    (2001..2099_i32, 1..=365_u16)
        .prop_map(|(year, day)| Date::from_ordinal_date(year, day).unwrap())
}

fn any_roll() -> impl Strategy<Value = Roll> {
    prop_oneof![Just(Roll::NONE), Just(Roll::NEXT), Just(Roll::PREVIOUS)]
}

fn any_calendar() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just(FEDERAL), Just(REG_Z_SPECIFIC)]
}

fn any_counting() -> impl Strategy<Value = Counting> {
    (-90..90_i32, any::<bool>(), any_calendar(), any_roll()).prop_map(
        |(offset_days, is_business, key, roll)| {
            let counting = Counting::business_days(offset_days, key).rolled(roll);
            if is_business {
                counting
            } else {
                Counting {
                    day_count: DayCount::Calendar,
                    ..counting
                }
            }
        },
    )
}

proptest! {
    #[test]
    fn a_later_anchor_never_gives_an_earlier_date(a in any_date(), b in any_date(), counting in any_counting()) {
        let (earlier, later) = if a <= b { (a, b) } else { (b, a) };
        let calendars = standard();
        prop_assert!(resolve(earlier, &counting, &calendars)? <= resolve(later, &counting, &calendars)?);
    }

    #[test]
    fn a_larger_offset_never_gives_an_earlier_date(anchor in any_date(), counting in any_counting()) {
        let calendars = standard();
        let more = Counting { offset_days: counting.offset_days + 1, ..counting.clone() };
        prop_assert!(resolve(anchor, &counting, &calendars)? <= resolve(anchor, &more, &calendars)?);
    }

    #[test]
    fn as_many_days_are_counted_as_asked_for_and_the_others_are_not_business_days(
        anchor in any_date(), days in -60..60_i32, key in any_calendar(),
    ) {
        let calendars = standard();
        let calendar = calendars.get(key).unwrap();
        let explanation = count(anchor, &Counting::business_days(days, key), &calendars)?;
        let counted = explanation.steps.iter().filter(|step| step.counted).count();
        prop_assert_eq!(counted, days.unsigned_abs() as usize);
        for step in &explanation.steps {
            prop_assert_eq!(step.counted, calendar.day(step.date).is_business());
        }
        // An independent count of the business days on the way there.
        let (from, to) = if days < 0 { (explanation.result, anchor) } else { (anchor, explanation.result) };
        let between = (0..(to - from).whole_days())
            .map(|offset| if days < 0 { from + Duration::days(offset) } else { to - Duration::days(offset) })
            .filter(|date| calendar.day(*date).is_business())
            .count();
        prop_assert_eq!(between, counted);
    }

    #[test]
    fn from_a_business_day_n_days_on_and_n_days_back_is_the_same_day(
        start in any_date(), days in 0..60_i32, key in any_calendar(),
    ) {
        let calendars = standard();
        let start = resolve(start, &Counting::business_days(0, key).rolled(Roll::NEXT), &calendars)?;
        let there = resolve(start, &Counting::business_days(days, key), &calendars)?;
        prop_assert_eq!(resolve(there, &Counting::business_days(-days, key), &calendars)?, start);
    }

    #[test]
    fn a_rolled_date_is_a_business_day_and_the_nearest_in_its_direction(
        anchor in any_date(), days in -90..90_i32, key in any_calendar(), is_next in any::<bool>(),
    ) {
        let calendars = standard();
        let calendar = calendars.get(key).unwrap();
        let counting = Counting { business_calendar: key.into(), ..Counting::calendar_days(days) };
        let plain = resolve(anchor, &counting, &calendars)?;
        let roll = if is_next { Roll::NEXT } else { Roll::PREVIOUS };
        let rolled = resolve(anchor, &counting.rolled(roll), &calendars)?;
        prop_assert!(calendar.day(rolled).is_business());
        prop_assert_eq!(rolled.max(plain) == rolled, is_next || rolled == plain);
        let passed = (rolled - plain).whole_days();
        for offset in 0..passed.abs() {
            let skipped = plain + Duration::days(offset * passed.signum());
            prop_assert!(!calendar.day(skipped).is_business(), "{} was passed over", skipped);
        }
    }

    #[test]
    fn no_anchor_and_no_offset_makes_counting_panic(
        year in -9999..9999_i32, ordinal in 1..=365_u16, offset_days in any::<i32>(), roll in any_roll(),
    ) {
        let anchor = Date::from_ordinal_date(year, ordinal).unwrap();
        let counting = Counting::business_days(offset_days, FEDERAL).rolled(roll);
        let calendar_counting = Counting { day_count: DayCount::Calendar, ..counting.clone() };
        for counting in [counting, calendar_counting] {
            if let Ok(date) = resolve(anchor, &counting, &standard()) {
                prop_assert!(is_countable(date));
            }
        }
    }
}
