//! What the dates are warned of: days on which nothing can be closed, waits that end too late, days out of reach, words
//! that the template does not know.

use super::*;
use crate::{dates::count_safely, template::FactValue};

const COLUMBUS_DAY: Date = date!(2026 - 10 - 12);

fn closing_on(date: Date) -> Circumstances {
    anchors(&[
        ("effective_date", date - time::Duration::days(45)),
        ("closing_date", date),
    ])
}

/// Key, severity and message of what a purchase with these circumstances is warned of.
fn warned_of(circumstances: &Circumstances) -> Vec<(String, Severity, String)> {
    let violations = run("purchase", circumstances).violations.into_iter();
    violations
        .map(|violation| (violation.key, violation.severity, violation.message))
        .collect()
}

#[test]
fn a_closing_on_a_holiday_has_its_disclosure_on_the_safe_day() {
    let circumstances = closing_on(COLUMBUS_DAY);
    let planned = run("purchase", &circumstances);
    assert_eq!(
        key_date(&planned, "closing_disclosure_deadline"),
        Some(date!(2026 - 10 - 07)),
        "the Wednesday: three business days from Thursday are over on Tuesday"
    );
    assert_eq!(
        due(&planned, "closing_disclosure_received"),
        Some(date!(2026 - 10 - 07))
    );
    let explained = explain(
        "closing_disclosure_deadline",
        &planned,
        &shipped("purchase"),
        &circumstances,
        &Calendars::standard(),
    )
    .unwrap();
    let safe = explained.safe.unwrap();
    assert_eq!(
        (safe.from, safe.to, safe.would_end, safe.why.as_str()),
        (
            date!(2026 - 10 - 08),
            date!(2026 - 10 - 07),
            date!(2026 - 10 - 13),
            "Columbus Day"
        )
    );
    let counted = explained.steps.iter().filter(|step| step.counted).count();
    assert_eq!(counted, 4, "the day more is among the steps");
}

#[test]
fn a_disclosure_that_came_on_the_day_of_stepping_back_still_warns_of_its_lag() {
    let mut circumstances = closing_on(COLUMBUS_DAY);
    circumstances.held_tasks.insert(
        "closing_disclosure_received".to_owned(),
        HeldTask {
            due: Some(date!(2026 - 10 - 07)),
            why: TaskHold::Completed(date!(2026 - 10 - 08)),
        },
    );
    let warned = warned_of(&circumstances);
    let lag = warned
        .iter()
        .find(|(key, ..)| key == "sign_closing_documents");
    let (_, severity, message) = lag.unwrap();
    assert_eq!(*severity, Severity::Warning);
    assert!(message.contains("2026-10-13"), "{message}");
}

#[test]
fn a_closing_on_a_day_on_which_nothing_is_recorded_is_warned_of() {
    for (date, day) in [
        (COLUMBUS_DAY, Some("Columbus Day")),
        (date!(2026 - 10 - 11), Some("Sunday")),
        (date!(2026 - 10 - 10), Some("Saturday")),
        (date!(2026 - 10 - 14), None),
    ] {
        let warned = warned_of(&closing_on(date));
        let closing = warned.iter().find(|(key, ..)| key == "closing_date");
        assert_eq!(closing.is_some(), day.is_some(), "{date}");
        if let (Some((_, severity, message)), Some(day)) = (closing, day) {
            assert_eq!(*severity, Severity::Warning);
            assert!(message.contains(day), "{message}");
        }
    }
    let signing = |date| {
        let dates = [
            ("application_date", date!(2026 - 09 - 01)),
            ("signing_date", date),
        ];
        let planned = run("refinance", &anchors(&dates));
        let keys = planned
            .violations
            .into_iter()
            .map(|violation| violation.key);
        keys.collect::<Vec<_>>()
    };
    assert_eq!(
        signing(date!(2026 - 10 - 10)),
        [""; 0],
        "a Saturday is a day to sign"
    );
    assert_eq!(signing(date!(2026 - 10 - 11)), ["signing_date"]);
}

