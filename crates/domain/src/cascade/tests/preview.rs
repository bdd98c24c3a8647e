//! Previews, forecasts and warnings.

use std::collections::BTreeSet;

use proptest::prelude::*;
use time::{
    Duration,
    macros::{date, datetime},
};

use super::*;
use crate::{
    reminders::OpenTask,
    task::{Deadlines, Due, Moment},
    zone::Zone,
};

#[test]
fn a_preview_lists_what_moves_and_what_is_locked() {
    let mut deal = purchase();
    let walkthrough = HeldDate {
        date: Some(date!(2026 - 04 - 14)),
        why: DateHold::Pinned,
    };
    deal.held_dates
        .insert("final_walkthrough_date".into(), walkthrough);
    let old = run("purchase", &deal);
    deal.anchors
        .insert("closing_date".into(), date!(2026 - 04 - 22));
    let new = run("purchase", &deal);
    let changes = diff(&old, &new);
    let find = |kind, key: &str| {
        changes
            .iter()
            .filter(|c| c.kind == kind && c.key == key)
            .collect::<Vec<_>>()
    };
    let closing = find(ChangeKind::KeyDate, "closing_date")[0];
    assert_eq!(
        (closing.old, closing.new, &closing.locked),
        (Some(CLOSING), Some(date!(2026 - 04 - 22)), &None)
    );
    let locked = find(ChangeKind::KeyDate, "final_walkthrough_date")[0];
    assert_eq!(locked.old, locked.new);
    assert_eq!(
        locked.locked.as_deref(),
        Some("pinned; its rule now says 2026-04-21")
    );
    let signing = find(ChangeKind::Task, "sign_closing_documents")[0];
    assert!(signing.buyer_sees && signing.new == Some(date!(2026 - 04 - 22)));
    assert!(
        find(ChangeKind::KeyDate, "inspection_deadline").is_empty(),
        "what does not move is not listed"
    );
    assert_eq!(diff(&new, &new), []);
}

#[test]
fn a_preview_lists_the_reminders_that_go_out_and_no_others() {
    let zone = Zone::parse("America/New_York").unwrap();
    let moment = Moment {
        now: datetime!(2026-04-14 17:00 UTC),
        zone: &zone,
        deadlines: Deadlines::Running,
    };
    let planned = run("purchase", &purchase());
    let named = planned.task("sign_closing_documents").unwrap();
    let due_on = |date| OpenTask {
        id: uuid::Uuid::from_u128(7),
        due: Due::on(date),
        assignee_id: None,
        is_overdue: false,
        is_blocked: false,
        since: datetime!(2026-03-02 17:00 UTC),
    };
    let moved = |date| OpenTask {
        since: moment.now,
        ..due_on(date)
    };
    let days = |before, after, moment: &Moment<'_>| -> Vec<(Option<Date>, Option<Date>)> {
        let changes = reminder_changes(named, before, after, moment);
        changes
            .iter()
            .map(|change| (change.old, change.new))
            .collect()
    };
    let day = |day: u8| Some(date!(2026 - 04 - 01).replace_day(day).unwrap());
    let (old, new) = (due_on(date!(2026 - 04 - 16)), moved(date!(2026 - 04 - 22)));
    assert_eq!(
        days(Some(old), Some(new), &moment),
        [(None, day(19)), (day(15), day(21))],
        "the first of the old date has gone out already"
    );
    let soon = moved(date!(2026 - 04 - 15));
    assert_eq!(
        days(Some(old), Some(soon), &moment),
        [],
        "this morning is over: the next one reminds, as before"
    );
    let blocked = OpenTask {
        is_blocked: true,
        ..new
    };
    assert_eq!(
        days(Some(old), Some(blocked), &moment),
        [(day(15), None)],
        "nobody is reminded of what waits"
    );
    let past = moved(date!(2026 - 04 - 10));
    assert_eq!(
        days(None, Some(past), &moment),
        [],
        "nor of what is overdue"
    );
    let paused = Moment {
        deadlines: Deadlines::Paused,
        ..moment
    };
    assert_eq!(days(Some(old), Some(new), &paused), [], "nor on hold");
}

