use proptest::prelude::*;
use time::{Date, macros::date};

use super::*;
use crate::{calendar::Calendars, dates::Counting};

fn graph(edges: &[(&'static str, &[&'static str])]) -> Graph<&'static str> {
    edges
        .iter()
        .map(|(node, waits)| (*node, waits.to_vec()))
        .collect()
}

#[test]
fn a_cycle_is_told_with_its_path_and_what_waits_for_it_is_unreachable() {
    let tangled = graph(&[
        ("a", &["b"]),
        ("b", &["c"]),
        ("c", &["a"]),
        ("d", &["a"]),
        ("e", &[]),
    ]);
    assert_eq!(
        tangled.order(),
        Err(Cycle {
            path: vec!["a", "b", "c", "a"]
        })
    );
    assert_eq!(tangled.unreachable(), ["d"]);
}

#[test]
fn a_dependency_that_would_close_a_cycle_is_told_with_the_path() {
    let chain = graph(&[("c", &["b"]), ("b", &["a"])]);
    assert_eq!(
        chain.cycle_closed_by(&"a", &"c"),
        Some(Cycle {
            path: vec!["a", "c", "b", "a"]
        })
    );
    assert_eq!(
        chain.cycle_closed_by(&"a", &"a"),
        Some(Cycle {
            path: vec!["a", "a"]
        })
    );
    assert_eq!(chain.cycle_closed_by(&"c", &"a"), None);
}

#[test]
fn whoever_waited_for_a_dropped_task_waits_for_what_that_one_waited_for() {
    let chain = graph(&[("d", &["c"]), ("c", &["b"]), ("b", &["a", "x"])]);
    let contracted = chain.without(&BTreeSet::from(["b", "c"]));
    assert_eq!(
        contracted.prerequisites(&"d").copied().collect::<Vec<_>>(),
        ["a", "x"]
    );
    assert_eq!(
        contracted.nodes().copied().collect::<Vec<_>>(),
        ["a", "d", "x"]
    );
}

fn work(
    key: &'static str,
    waits_for: &[&'static str],
    est_days: u32,
    due: Date,
) -> Work<&'static str> {
    Work {
        key,
        waits_for: waits_for.iter().copied().collect(),
        lags: Vec::new(),
        not_before: None,
        est_days,
        finished_on: None,
        due: Some(due),
    }
}

const START: Date = date!(2026 - 03 - 02);

#[test]
fn slack_is_the_due_date_less_the_earliest_finish_and_the_longest_chain_is_critical() {
    let due = date!(2026 - 03 - 10);
    let plan = [
        work("a", &[], 2, due),
        work("b", &["a"], 5, due),
        work("c", &["a"], 1, due),
        work("d", &["b", "c"], 2, due),
    ];
    let schedule = schedule(&plan, START, &Calendars::standard()).unwrap();
    assert_eq!(schedule.critical_path, ["a", "b", "d"]);
    let slack: Vec<_> = schedule
        .tasks
        .iter()
        .map(|task| (task.key, task.slack_days))
        .collect();
    assert_eq!(
        slack,
        [
            ("a", Some(6)),
            ("b", Some(1)),
            ("c", Some(5)),
            ("d", Some(-1))
        ]
    );
}

#[test]
fn lags_and_not_before_push_the_start_and_finished_work_counts_from_its_true_date() {
    let due = date!(2026 - 03 - 31);
    let mut plan = [
        work("disclosure", &[], 1, due),
        work("sign", &["disclosure"], 0, due),
        work("walk", &[], 1, due),
    ];
    plan[0].finished_on = Some(date!(2026 - 03 - 05));
    plan[1].lags = vec![Lag {
        after: "disclosure",
        counting: Counting::business_days(3, "reg_z_specific"),
    }];
    plan[2].not_before = Some(date!(2026 - 03 - 04));
    let schedule = schedule(&plan, START, &Calendars::standard()).unwrap();
    let starts: Vec<_> = schedule
        .tasks
        .iter()
        .map(|task| (task.key, task.earliest_start))
        .collect();
    assert_eq!(
        starts,
        [
            ("disclosure", date!(2026 - 03 - 05)),
            ("sign", date!(2026 - 03 - 09)),
            ("walk", date!(2026 - 03 - 04))
        ]
    );
    assert_eq!(
        schedule.critical_path,
        ["sign"],
        "finished work is not part of the critical path"
    );
}

