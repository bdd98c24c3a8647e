//! Tasks that the template does not know, and rules given by hand.

use time::macros::date;

use super::*;
use crate::dates::{Counting, Roll};

fn completion(key: &str, days: i32) -> Rule {
    Rule {
        anchor: RuleAnchor::Completion(key.to_owned()),
        counting: Counting::calendar_days(days).rolled(Roll::NONE),
    }
}

fn own(name: &str, rule: Option<Rule>, due: Option<Date>) -> OwnTask {
    OwnTask {
        name: name.to_owned(),
        title: name.to_owned(),
        rule,
        days_after: 0,
        due,
        time_of_day: None,
        series: None,
        buyer_visible: false,
    }
}

fn due(planned: &PlannedDates, name: &str) -> Option<Date> {
    planned.task(name).and_then(|task| task.due)
}

#[test]
fn a_task_by_hand_counts_from_any_other_and_any_other_from_it() {
    let mut deal = purchase();
    deal.own_tasks = vec![
        own("filed", Some(completion("answered", 2)), None),
        own("answered", Some(completion("called", 5)), None),
        own("called", None, Some(date!(2026 - 03 - 10))),
    ];
    deal.task_rules
        .insert("archive_file".to_owned(), completion("filed", 1));
    let planned = run("purchase", &deal);
    assert_eq!(due(&planned, "answered"), Some(date!(2026 - 03 - 15)));
    assert_eq!(due(&planned, "filed"), Some(date!(2026 - 03 - 17)));
    assert_eq!(due(&planned, "archive_file"), Some(date!(2026 - 03 - 18)));

    let done = TaskHold::Completed(date!(2026 - 03 - 04));
    let held = HeldTask {
        due: Some(date!(2026 - 03 - 10)),
        why: done,
    };
    deal.held_tasks.insert("called".to_owned(), held);
    let planned = run("purchase", &deal);
    assert_eq!(due(&planned, "archive_file"), Some(date!(2026 - 03 - 12)));
}

#[test]
fn a_rule_by_hand_that_closes_a_circle_is_found_before_it_is_given() {
    let mut deal = purchase();
    deal.own_tasks = vec![own("answered", Some(completion("archive_file", 5)), None)];
    let graph = counting_graph(&shipped("purchase"), &deal);
    let node = |key: &str| RuleAnchor::Completion(key.to_owned());
    let closes = |task: &str, anchor: &str| graph.cycle_closed_by(&node(task), &node(anchor));
    assert!(closes("archive_file", "answered").is_some());
    assert!(closes("answered", "answered").is_some());
    assert!(closes("open_escrow", "answered").is_none());
}

#[test]
fn an_instance_is_some_days_after_the_rule_of_its_series_and_ends_with_it() {
    let listing = shipped("listing");
    let first = listing.task("weekly_feedback").unwrap();
    let mut deal = Circumstances::default();
    deal.anchors
        .insert("on_market_date".into(), date!(2026 - 03 - 02));
    deal.own_tasks = vec![OwnTask {
        days_after: 7,
        series: Some(first.key.clone()),
        ..own("weekly_feedback_2", Some(first.due.clone()), None)
    }];
    let instance = |deal: &Circumstances| {
        let planned = run("listing", deal);
        (
            due(&planned, "weekly_feedback_2"),
            planned.dropped_tasks.get("weekly_feedback_2").cloned(),
        )
    };
    assert_eq!(instance(&deal), (Some(date!(2026 - 03 - 16)), None));
    deal.anchors
        .insert("on_market_date".into(), date!(2026 - 03 - 05));
    assert_eq!(instance(&deal), (Some(date!(2026 - 03 - 19)), None));
    deal.anchors
        .insert("effective_date".into(), date!(2026 - 03 - 18));
    let ended = Dropped::Pointless {
        anchor: "effective_date".to_owned(),
    };
    assert_eq!(instance(&deal), (None, Some(ended)));
    deal.anchors
        .insert("effective_date".into(), date!(2026 - 03 - 20));
    assert_eq!(instance(&deal), (Some(date!(2026 - 03 - 19)), None));
}
