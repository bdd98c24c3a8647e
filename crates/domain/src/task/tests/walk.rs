//! Random walks through the states of a task.

use proptest::prelude::*;

use super::*;

/// A step taken at random.
#[derive(Clone, Debug)]
enum Step {
    Assign(Option<u8>),
    Complete,
    Waive,
    Satisfy,
    Lose,
    Add(Prerequisite),
    Remove(Prerequisite),
    Reschedule(Option<i16>),
    Wake(i16),
}

fn any_step() -> impl Strategy<Value = Step> {
    let prerequisite = prop_oneof![Just(Prerequisite::Open), Just(Prerequisite::Done)];
    prop_oneof![
        proptest::option::of(0..3_u8).prop_map(Step::Assign),
        Just(Step::Complete),
        Just(Step::Waive),
        Just(Step::Satisfy),
        Just(Step::Lose),
        prerequisite.clone().prop_map(Step::Add),
        prerequisite.prop_map(Step::Remove),
        proptest::option::of(-30..30_i16).prop_map(Step::Reschedule),
        (-5..40_i16).prop_map(Step::Wake),
    ]
}

fn take(task: &Task, step: &Step, zone: &Zone) -> Option<Change> {
    let later = |days: i16| Moment {
        now: NOON + time::Duration::days(days.into()),
        ..at(zone)
    };
    let due = |days: i16| Due::on((NOON + time::Duration::days(days.into())).date());
    match step {
        Step::Assign(who) => task.assign(who.map(|who| user(who.into()))).ok(),
        Step::Complete => task.complete(completing(user(7)), &at(zone)).ok(),
        Step::Waive => task.waive(user(7), "agreed", &at(zone)).ok(),
        Step::Satisfy => Some(task.satisfy_dependency()),
        Step::Lose => Some(task.lose_dependency()),
        Step::Add(prerequisite) => task.add_dependency(*prerequisite).ok(),
        Step::Remove(prerequisite) => task.remove_dependency(*prerequisite).ok(),
        Step::Reschedule(days) => task
            .reschedule(days.map(due), task.shift_days, &at(zone))
            .ok(),
        Step::Wake(days) => Some(task.mark_overdue(&later(*days))),
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_state_is_consistent_and_each_transition_is_one_version(
        open in 0..3_u32,
        walk in proptest::collection::vec(any_step(), 0..40),
    ) {
        let zone = new_york();
        let mut current = task(open, None, None);
        for step in &walk {
            let Some(change) = take(&current, step, &zone) else { continue };
            let next = change.task.clone();
            prop_assert_eq!(Task::restore(next.clone().into_state()), Ok(next.clone()), "after {:?}", step);
            let mut version = current.version;
            for transition in &change.transitions {
                prop_assert_eq!(transition.before.as_ref().map(|before| before.version), Some(version));
                version += 1;
                prop_assert_eq!(transition.after.version, version);
            }
            prop_assert_eq!(next.version, version);
            if let Some(last) = change.transitions.last() {
                prop_assert_eq!(&last.after, &*next);
            } else {
                prop_assert_eq!(next.status, current.status, "a status never changes unrecorded");
            }
            if next.is_blocked() && !current.is_blocked() {
                prop_assert_eq!(next.episode, current.episode + 1, "each re-blocking is a new episode");
            }
            current = next;
        }
    }

    #[test]
    fn reopening_a_chain_never_leaves_a_completed_task_behind_an_open_one(completed in 1..=3_usize, start in 1..=3_usize) {
        prop_assume!(start <= completed);
        let zone = new_york();
        let (mut tasks, waits_for) = chain(completed);
        let changes = reopen(user(start as u128), &tasks, &waits_for, Dependents::Reopen, &at(&zone)).unwrap();
        for change in changes {
            prop_assert!(Task::restore(change.task.clone().into_state()).is_ok());
            tasks.insert(change.task.id, change.task);
        }
        for (id, prerequisites) in &waits_for {
            let open = prerequisites.iter().filter(|id| !tasks[id].status.is_done()).count();
            prop_assert_eq!(tasks[id].facts.open_dependencies as usize, open);
            prop_assert!(open == 0 || !tasks[id].status.is_done());
        }
    }
}
