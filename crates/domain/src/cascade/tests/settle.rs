//! A change of a running plan comes to an end, and the end is one: nothing more follows from it.

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

use super::*;
use crate::{
    rejection::Rejection,
    task::{Change, Completing, Deadlines, Moment, StoredTask, Task},
    template::{FactValue, shipped::shipped},
    zone::Zone,
};

const NOW: OffsetDateTime = datetime!(2026-03-10 15:00 UTC);
const BY: Uuid = Uuid::from_u128(7);

fn zone() -> Zone {
    Zone::parse("America/New_York").unwrap()
}

fn moment(zone: &Zone) -> Moment<'_> {
    Moment {
        now: NOW,
        zone,
        deadlines: Deadlines::Running,
    }
}

fn because() -> Because<'static> {
    Because {
        by: BY,
        reason: "a test",
    }
}

fn making(plan: &RunningPlan) -> Making {
    let milestones = plan.template.milestones.iter();
    Making {
        deal_id: Uuid::from_u128(1),
        by: BY,
        milestones: milestones
            .map(|milestone| (milestone.key.clone(), Uuid::now_v7()))
            .collect(),
        assignees: BTreeMap::new(),
        new_id: Uuid::now_v7,
    }
}

/// A running deal of a shipped template, its plan just made.
fn running(template: &str, facts: &[(&str, FactValue)], dates: &[(&str, Date)]) -> RunningPlan {
    let zone = zone();
    let mut plan = RunningPlan {
        template: Arc::new(shipped(template)),
        facts: facts
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect(),
        calendars: Calendars::standard(),
        key_dates: Vec::new(),
        inputs: DateInputs::new(),
        tasks: Vec::new(),
        shift_days: BTreeMap::new(),
    };
    let bare = plan.compute(&zone);
    plan.key_dates = bare.key_dates.iter().map(KeyDate::of).collect();
    for date in &mut plan.key_dates {
        let given = dates.iter().find(|(key, _)| *key == date.key);
        date.date = given.map(|(_, value)| *value);
    }
    let planned = plan.compute(&zone);
    plan.key_dates = planned.key_dates.iter().map(KeyDate::of).collect();
    let wanted = planned.tasks.iter().map(|task| task.key.clone()).collect();
    let new = make(&plan, &planned, &wanted, &making(&plan), &moment(&zone)).unwrap();
    let mut working = WorkingPlan::new(plan, moment(&zone));
    for (change, details) in new {
        working.take(None, change, details);
    }
    let settled = working.settle(&planned, Follow::Dates, because(), true);
    settled.unwrap().plan
}

fn purchase(financing: &str, hoa: bool) -> RunningPlan {
    running(
        "purchase",
        &[("financing_type", financing.into()), ("hoa", hoa.into())],
        &[
            ("effective_date", date!(2026 - 03 - 02)),
            ("closing_date", date!(2026 - 04 - 16)),
        ],
    )
}

fn end(task: &Task, waived: bool, zone: &Zone) -> Result<Change, Rejection> {
    if waived {
        return task.waive(BY, "not needed", &moment(zone));
    }
    let completing = Completing {
        by: BY,
        on: None,
        first_anchor: None,
        blocked_by: Vec::new(),
    };
    task.complete(completing, &moment(zone))
}