#[test]
fn a_preview_names_what_becomes_overdue_at_once_but_not_on_hold() {
    let zone = Zone::parse("America/New_York").unwrap();
    let moment = Moment {
        now: datetime!(2026-03-01 17:00 UTC),
        zone: &zone,
        deadlines: Deadlines::Running,
    };
    let old = run("purchase", &purchase());
    let mut earlier = purchase();
    earlier
        .anchors
        .insert("effective_date".into(), date!(2026 - 02 - 25));
    let new = run("purchase", &earlier);
    let overdue = becomes_overdue(&old, &new, &moment);
    let expected = [
        "verify_executed_contract",
        "confirm_effective_date",
        "enter_key_dates",
        "send_intro_package",
        "buyer_kickoff_call",
        "open_escrow",
        "schedule_inspection",
    ];
    assert_eq!(overdue, expected);
    assert!(
        becomes_overdue(
            &old,
            &new,
            &Moment {
                deadlines: Deadlines::Paused,
                ..moment
            }
        )
        .is_empty()
    );
}

#[test]
fn a_forecast_tells_slack_and_the_chain_that_decides_the_end() {
    let (template, calendars) = (shipped("purchase"), Calendars::standard());
    let planned = compute(&template, &purchase(), &calendars);
    let schedule = forecast(&template, &planned, EFFECTIVE, &calendars).unwrap();
    assert_eq!(schedule.tasks.len(), planned.tasks.len());
    assert_eq!(
        schedule.critical_path.first().map(String::as_str),
        Some("verify_executed_contract")
    );
    assert_eq!(
        schedule.critical_path.last().map(String::as_str),
        Some("archive_file")
    );
    let first = schedule
        .tasks
        .iter()
        .find(|task| task.key == "verify_executed_contract")
        .unwrap();
    assert_eq!(
        first.slack_days,
        Some(1),
        "due on the 3rd, done on the 2nd at the earliest"
    );
}

#[test]
fn completing_out_of_season_warns() {
    let (template, calendars) = (shipped("purchase"), Calendars::standard());
    let mut deal = purchase();
    let received = HeldTask {
        due: None,
        why: TaskHold::Completed(date!(2026 - 04 - 13)),
    };
    deal.held_tasks
        .insert("closing_disclosure_received".into(), received);
    let planned = compute(&template, &deal, &calendars);
    let squeezed = planned
        .violations
        .iter()
        .find(|violation| violation.key == "sign_closing_documents")
        .unwrap();
    assert_eq!(squeezed.severity, Severity::Warning);
    assert!(
        squeezed.message.contains("should wait until 2026-04-16"),
        "{}",
        squeezed.message
    );
    let sign = template.task("sign_closing_documents").unwrap();
    assert_eq!(
        completion_warnings(sign, CLOSING, &planned, &calendars).len(),
        1
    );
    assert_eq!(
        completion_warnings(sign, date!(2026 - 04 - 16), &planned, &calendars),
        [""; 0]
    );

    let waived = HeldTask {
        due: None,
        why: TaskHold::Waived(date!(2026 - 04 - 13)),
    };
    deal.held_tasks
        .insert("closing_disclosure_received".into(), waived);
    let planned = compute(&template, &deal, &calendars);
    assert_eq!(planned.violations, [], "nobody waits after what was waived");
}

#[test]
fn repeating_work_ends_with_its_date() {
    let template = shipped("listing");
    let weekly = template.task("weekly_feedback").unwrap();
    let mut listing = anchors(&[("on_market_date", date!(2026 - 03 - 16))]);
    let next = |listing: &Circumstances, due| next_instance(weekly, due, &run("listing", listing));
    assert_eq!(
        next(&listing, date!(2026 - 03 - 23)),
        Some(date!(2026 - 03 - 30))
    );
    listing
        .anchors
        .insert("effective_date".into(), date!(2026 - 03 - 30));
    assert_eq!(next(&listing, date!(2026 - 03 - 23)), None);
    assert_eq!(
        next_instance(
            template.task("go_live").unwrap(),
            CLOSING,
            &run("listing", &listing)
        ),
        None
    );
}

