mod own;
mod preview;
mod settle;
mod shift;
mod violations;

use std::collections::BTreeSet;

use time::macros::date;

use super::*;
use crate::template::{Template, parse, shipped::shipped};

const EFFECTIVE: Date = date!(2026 - 03 - 02);
const CLOSING: Date = date!(2026 - 04 - 15);

fn anchors(dates: &[(&str, Date)]) -> Circumstances {
    let anchors = dates
        .iter()
        .map(|(key, date)| ((*key).to_owned(), *date))
        .collect();
    Circumstances {
        anchors,
        ..Circumstances::default()
    }
}

fn purchase() -> Circumstances {
    anchors(&[("effective_date", EFFECTIVE), ("closing_date", CLOSING)])
}

fn run(template: &str, circumstances: &Circumstances) -> PlannedDates {
    compute(&shipped(template), circumstances, &Calendars::standard())
}

fn key_date(planned: &PlannedDates, key: &str) -> Option<Date> {
    planned.key_date(key).unwrap().date
}

fn due(planned: &PlannedDates, key: &str) -> Option<Date> {
    planned.task(key).unwrap().due
}

#[test]
fn a_purchase_gets_all_its_dates_from_two_anchors() {
    let planned = run("purchase", &purchase());
    let expected = [
        (
            "earnest_money_due",
            date!(2026 - 03 - 05),
            "3 business days",
        ),
        (
            "inspection_deadline",
            date!(2026 - 03 - 12),
            "10 days, a Thursday",
        ),
        (
            "inspection_resolution_deadline",
            date!(2026 - 03 - 17),
            "5 days after that one",
        ),
        (
            "loan_application_due",
            date!(2026 - 03 - 09),
            "5 days are a Saturday, rolled to Monday",
        ),
        (
            "title_objection_deadline",
            date!(2026 - 03 - 23),
            "7 days after the commitment, itself 14 days",
        ),
        (
            "closing_disclosure_deadline",
            date!(2026 - 04 - 11),
            "3 days of Regulation Z before: a Saturday counts",
        ),
        (
            "final_walkthrough_date",
            date!(2026 - 04 - 14),
            "the day before",
        ),
    ];
    for (key, date, reason) in expected {
        assert_eq!(key_date(&planned, key), Some(date), "{key}: {reason}");
        assert_eq!(
            planned.key_date(key).unwrap().state,
            KeyDateState::Scheduled
        );
    }
    assert_eq!(
        due(&planned, "earnest_money_receipt"),
        Some(date!(2026 - 03 - 09)),
        "2 business days after the rolled date"
    );
    assert_eq!(planned.violations, []);
    let dropped: BTreeSet<_> = planned.dropped().collect();
    let expected = [
        "hoa_docs_ordered",
        "hoa_docs_reviewed",
        "hoa_review_deadline",
        "home_warranty_ordered",
        "lead_paint_disclosure",
        "proof_of_funds",
        "repair_amendment",
        "repairs_verified",
        "survey_received",
    ];
    assert_eq!(
        dropped.into_iter().collect::<Vec<_>>(),
        expected,
        "nothing is known but the dates"
    );
    assert_eq!(planned.tasks.len(), 54 - 8);
}

#[test]
fn a_cash_purchase_has_no_loan_and_its_tasks_inherit_what_the_loan_waited_for() {
    let mut cash = purchase();
    cash.facts.insert("financing_type".into(), "cash".into());
    let planned = run("purchase", &cash);
    assert_eq!(
        planned.dropped_tasks.get("loan_commitment"),
        Some(&Dropped::DoesNotApply)
    );
    let disclosure = planned.key_date("closing_disclosure_deadline").unwrap();
    assert_eq!(
        (disclosure.state, disclosure.date),
        (KeyDateState::NotApplicable, None)
    );
    let waits = |key: &str| {
        planned
            .task(key)
            .unwrap()
            .depends_on
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        waits("settlement_figures_review"),
        ["send_intro_package", "title_cured"]
    );
    assert_eq!(waits("deed_recorded"), ["sign_closing_documents"]);
    assert!(planned.tasks.iter().all(|task| {
        task.depends_on
            .iter()
            .all(|key| planned.task(key).is_some())
    }));
    assert!(planned.task("proof_of_funds").is_some());
}