/// A graph without cycles: each node waits for some with smaller numbers.
fn any_acyclic() -> impl Strategy<Value = Graph<usize>> {
    proptest::collection::vec(
        proptest::collection::vec(any::<proptest::sample::Index>(), 0..4),
        1..14,
    )
    .prop_map(|nodes| {
        nodes
            .into_iter()
            .enumerate()
            .map(|(node, picks)| {
                let waits = if node == 0 {
                    Vec::new()
                } else {
                    picks.iter().map(|pick| pick.index(node)).collect()
                };
                (node, waits)
            })
            .collect()
    })
}

fn reaches(graph: &Graph<usize>, from: usize, to: usize) -> bool {
    let mut frontier: Vec<usize> = graph.prerequisites(&from).copied().collect();
    let mut seen = BTreeSet::new();
    while let Some(node) = frontier.pop() {
        if node == to {
            return true;
        }
        if seen.insert(node) {
            frontier.extend(graph.prerequisites(&node).copied());
        }
    }
    false
}

proptest! {
    #[test]
    fn in_the_order_each_node_comes_after_all_it_waits_for(graph in any_acyclic()) {
        let order = graph.order().unwrap();
        let place: BTreeMap<_, _> = order.iter().enumerate().map(|(place, node)| (*node, place)).collect();
        prop_assert_eq!(place.len(), graph.nodes().count());
        for node in graph.nodes() {
            prop_assert!(graph.prerequisites(node).all(|waits| place[waits] < place[node]));
        }
    }

    #[test]
    fn a_cycle_is_foreseen_exactly_if_adding_the_dependency_closes_one(
        graph in any_acyclic(), a in any::<proptest::sample::Index>(), b in any::<proptest::sample::Index>(),
    ) {
        let count = graph.nodes().count();
        let (a, b) = (a.index(count), b.index(count));
        let foreseen = graph.cycle_closed_by(&a, &b);
        let mut with = graph.clone();
        with.add_dependency(a, b);
        prop_assert_eq!(foreseen.is_some(), with.order().is_err());
        if let Some(cycle) = foreseen {
            prop_assert_eq!((cycle.path.first(), cycle.path.last()), (Some(&a), Some(&a)));
            prop_assert!(cycle.path.windows(2).all(|pair| with.prerequisites(&pair[0]).any(|p| *p == pair[1])));
        }
    }

    #[test]
    fn dropping_nodes_keeps_who_waits_for_whom_among_the_rest(graph in any_acyclic(), mask in any::<u16>()) {
        let dropped: BTreeSet<usize> = graph.nodes().copied().filter(|node| mask >> node & 1 == 1).collect();
        let contracted = graph.without(&dropped);
        prop_assert!(contracted.order().is_ok());
        for a in contracted.nodes() {
            for b in contracted.nodes() {
                prop_assert_eq!(reaches(&graph, *a, *b), reaches(&contracted, *a, *b), "{} waits for {}", a, b);
            }
        }
    }

    #[test]
    fn nothing_starts_before_what_it_waits_for_is_done(graph in any_acyclic(), days in proptest::collection::vec(0..9_u32, 14)) {
        let plan: Vec<Work<usize>> = graph
            .nodes()
            .map(|node| Work {
                key: *node,
                waits_for: graph.prerequisites(node).copied().collect(),
                lags: Vec::new(),
                not_before: None,
                est_days: days[*node],
                finished_on: None,
                due: None,
            })
            .collect();
        let schedule = schedule(&plan, START, &Calendars::standard()).unwrap();
        let by_key: BTreeMap<_, _> = schedule.tasks.iter().map(|task| (task.key, task)).collect();
        for task in &schedule.tasks {
            prop_assert!(graph.prerequisites(&task.key).all(|p| by_key[p].earliest_finish <= task.earliest_start));
        }
        // The critical path is one unbroken chain from the start to the last finish.
        let end = schedule.tasks.iter().map(|task| task.earliest_finish).max().unwrap();
        let length: u32 = schedule.critical_path.iter().map(|key| days[*key]).sum();
        prop_assert_eq!((end - START).whole_days(), i64::from(length));
    }
}

#[test]
fn a_deal_has_a_bounded_number_of_tasks_and_the_template_has_room_among_them() {
    assert_eq!(
        TASKS_BESIDE_TEMPLATE_MAX + ITEMS_MAX,
        TASKS_OF_DEAL_MAX,
        "whatever comes first"
    );
    assert_eq!(require_room(TASKS_BESIDE_TEMPLATE_MAX - 1), Ok(()));
    let refused = require_room(TASKS_BESIDE_TEMPLATE_MAX).unwrap_err();
    let expected = "a deal has at most 500 tasks beside those of its template";
    assert!(format!("{refused:?}").contains(expected), "{refused:?}");
}