/// What somebody does to a plan.
#[derive(Clone, Debug)]
enum Act {
    Financing(&'static str),
    Hoa(bool),
    Move(&'static str, Option<i64>),
    /// The open, unblocked task at this place.
    End(usize, bool),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let financing = prop::sample::select(vec!["cash", "conventional", "fha"]);
    let dates = prop::sample::select(vec![
        "effective_date",
        "closing_date",
        "inspection_deadline",
        "earnest_money_due",
    ]);
    let act = prop_oneof![
        financing.prop_map(Act::Financing),
        any::<bool>().prop_map(Act::Hoa),
        (dates, prop::option::weighted(0.8, -20_i64..40))
            .prop_map(|(key, days)| Act::Move(key, days)),
        (0..40_usize, any::<bool>()).prop_map(|(place, waived)| Act::End(place, waived)),
    ];
    prop::collection::vec(act, 1..12)
}

/// Applies the act and settles the plan; returns the plan unchanged if a rejection forbids that.
fn done(plan: RunningPlan, act: &Act) -> RunningPlan {
    let zone = zone();
    let before = plan.compute(&zone);
    let mut changed = plan.clone();
    changed.inputs.clear();
    let mut ended = None;
    match act {
        Act::Financing(word) => {
            let value = (*word).into();
            changed.facts.insert("financing_type".to_owned(), value);
        }
        Act::Hoa(hoa) => {
            changed.facts.insert("hoa".to_owned(), (*hoa).into());
        }
        Act::Move(key, days) => {
            let date = plan.key_date(key).and_then(|date| date.date);
            let moved = |days| Some(date? + time::Duration::days(days));
            let input = days.and_then(moved);
            changed.inputs.insert((*key).to_owned(), input);
        }
        Act::End(place, waived) => {
            let mut open = plan
                .tasks
                .iter()
                .filter(|stored| !stored.task.status.is_done() && !stored.task.is_blocked());
            ended = open.nth(*place).map(|stored| (stored.task.id, *waived));
        }
    }
    let making = making(&changed);
    let mut working = WorkingPlan::new(changed, moment(&zone));
    if let Some((id, waived)) = ended {
        working.change(id, |task| end(task, waived, &zone)).unwrap();
        working.release_dependents(id).unwrap();
    }
    match working.settle(&before, Follow::Template(&making), because(), true) {
        Ok(settled) => RunningPlan {
            inputs: DateInputs::new(),
            ..settled.plan
        },
        Err(Rejection::TaskDependentDone { .. }) => plan,
        Err(refused) => panic!("{act:?}: {refused:?}"),
    }
}

/// What is wrong with a plan from which nothing is to follow.
fn wrong(plan: &RunningPlan) -> Vec<String> {
    let zone = zone();
    let planned = plan.compute(&zone);
    let mut wrong = Vec::new();
    let is_open = |id: &Uuid| {
        let mut tasks = plan.tasks.iter();
        tasks.any(|other| other.task.id == *id && !other.task.status.is_done())
    };
    for stored in &plan.tasks {
        let StoredTask { task, details, .. } = stored;
        let open = details.depends_on.iter().filter(|id| is_open(id)).count();
        if u32::try_from(open).unwrap() != task.facts.open_dependencies {
            let counted = task.facts.open_dependencies;
            wrong.push(format!("{} waits for {open}, counts {counted}", task.title));
        }
        let due = planned.task(&stored.name()).map(|task| task.due);
        let is_due = task.due.map(|due| due.date);
        if !task.status.is_done() && due.is_some_and(|due| due != is_due) {
            wrong.push(format!("{} is due {is_due:?}, not {due:?}", task.title));
        }
    }
    wrong
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_change_comes_to_an_end_from_which_nothing_more_follows(acts in acts()) {
        let zone = zone();
        let mut plan = purchase("conventional", false);
        for act in &acts {
            plan = done(plan, act);
            prop_assert_eq!(wrong(&plan), Vec::<String>::new(), "after {:?}", act);
            let before = plan.compute(&zone);
            let making = making(&plan);
            let again = WorkingPlan::new(plan.clone(), moment(&zone))
                .settle(&before, Follow::Template(&making), because(), true)
                .unwrap();
            let steps: Vec<_> = again.steps.iter().filter(|step| !step.changes_nothing()).collect();
            prop_assert!(steps.is_empty(), "after {:?}: {:?}", act, steps);
            prop_assert_eq!(&again.plan.key_dates, &plan.key_dates, "after {:?}", act);
        }
    }
}

#[test]
fn a_loan_that_becomes_cash_takes_its_tasks_away_and_brings_the_proof_of_funds() {
    let plan = purchase("conventional", false);
    let after = done(plan, &Act::Financing("cash"));
    assert!(after.task("proof_of_funds").is_some());
    let loan = after.task("loan_application").unwrap();
    assert!(has_ceased(&loan.task));
    let back = done(after, &Act::Financing("conventional"));
    assert!(!back.task("loan_application").unwrap().task.status.is_done());
    assert!(has_ceased(&back.task("proof_of_funds").unwrap().task));
}

#[test]
fn what_somebody_decides_about_a_task_is_not_undone_by_what_follows() {
    let zone = zone();
    let plan = done(purchase("conventional", false), &Act::Financing("cash"));
    let before = plan.compute(&zone);
    let loan = plan.task("loan_application").unwrap().clone();
    let reopened = crate::task::reopen(
        loan.task.id,
        &BTreeMap::from([(loan.task.id, loan.task.clone())]),
        &BTreeMap::new(),
        crate::task::Dependents::Refuse,
        &moment(&zone),
    );
    let mut working = WorkingPlan::new(plan, moment(&zone));
    for change in reopened.unwrap() {
        let details = loan.details.clone();
        working.take(Some(loan.clone()), change, details);
    }
    let settled = working
        .settle(&before, Follow::Present, because(), true)
        .unwrap();
    let loan = settled.plan.task("loan_application").unwrap();
    assert!(!loan.task.status.is_done());
}