#[test]
fn the_fallback_serves_when_the_first_anchor_is_dropped() {
    let thursday = [
        ("application_date", date!(2026 - 02 - 02)),
        ("signing_date", date!(2026 - 03 - 05)),
    ];
    let mut owner = anchors(&thursday);
    owner
        .facts
        .insert("occupancy".into(), "primary_residence".into());
    let planned = run("refinance", &owner);
    assert_eq!(
        key_date(&planned, "rescission_ends"),
        Some(date!(2026 - 03 - 09))
    );
    assert_eq!(
        key_date(&planned, "funding_date"),
        Some(date!(2026 - 03 - 10))
    );
    assert_eq!(
        due(&planned, "rescission_wait"),
        Some(date!(2026 - 03 - 09))
    );

    let saturday = anchors(&[
        ("application_date", date!(2026 - 02 - 02)),
        ("signing_date", date!(2026 - 03 - 07)),
    ]);
    let investor = run("refinance", &saturday);
    assert_eq!(
        investor.key_date("rescission_ends").unwrap().state,
        KeyDateState::NotApplicable
    );
    assert_eq!(
        key_date(&investor, "funding_date"),
        Some(date!(2026 - 03 - 09)),
        "the signing's Saturday, rolled"
    );
    let template = shipped("refinance");
    let explained = explain(
        "funding_date",
        &investor,
        &template,
        &saturday,
        &Calendars::standard(),
    )
    .unwrap();
    assert_eq!(
        (explained.source, explained.anchor_key.as_deref()),
        (RuleSource::Fallback, Some("signing_date"))
    );
}

#[test]
fn a_listing_has_no_contract_dates_until_an_offer_is_accepted() {
    let listed = [
        ("listing_agreement_date", date!(2026 - 03 - 02)),
        ("on_market_date", date!(2026 - 03 - 16)),
        ("listing_expiration_date", date!(2026 - 09 - 01)),
    ];
    let mut listing = anchors(&listed);
    let before = run("listing", &listing);
    assert_eq!(
        before.key_date("inspection_deadline").unwrap().state,
        KeyDateState::Tbd
    );
    assert_eq!(due(&before, "mls_pending"), None);
    assert_eq!(
        due(&before, "expiration_decision"),
        Some(date!(2026 - 08 - 18))
    );

    listing
        .anchors
        .insert("effective_date".into(), date!(2026 - 05 - 04));
    let after = run("listing", &listing);
    assert_eq!(due(&after, "mls_pending"), Some(date!(2026 - 05 - 06)));
    let pointless = after.dropped_tasks.get("expiration_decision");
    assert_eq!(
        pointless,
        Some(&Dropped::Pointless {
            anchor: "effective_date".into()
        })
    );

    let done = HeldTask {
        due: Some(date!(2026 - 08 - 18)),
        why: TaskHold::Completed(date!(2026 - 05 - 01)),
    };
    listing
        .held_tasks
        .insert("expiration_decision".into(), done);
    assert!(
        run("listing", &listing)
            .task("expiration_decision")
            .is_some(),
        "what was done is not dropped"
    );
}

#[test]
fn the_closing_date_of_a_new_home_is_an_estimate_until_the_builder_gives_notice() {
    let mut new_home = anchors(&[
        ("effective_date", EFFECTIVE),
        ("estimated_completion", date!(2026 - 10 - 01)),
        ("closing_date", date!(2026 - 10 - 15)),
    ]);
    let estimate = run("new construction", &new_home);
    for key in ["closing_date", "orientation_date"] {
        assert_eq!(
            estimate.key_date(key).unwrap().state,
            KeyDateState::Projected,
            "{key}"
        );
    }
    assert_eq!(
        estimate.key_date("deposit_due").unwrap().state,
        KeyDateState::Scheduled
    );
    assert_eq!(
        estimate.key_date("drywall_date").unwrap().state,
        KeyDateState::Tbd
    );
    let notice = HeldTask {
        due: None,
        why: TaskHold::Completed(date!(2026 - 09 - 01)),
    };
    new_home
        .held_tasks
        .insert("builder_closing_notice".into(), notice);
    let fixed = run("new construction", &new_home);
    assert_eq!(
        fixed.key_date("closing_date").unwrap().state,
        KeyDateState::Scheduled
    );
}

#[test]
fn a_pinned_date_keeps_its_value_feeds_it_on_and_shows_its_drift() {
    let mut deal = purchase();
    let pin = HeldDate {
        date: Some(date!(2026 - 03 - 20)),
        why: DateHold::Pinned,
    };
    deal.held_dates.insert("inspection_deadline".into(), pin);
    let planned = run("purchase", &deal);
    let pinned = planned.key_date("inspection_deadline").unwrap();
    assert_eq!(
        (pinned.date, pinned.rule_date),
        (Some(date!(2026 - 03 - 20)), Some(date!(2026 - 03 - 12)))
    );
    assert!(pinned.pinned && pinned.state == KeyDateState::Scheduled);
    assert_eq!(
        key_date(&planned, "inspection_resolution_deadline"),
        Some(date!(2026 - 03 - 25))
    );
    assert_eq!(
        due(&planned, "complete_inspection"),
        Some(date!(2026 - 03 - 17))
    );
}

