//! Days on hold.

use proptest::prelude::*;
use time::{Duration, macros::date};

use super::*;

/// The names of the tasks that are not finished.
fn open(planned: &PlannedDates) -> BTreeSet<String> {
    let open = planned.tasks.iter().filter(|task| !task.is_finished());
    open.map(|task| task.key.clone()).collect()
}

/// Adds the days of a hold to every open task whose rule takes them.
fn hold(deal: &mut Circumstances, before: &PlannedDates, days: u32) {
    let open = open(before);
    for key in &open {
        if before.shifting(key, &open) == Shifting::Rule {
            *deal.shift_days.entry(key.clone()).or_default() += days;
        }
    }
}

fn small(deal: &Circumstances) -> PlannedDates {
    let template = parse(include_str!("../small.yaml")).unwrap();
    compute(&template, deal, &Calendars::standard())
}

#[test]
fn each_date_takes_a_hold_once() {
    let started = anchors(&[("start", EFFECTIVE)]);
    let held = |key: &str, due, why| {
        let mut deal = started.clone();
        deal.held_tasks.insert(key.into(), HeldTask { due, why });
        deal
    };
    let done = date!(2026 - 03 - 04);
    for (deal, [first, second], why) in [
        (
            started.clone(),
            [Shifting::Rule, Shifting::Follows],
            "the second is counted from the first, which moves",
        ),
        (
            held("first", Some(done), TaskHold::Completed(done)),
            [Shifting::Follows, Shifting::Rule],
            "the first was done before the hold and stays",
        ),
        (
            held("first", Some(done), TaskHold::Waived(done)),
            [Shifting::Follows, Shifting::Rule],
            "waived is finished as well",
        ),
        (
            held("first", Some(done), TaskHold::Pinned),
            [Shifting::Date, Shifting::Follows],
            "the pinned date moves itself and takes the second along",
        ),
        (
            held("second", Some(done), TaskHold::Pinned),
            [Shifting::Rule, Shifting::Date],
            "pinned, it no longer follows the first",
        ),
        (
            Circumstances::default(),
            [Shifting::Follows, Shifting::Follows],
            "what has no date yet has nothing to move",
        ),
    ] {
        let planned = small(&deal);
        let open = open(&planned);
        let shifting = ["first", "second"].map(|key| planned.shifting(key, &open));
        assert_eq!(shifting, [first, second], "{why}");
        assert_eq!(
            planned.shifting("added by hand", &open),
            Shifting::Date,
            "it has no rule"
        );
    }
}

#[test]
fn what_was_counted_from_a_deleted_task_moves_by_itself() {
    let planned = small(&anchors(&[("start", EFFECTIVE)]));
    let open = BTreeSet::from(["second".to_owned()]);
    assert_eq!(planned.shifting("second", &open), Shifting::Rule);
}

#[test]
fn the_days_of_holds_stay_with_the_rule_and_dependents_count_from_the_moved_date() {
    let mut deal = anchors(&[("start", EFFECTIVE)]);
    let before = small(&deal);
    assert_eq!(due(&before, "first"), Some(date!(2026 - 03 - 05)));
    hold(&mut deal, &before, 4);
    let resumed = small(&deal);
    assert_eq!(due(&resumed, "first"), Some(date!(2026 - 03 - 09)));
    assert_eq!(
        due(&resumed, "second"),
        Some(date!(2026 - 03 - 11)),
        "2 business days after the first, not 4 more"
    );
    hold(&mut deal, &resumed, 3);
    let again = small(&deal);
    assert_eq!(due(&again, "first"), Some(date!(2026 - 03 - 12)));
    assert_eq!(
        again.task("first").unwrap().rule_date,
        again.task("first").unwrap().due,
        "the rule says so, with the holds"
    );
    assert_eq!(
        again.key_date("middle").unwrap().date,
        Some(date!(2026 - 03 - 05)),
        "key dates are the contract's"
    );

    deal.anchors.insert("start".into(), date!(2026 - 03 - 03));
    assert_eq!(due(&small(&deal), "first"), Some(date!(2026 - 03 - 13)));
}

#[test]
fn a_shift_out_of_the_years_that_can_be_counted_leaves_no_date_and_says_why() {
    let mut deal = anchors(&[("start", EFFECTIVE)]);
    deal.shift_days.insert("first".into(), u32::MAX);
    let planned = small(&deal);
    assert_eq!(due(&planned, "first"), None);
    assert!(planned.violations.iter().any(|told| told.key == "first"));
}

proptest! {
    #[test]
    fn later_moves_reach_every_task_with_the_days_of_all_holds_on_top(
        effective in 0..20_000_i64, closing in 10..200_i64, moved in -30..60_i64,
        holds in prop::collection::vec(1..40_u32, 1..4), finished in prop::collection::btree_set(0..46_usize, 0..20),
    ) {
        let effective = date!(2010 - 01 - 01) + Duration::days(effective);
        let mut plain = anchors(&[("effective_date", effective), ("closing_date", effective + Duration::days(closing))]);
        let planned = run("purchase", &plain);
        for task in finished.iter().filter_map(|place| planned.tasks.get(*place)) {
            if let Some(due) = task.due {
                plain.held_tasks.insert(task.key.clone(), HeldTask { due: task.due, why: TaskHold::Completed(due) });
            }
        }
        let mut deal = plain.clone();
        for days in &holds {
            let before = run("purchase", &deal);
            hold(&mut deal, &before, *days);
        }
        for circumstances in [&mut plain, &mut deal] {
            circumstances.anchors.insert("closing_date".into(), effective + Duration::days(closing + moved));
        }
        let (plain, shifted) = (run("purchase", &plain), run("purchase", &deal));
        let days = Duration::days(holds.iter().sum::<u32>().into());
        prop_assert_eq!(&plain.key_dates, &shifted.key_dates);
        for (plain, shifted) in plain.tasks.iter().zip(&shifted.tasks) {
            let expected = if plain.is_finished() { plain.due } else { plain.due.map(|due| due + days) };
            prop_assert_eq!(shifted.due, expected, "{}", plain.key);
        }
    }
}