#[test]
fn a_task_of_ones_own_may_count_from_any_date_of_the_plan() {
    let planned = run("purchase", &purchase());
    let calendars = Calendars::standard();
    let rule = |anchor: &str| Rule {
        anchor: RuleAnchor::KeyDate(anchor.into()),
        counting: crate::dates::Counting::calendar_days(-2),
    };
    assert_eq!(
        planned.evaluate(&rule("closing_date"), &calendars),
        Ok(Some(date!(2026 - 04 - 13)))
    );
    assert_eq!(
        planned.evaluate(&rule("hoa_review_deadline"), &calendars),
        Ok(None),
        "it does not apply"
    );
}

/// Everything that is counted from a key date, directly or not.
fn counted_from(template: &Template, key: &str) -> BTreeSet<RuleAnchor> {
    let graph = template.counting_graph();
    let mut found = BTreeSet::new();
    let mut frontier = vec![RuleAnchor::KeyDate(key.into())];
    while let Some(node) = frontier.pop() {
        if found.insert(node.clone()) {
            frontier.extend(graph.dependents(&node).cloned());
        }
    }
    found
}

proptest! {
    #[test]
    fn moving_the_closing_date_moves_only_what_is_counted_from_it(
        effective in 0..20_000_i64, closing in 10..200_i64, shift in -30..60_i64,
    ) {
        let template = shipped("purchase");
        let calendars = Calendars::standard();
        let effective = date!(2010 - 01 - 01) + Duration::days(effective);
        let mut deal = anchors(&[("effective_date", effective), ("closing_date", effective + Duration::days(closing))]);
        let old = compute(&template, &deal, &calendars);
        deal.anchors.insert("closing_date".into(), effective + Duration::days(closing + shift));
        let new = compute(&template, &deal, &calendars);
        let movable = counted_from(&template, "closing_date");
        for change in diff(&old, &new) {
            let node = match change.kind {
                ChangeKind::KeyDate => RuleAnchor::KeyDate(change.key),
                ChangeKind::Task | ChangeKind::Reminder => RuleAnchor::Completion(change.key),
            };
            prop_assert!(movable.contains(&node), "{:?} moved", node);
        }
    }

    #[test]
    fn pinning_every_date_where_it_is_changes_no_date(effective in 0..20_000_i64, closing in 10..200_i64) {
        let template = shipped("purchase");
        let calendars = Calendars::standard();
        let effective = date!(2010 - 01 - 01) + Duration::days(effective);
        let mut deal = anchors(&[("effective_date", effective), ("closing_date", effective + Duration::days(closing))]);
        let free = compute(&template, &deal, &calendars);
        for date in free.key_dates.iter().filter(|date| date.rule.is_some()) {
            deal.held_dates.insert(date.key.clone(), HeldDate { date: date.date, why: DateHold::Pinned });
        }
        for task in &free.tasks {
            deal.held_tasks.insert(task.key.clone(), HeldTask { due: task.due, why: TaskHold::Pinned });
        }
        prop_assert_eq!(diff(&free, &compute(&template, &deal, &calendars)), []);
    }

    #[test]
    fn no_circumstances_make_the_engine_panic(
        year in -9999..9999_i32, ordinal in 1..=365_u16, other in -9999..9999_i32, offset in any::<i32>(), hoa in any::<bool>(),
    ) {
        let date = |year| Date::from_ordinal_date(year, ordinal).unwrap();
        let mut deal = anchors(&[("effective_date", date(year)), ("closing_date", date(other))]);
        deal.facts.insert("hoa".into(), hoa.into());
        deal.offset_days.insert("title_commitment_due".into(), offset);
        let pin = HeldDate { date: Some(date(other)), why: DateHold::Extended };
        deal.held_dates.insert("appraisal_deadline".into(), pin);
        let planned = run("purchase", &deal);
        let zone = Zone::parse("America/New_York").unwrap();
        let moment = Moment { now: datetime!(2026-03-01 17:00 UTC), zone: &zone, deadlines: Deadlines::Running };
        let overdue = becomes_overdue(&run("purchase", &purchase()), &planned, &moment);
        prop_assert!(overdue.iter().all(|key| planned.task(key).is_some()));
        prop_assert!(forecast(&shipped("purchase"), &planned, date(year), &Calendars::standard()).is_ok());
    }
}
