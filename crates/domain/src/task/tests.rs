mod walk;

use std::collections::{BTreeMap, BTreeSet};

use time::macros::{date, datetime};

use super::*;
use crate::{
    permission::{Role, default_permissions},
    rejection::{Blocker, Rejection},
};

const NOON: OffsetDateTime = datetime!(2026-03-10 16:00 UTC);

fn new_york() -> Zone {
    Zone::parse("America/New_York").unwrap()
}

fn at(zone: &Zone) -> Moment<'_> {
    Moment {
        now: NOON,
        zone,
        deadlines: Deadlines::Running,
    }
}

fn user(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn new_task(open_dependencies: u32, assignee_id: Option<Uuid>, due: Option<Due>) -> NewTask {
    NewTask {
        id: user(100),
        deal_id: user(200),
        key: None,
        fields: TaskEdit {
            title: "Order the survey".into(),
            description: None,
            milestone_id: None,
            owner_role: None,
            buyer_visible: false,
        },
        due,
        required: true,
        assignee_id,
        open_dependencies,
    }
}

fn task(open_dependencies: u32, assignee_id: Option<Uuid>, due: Option<Due>) -> Task {
    let zone = new_york();
    Task::create(new_task(open_dependencies, assignee_id, due), &at(&zone))
        .unwrap()
        .task
}

#[test]
fn asking_for_a_task_is_a_step_that_leaves_it_as_it_is_and_ends_with_it() {
    let open = task(0, Some(user(1)), None);
    for (step, event) in [
        (Task::chase as fn(&Task) -> _, TaskEvent::Chased),
        (Task::put_off, TaskEvent::Updated),
    ] {
        let change = step(&open).unwrap();
        let [only] = &change.transitions[..] else {
            panic!("{change:?}");
        };
        assert_eq!(only.event, event);
        let expected = TaskState {
            version: 2,
            ..open.clone().into_state()
        };
        assert_eq!(only.after, expected);
    }
    let zone = new_york();
    let done = open.complete(completing(user(1)), &at(&zone)).unwrap();
    assert_eq!(done.task.chase(), Err(Rejection::TaskAlreadyDone));
    assert_eq!(done.task.put_off(), Err(Rejection::TaskAlreadyDone));
}

fn completing(by: Uuid) -> Completing {
    Completing {
        by,
        on: None,
        first_anchor: None,
        blocked_by: Vec::new(),
    }
}

fn steps(change: &Change) -> Vec<(TaskEvent, TaskStatus)> {
    change
        .transitions
        .iter()
        .map(|step| (step.event, step.after.status))
        .collect()
}

#[test]
fn the_status_is_the_first_of_the_facts_that_fits() {
    let completion = Completion {
        by: user(1),
        at: NOON,
        on: date!(2026 - 03 - 10),
    };
    let waiver = Waiver {
        by: user(1),
        at: NOON,
        reason: "agreed".into(),
    };
    let all = TaskFacts {
        assignee_id: Some(user(1)),
        completed: Some(completion),
        waived: Some(waiver),
        open_dependencies: 1,
        due_passed: true,
    };
    assert_eq!(status(&all), TaskStatus::Waived);
    let all = TaskFacts {
        waived: None,
        ..all
    };
    assert_eq!(status(&all), TaskStatus::Completed);
    let all = TaskFacts {
        completed: None,
        ..all
    };
    assert_eq!(status(&all), TaskStatus::Overdue);
    let all = TaskFacts {
        due_passed: false,
        ..all
    };
    assert_eq!(status(&all), TaskStatus::Blocked);
    let all = TaskFacts {
        open_dependencies: 0,
        ..all
    };
    assert_eq!(status(&all), TaskStatus::InProgress);
    let all = TaskFacts {
        assignee_id: None,
        ..all
    };
    assert_eq!(status(&all), TaskStatus::Pending);
}

#[test]
fn completing_an_unassigned_task_assigns_it_to_the_caller_first() {
    let zone = new_york();
    let change = task(0, None, None)
        .complete(completing(user(1)), &at(&zone))
        .unwrap();
    assert_eq!(
        steps(&change),
        [
            (TaskEvent::Assigned, TaskStatus::InProgress),
            (TaskEvent::Completed, TaskStatus::Completed)
        ]
    );
    assert_eq!(
        (change.task.version, change.task.facts.assignee_id),
        (3, Some(user(1)))
    );
}

#[test]
fn the_last_prerequisite_takes_an_assigned_task_through_pending_to_in_progress() {
    let half = task(2, Some(user(1)), None).satisfy_dependency();
    assert_eq!(
        (steps(&half), half.task.version),
        (vec![], 1),
        "one of two is not a transition"
    );
    let free = half.task.satisfy_dependency();
    assert_eq!(
        steps(&free),
        [
            (TaskEvent::Unlocked, TaskStatus::Pending),
            (TaskEvent::Started, TaskStatus::InProgress)
        ]
    );
    assert_eq!(
        steps(&free.task.satisfy_dependency()),
        [],
        "a repeated satisfaction changes nothing"
    );
}

#[test]
fn the_last_prerequisite_takes_an_unassigned_task_to_pending() {
    assert_eq!(
        steps(&task(1, None, None).satisfy_dependency()),
        [(TaskEvent::Unlocked, TaskStatus::Pending)]
    );
}

#[test]
fn a_blocked_task_cannot_be_completed_even_when_it_is_overdue() {
    let zone = new_york();
    let blocker = Blocker {
        id: Some(user(5)),
        title: Some("Open escrow".into()),
        owner_role: None,
    };
    let mut attempt = completing(user(1));
    attempt.blocked_by = vec![blocker.clone()];
    let overdue = task(1, None, Some(Due::on(date!(2026 - 03 - 09))));
    assert_eq!(
        (overdue.status, overdue.is_blocked()),
        (TaskStatus::Overdue, true)
    );
    let refusal = overdue.complete(attempt, &at(&zone));
    assert_eq!(
        refusal,
        Err(Rejection::TaskBlocked {
            blocked_by: vec![blocker]
        })
    );
}

#[test]
fn an_overdue_blocked_task_stays_overdue_when_it_comes_free() {
    let change = task(1, Some(user(1)), Some(Due::on(date!(2026 - 03 - 09)))).satisfy_dependency();
    assert_eq!(steps(&change), [(TaskEvent::Unlocked, TaskStatus::Overdue)]);
}

#[test]
fn a_done_task_cannot_be_completed_waived_assigned_or_rescheduled() {
    let zone = new_york();
    let done = task(0, None, None)
        .complete(completing(user(1)), &at(&zone))
        .unwrap()
        .task;
    let refusals = [
        done.complete(completing(user(1)), &at(&zone)),
        done.waive(user(1), "agreed", &at(&zone)),
        done.assign(Some(user(2))),
        done.reschedule(Some(Due::on(date!(2026 - 04 - 01))), 0, &at(&zone)),
        done.add_dependency(Prerequisite::Open),
    ];
    for refusal in refusals {
        assert_eq!(refusal, Err(Rejection::TaskAlreadyDone));
    }
}

#[test]
fn a_completion_is_late_if_its_date_is_after_the_due_date() {
    let zone = new_york();
    let overdue = task(0, None, Some(Due::on(date!(2026 - 03 - 09))));
    let late = overdue
        .complete(completing(user(1)), &at(&zone))
        .unwrap()
        .task;
    assert!(late.is_completed_late() && late.status == TaskStatus::Completed);
    let back_dated = Completing {
        on: Some(date!(2026 - 03 - 09)),
        ..completing(user(1))
    };
    assert!(
        !overdue
            .complete(back_dated, &at(&zone))
            .unwrap()
            .task
            .is_completed_late()
    );
}

#[test]
fn a_completion_is_dated_neither_after_today_nor_before_the_deal_began() {
    let zone = new_york();
    for (on, constraint) in [
        (date!(2026 - 03 - 11), "max"),
        (date!(2026 - 02 - 28), "min"),
    ] {
        let attempt = Completing {
            on: Some(on),
            first_anchor: Some(date!(2026 - 03 - 01)),
            ..completing(user(1))
        };
        let Err(Rejection::Validation { errors }) =
            task(0, None, None).complete(attempt, &at(&zone))
        else {
            panic!("{on} was accepted");
        };
        assert_eq!(
            (errors[0].field.as_str(), errors[0].constraint.as_str()),
            ("completedOn", constraint)
        );
    }
}

#[test]
fn a_wake_up_marks_a_task_overdue_once_and_only_when_its_day_is_over() {
    let zone = new_york();
    let open = task(0, None, Some(Due::on(date!(2026 - 03 - 10))));
    let just_before = Moment {
        now: datetime!(2026-03-11 03:59:59 UTC),
        ..at(&zone)
    };
    assert_eq!(steps(&open.mark_overdue(&just_before)), []);
    let midnight = Moment {
        now: datetime!(2026-03-11 04:00 UTC),
        ..at(&zone)
    };
    let overdue = open.mark_overdue(&midnight);
    assert_eq!(steps(&overdue), [(TaskEvent::Overdue, TaskStatus::Overdue)]);
    assert_eq!(
        steps(&overdue.task.mark_overdue(&midnight)),
        [],
        "a second wake-up changes nothing"
    );
    let on_hold = Moment {
        deadlines: Deadlines::Paused,
        ..midnight
    };
    assert_eq!(
        steps(&open.mark_overdue(&on_hold)),
        [],
        "nothing becomes overdue on hold"
    );
}

#[test]
fn moving_the_due_date_to_the_future_ends_overdue_and_to_the_past_begins_it() {
    let zone = new_york();
    let overdue = task(0, Some(user(1)), Some(Due::on(date!(2026 - 03 - 09))));
    let moved = overdue
        .reschedule(Some(Due::on(date!(2026 - 03 - 20))), 0, &at(&zone))
        .unwrap();
    assert_eq!(
        steps(&moved),
        [(TaskEvent::Updated, TaskStatus::InProgress)]
    );
    let back = moved
        .task
        .reschedule(Some(Due::on(date!(2026 - 03 - 01))), 0, &at(&zone))
        .unwrap();
    assert_eq!(
        steps(&back),
        [
            (TaskEvent::Updated, TaskStatus::InProgress),
            (TaskEvent::Overdue, TaskStatus::Overdue)
        ]
    );
}

#[test]
fn an_edit_that_changes_nothing_is_no_transition_and_a_new_due_date_is_pinned() {
    let zone = new_york();
    let open = task(0, None, None);
    let same = new_task(0, None, None).fields;
    assert_eq!(
        open.edit(same.clone(), DueEdit::Keep, &at(&zone)),
        Ok(Change::none(&open))
    );
    let dated = DueEdit::Pin(Some(Due::on(date!(2026 - 04 - 01))));
    let change = open.edit(same, dated, &at(&zone)).unwrap();
    assert!(change.task.due_pinned);
    assert_eq!(steps(&change), [(TaskEvent::Updated, TaskStatus::Pending)]);
}

#[test]
fn a_date_written_by_hand_pins_also_where_it_says_the_same() {
    let zone = new_york();
    let due = Some(Due::on(date!(2026 - 04 - 01)));
    let (open, same) = (task(0, None, due), new_task(0, None, due).fields);
    let pinned = open
        .edit(same.clone(), DueEdit::Pin(due), &at(&zone))
        .unwrap();
    assert!(pinned.task.due_pinned);
    assert_eq!(steps(&pinned), [(TaskEvent::Updated, TaskStatus::Pending)]);
    let again = pinned.task.edit(same, DueEdit::Pin(due), &at(&zone));
    assert_eq!(again, Ok(Change::none(&pinned.task)));
}

#[test]
fn a_finished_task_keeps_its_date_and_what_decided_it() {
    let zone = new_york();
    let due = Some(Due::on(date!(2026 - 04 - 01)));
    let fields = new_task(0, None, due).fields;
    let done = task(0, None, due)
        .complete(completing(user(1)), &at(&zone))
        .unwrap()
        .task;
    for same in [DueEdit::Pin(due), DueEdit::Follow(due)] {
        let change = done.edit(fields.clone(), same, &at(&zone));
        assert_eq!(change, Ok(Change::none(&done)), "{same:?}");
    }
    for other in [DueEdit::Pin(None), DueEdit::Follow(None)] {
        let refused = done.edit(fields.clone(), other, &at(&zone));
        assert_eq!(refused, Err(Rejection::TaskAlreadyDone), "{other:?}");
    }
}

#[test]
fn a_hold_moves_a_date_itself_and_no_task_without_one() {
    let zone = new_york();
    let dated = task(0, None, Some(Due::on(date!(2026 - 03 - 20))));
    let later = dated.postpone(4, &at(&zone)).unwrap();
    assert_eq!(later.task.due, Some(Due::on(date!(2026 - 03 - 24))));
    assert!(!later.task.due_pinned, "a hold pins nothing");
    assert_eq!(steps(&later), [(TaskEvent::Updated, TaskStatus::Pending)]);
    let undated = task(0, None, None);
    assert_eq!(undated.postpone(4, &at(&zone)), Ok(Change::none(&undated)));
}

#[test]
fn whoever_sets_a_date_takes_the_days_of_holds_away() {
    let zone = new_york();
    let due = |day| Some(Due::on(day));
    let ruled = task(0, None, due(date!(2026 - 03 - 20)));
    let shifted = ruled
        .reschedule(due(date!(2026 - 03 - 24)), 4, &at(&zone))
        .unwrap()
        .task;
    let fields = new_task(0, None, None).fields;
    for by_hand in [
        DueEdit::Pin(due(date!(2026 - 03 - 30))),
        DueEdit::Follow(due(date!(2026 - 03 - 21))),
    ] {
        let change = shifted.edit(fields.clone(), by_hand, &at(&zone)).unwrap();
        assert_eq!(change.task.shift_days, 0, "{by_hand:?}");
    }
}

#[test]
fn only_a_task_that_nobody_started_can_be_deleted() {
    assert!(task(0, None, None).delete().is_ok());
    assert!(
        task(1, Some(user(1)), None).delete().is_ok(),
        "assigned but blocked is not started"
    );
    assert_eq!(
        task(0, Some(user(1)), None).delete(),
        Err(Rejection::TaskStarted)
    );
}

#[test]
fn assigning_the_same_person_again_is_no_transition() {
    let assigned = task(0, None, None).assign(Some(user(1))).unwrap();
    assert_eq!(
        steps(&assigned),
        [(TaskEvent::Assigned, TaskStatus::InProgress)]
    );
    assert_eq!(steps(&assigned.task.assign(Some(user(1))).unwrap()), []);
    let taken = assigned.task.assign(None).unwrap();
    assert_eq!(steps(&taken), [(TaskEvent::Assigned, TaskStatus::Pending)]);
}

/// Three tasks in a row, `first ← second ← third`, all of the given completeness.
fn chain(completed: usize) -> (BTreeMap<Uuid, Task>, BTreeMap<Uuid, BTreeSet<Uuid>>) {
    let zone = new_york();
    let mut tasks = BTreeMap::new();
    let mut waits_for = BTreeMap::new();
    for number in 1..=3_usize {
        let id = user(number as u128);
        let open = u32::from(number > 1 && number - 1 > completed);
        let mut new = new_task(open, Some(user(9)), None);
        new.id = id;
        let mut task = Task::create(new, &at(&zone)).unwrap().task;
        if number <= completed {
            task = task.complete(completing(user(9)), &at(&zone)).unwrap().task;
        }
        tasks.insert(id, task);
        let prerequisites = (number > 1)
            .then(|| user(number as u128 - 1))
            .into_iter()
            .collect();
        waits_for.insert(id, prerequisites);
    }
    (tasks, waits_for)
}

#[test]
fn reopening_blocks_an_open_dependent_again_and_begins_a_new_episode() {
    let zone = new_york();
    let (tasks, waits_for) = chain(1);
    let changes = reopen(user(1), &tasks, &waits_for, Dependents::Refuse, &at(&zone)).unwrap();
    let seen: Vec<_> = changes
        .iter()
        .map(|change| (change.task.id, steps(change), change.task.episode))
        .collect();
    assert_eq!(
        seen,
        [
            (
                user(1),
                vec![(TaskEvent::Reopened, TaskStatus::InProgress)],
                1
            ),
            (user(2), vec![(TaskEvent::Blocked, TaskStatus::Blocked)], 2),
        ]
    );
}

#[test]
fn reopening_is_refused_while_a_dependent_is_completed_unless_that_is_reopened_as_well() {
    let zone = new_york();
    let (tasks, waits_for) = chain(3);
    let refusal = reopen(user(1), &tasks, &waits_for, Dependents::Refuse, &at(&zone));
    assert_eq!(
        refusal,
        Err(Rejection::TaskDependentDone {
            dependents: vec![user(2)]
        })
    );
    let changes = reopen(user(1), &tasks, &waits_for, Dependents::Reopen, &at(&zone)).unwrap();
    let seen: Vec<_> = changes
        .iter()
        .map(|change| (steps(change), change.task.episode))
        .collect();
    assert_eq!(
        seen,
        [
            (vec![(TaskEvent::Reopened, TaskStatus::InProgress)], 1),
            (vec![(TaskEvent::Reopened, TaskStatus::Blocked)], 2),
            (vec![(TaskEvent::Reopened, TaskStatus::Blocked)], 2),
        ]
    );
}

#[test]
fn an_open_task_cannot_be_reopened() {
    let zone = new_york();
    let (tasks, waits_for) = chain(0);
    let refusal = reopen(user(1), &tasks, &waits_for, Dependents::Reopen, &at(&zone));
    assert_eq!(refusal, Err(Rejection::TaskNotDone));
}

#[test]
fn everybody_completes_its_own_task_and_only_managers_those_of_others() {
    let actor = |role| Actor {
        user_id: user(1),
        permissions: default_permissions(role),
    };
    let (own, others, nobodys) = (
        task(0, Some(user(1)), None),
        task(0, Some(user(2)), None),
        task(0, None, None),
    );
    let expected = [
        (Role::Buyer, true, false, false),
        (Role::BuyerAgent, true, false, true),
        (Role::TransactionCoordinator, true, true, true),
        (Role::Admin, true, true, true),
    ];
    for (role, may_own, may_others, may_nobodys) in expected {
        let actor = actor(role);
        assert_eq!(
            may_complete(&own, &actor).is_ok(),
            may_own,
            "{role}, its own task"
        );
        assert_eq!(
            may_complete(&others, &actor).is_ok(),
            may_others,
            "{role}, another's task"
        );
        assert_eq!(
            may_complete(&nobodys, &actor).is_ok(),
            may_nobodys,
            "{role}, an unassigned task"
        );
    }
    assert!(may_see(&own, &actor(Role::Buyer)) && !may_see(&others, &actor(Role::Buyer)));
}

#[test]
fn an_inconsistent_row_is_not_restored() {
    let good = task(1, None, None).into_state();
    assert!(Task::restore(good.clone()).is_ok());
    let wrong_status = TaskState {
        status: TaskStatus::Pending,
        ..good.clone()
    };
    let why = Task::restore(wrong_status).map_err(|error| error.why);
    assert_eq!(why, Err("its status does not follow from its facts"));
    let pinned_and_shifted = TaskState {
        due_pinned: true,
        shift_days: 1,
        ..good.clone()
    };
    assert!(Task::restore(pinned_and_shifted).is_err());
    assert!(Task::restore(TaskState { version: 0, ..good }).is_err());
}