#[test]
fn a_plan_that_reaches_past_2100_says_so_for_each_date_that_it_loses() {
    let planned = run("purchase", &closing_on(date!(2100 - 12 - 28)));
    let undated: BTreeSet<&str> = planned
        .tasks
        .iter()
        .filter(|task| task.due.is_none())
        .map(|task| task.key.as_str())
        .collect();
    assert!(undated.contains("archive_file"), "{undated:?}");
    for key in undated {
        let told = planned
            .violations
            .iter()
            .any(|violation| violation.key == key && violation.message.contains("2000 to 2100"));
        assert!(told, "{key} has no date and nothing says why");
    }
    let construction = anchors(&[
        ("effective_date", date!(2100 - 06 - 01)),
        ("estimated_completion", date!(2100 - 10 - 01)),
        ("closing_date", date!(2100 - 11 - 01)),
    ]);
    let planned = run("new construction", &construction);
    for key in ["eleven_month_inspection", "eleven_month_reminder"] {
        let told = planned
            .violations
            .iter()
            .any(|violation| violation.key == key);
        assert!(told, "{key} has no date and nothing says why");
    }
}

#[test]
fn a_word_that_the_template_does_not_know_is_warned_of_with_the_known_ones() {
    let with = |word: &str| {
        let mut circumstances = purchase();
        circumstances
            .facts
            .insert("financing_type".into(), FactValue::from(word));
        warned_of(&circumstances)
    };
    for known in ["cash", "Cash", " CASH ", "conventional", "FHA"] {
        assert_eq!(with(known), [], "{known:?}");
    }
    let warned = with("barter");
    let (key, severity, message) = &warned[0];
    assert_eq!(
        (key.as_str(), *severity),
        ("financing_type", Severity::Warning)
    );
    assert!(
        message.contains("\"barter\"") && message.contains("cash, conventional"),
        "{message}"
    );
    assert_eq!(warned.len(), 1);
}

#[test]
fn a_cash_deal_is_a_cash_deal_in_every_spelling() {
    for spelling in ["cash", "Cash", "CASH", " cash"] {
        let mut circumstances = purchase();
        circumstances
            .facts
            .insert("financing_type".into(), spelling.into());
        let planned = run("purchase", &circumstances);
        assert!(planned.task("proof_of_funds").is_some(), "{spelling:?}");
        assert!(planned.task("loan_application").is_none(), "{spelling:?}");
    }
}

#[test]
fn a_deadline_of_a_regulation_that_is_set_later_by_hand_is_an_error() {
    let set_to = |day| {
        let mut circumstances = purchase();
        let held = HeldDate {
            date: Some(day),
            why: DateHold::Pinned,
        };
        circumstances
            .held_dates
            .insert("closing_disclosure_deadline".into(), held);
        let warned = warned_of(&circumstances).into_iter();
        let of_date = warned.filter(|(key, ..)| key == "closing_disclosure_deadline");
        of_date.map(|(_, severity, _)| severity).collect::<Vec<_>>()
    };
    assert_eq!(set_to(date!(2026 - 04 - 13)), [Severity::Error]);
    assert_eq!(set_to(date!(2026 - 04 - 11)), []);
    assert_eq!(set_to(date!(2026 - 04 - 10)), [], "earlier is no harm");
}

proptest::proptest! {
    /// From the safe day the wait is over by the anchor, from the next business day it would not be.
    #[test]
    fn the_safe_day_is_the_last_from_which_the_wait_is_over(days in 0..3_000_i64, wait in 1..12_i32, federal: bool) {
        use crate::{calendar::{FEDERAL, REG_Z_SPECIFIC}, dates::{Counting, resolve}};
        let calendars = Calendars::standard();
        let calendar = if federal { FEDERAL } else { REG_Z_SPECIFIC };
        let anchor = date!(2024 - 01 - 01) + time::Duration::days(days);
        let before = Counting::business_days(-wait, calendar);
        let forward = Counting::business_days(wait, calendar);
        let found = count_safely(anchor, &before, &calendars).unwrap();
        proptest::prop_assert!(resolve(found.result, &forward, &calendars).unwrap() <= anchor);
        let next = resolve(found.result, &Counting::business_days(1, calendar), &calendars).unwrap();
        proptest::prop_assert!(resolve(next, &forward, &calendars).unwrap() > anchor);
        let stepped_back = resolve(anchor, &before, &calendars).unwrap();
        proptest::prop_assert_eq!(found.safe.is_some(), found.result != stepped_back);
        let is_business = calendars.get(calendar).unwrap().day(anchor).is_business();
        proptest::prop_assert_eq!(is_business, found.safe.is_none());
    }
}