#[test]
fn a_negotiated_day_count_replaces_the_templates() {
    let mut deal = purchase();
    deal.offset_days.insert("inspection_deadline".into(), 7);
    let planned = run("purchase", &deal);
    assert_eq!(
        key_date(&planned, "inspection_deadline"),
        Some(date!(2026 - 03 - 09))
    );
    let template = shipped("purchase");
    let explained = explain(
        "inspection_deadline",
        &planned,
        &template,
        &deal,
        &Calendars::standard(),
    )
    .unwrap();
    assert_eq!(explained.source, RuleSource::Deal);
    assert_eq!(
        explained.rule.as_deref(),
        Some("7 calendar days after effective_date, rolled to the next business day")
    );
}

#[test]
fn an_explanation_tells_the_anchor_each_day_and_the_roll() {
    let (deal, template, calendars) = (purchase(), shipped("purchase"), Calendars::standard());
    let planned = compute(&template, &deal, &calendars);
    let disclosure = explain(
        "closing_disclosure_deadline",
        &planned,
        &template,
        &deal,
        &calendars,
    )
    .unwrap();
    assert_eq!(
        (disclosure.anchor_key.as_deref(), disclosure.anchor_date),
        (Some("closing_date"), Some(CLOSING))
    );
    let steps: Vec<_> = disclosure
        .steps
        .iter()
        .map(|step| (step.date.day(), step.counted))
        .collect();
    assert_eq!(steps, [(14, true), (13, true), (12, false), (11, true)]);
    let application = explain(
        "loan_application_due",
        &planned,
        &template,
        &deal,
        &calendars,
    )
    .unwrap();
    assert_eq!(application.steps, []);
    assert_eq!(
        application.roll.map(|roll| (roll.from, roll.to)),
        Some((date!(2026 - 03 - 07), date!(2026 - 03 - 09)))
    );
    let closing = explain("closing_date", &planned, &template, &deal, &calendars).unwrap();
    assert_eq!((closing.source, closing.rule), (RuleSource::Entered, None));
    assert!(explain("no_such_date", &planned, &template, &deal, &calendars).is_none());
}

#[test]
fn dependents_count_from_the_true_date_of_a_back_dated_completion() {
    let source = include_str!("small.yaml");
    let (template, calendars) = (parse(source).unwrap(), Calendars::standard());
    let mut deal = anchors(&[("start", EFFECTIVE)]);
    let planned = compute(&template, &deal, &calendars);
    assert_eq!(
        due(&planned, "second"),
        Some(date!(2026 - 03 - 09)),
        "2 business days after the first is due"
    );
    let done = HeldTask {
        due: Some(date!(2026 - 03 - 05)),
        why: TaskHold::Completed(date!(2026 - 03 - 03)),
    };
    deal.held_tasks.insert("first".into(), done);
    let planned = compute(&template, &deal, &calendars);
    assert_eq!(
        due(&planned, "first"),
        Some(date!(2026 - 03 - 05)),
        "a finished task keeps its due date"
    );
    assert_eq!(
        due(&planned, "second"),
        Some(date!(2026 - 03 - 05)),
        "2 business days after it was done"
    );
}

#[test]
fn violated_constraints_are_told_and_refuse_nothing() {
    let planned = run(
        "purchase",
        &anchors(&[
            ("effective_date", EFFECTIVE),
            ("closing_date", date!(2026 - 03 - 06)),
        ]),
    );
    assert_eq!(
        key_date(&planned, "closing_date"),
        Some(date!(2026 - 03 - 06))
    );
    let first = &planned.violations[0];
    assert_eq!(
        (first.key.as_str(), first.severity),
        ("closing_after_effective", Severity::Error)
    );
    assert_eq!(
        first.message,
        "Closing date (2026-03-06) should be at least 7 days after Effective (acceptance) date (2026-03-02)"
    );
    let keys: BTreeSet<_> = planned
        .violations
        .iter()
        .map(|violation| violation.key.as_str())
        .collect();
    assert!(
        keys.contains("financing_before_closing") && keys.contains("repairs_before_walkthrough")
    );
}

#[test]
fn a_date_that_cannot_be_counted_is_tbd_and_says_why() {
    let planned = run(
        "purchase",
        &anchors(&[
            ("effective_date", date!(2100 - 12 - 20)),
            ("closing_date", date!(2101 - 01 - 20)),
        ]),
    );
    let commitment = planned.key_date("loan_commitment_deadline").unwrap();
    assert_eq!(
        (commitment.date, commitment.state),
        (None, KeyDateState::Tbd)
    );
    assert!(
        planned
            .violations
            .iter()
            .any(|violation| violation.key == "closing_date")
    );
    assert!(
        planned
            .violations
            .iter()
            .any(|violation| violation.key == "loan_commitment_deadline")
    );
}
