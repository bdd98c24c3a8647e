//! Time-driven actions on a deal's open tasks: reminders, overdue marks, escalations, and when to look again.
//!
//! Pure decisions for the deal's workflow. They can be asked at any time and any number of times: each action has a key
//! that stays the same, and what was done already is left out.
//!
//! A reminder is for somebody who can act on it, at an hour at which people work. So there is none of a task that waits
//! for others, and one whose instant had passed before there was anybody to remind goes out on the next morning.

use std::{collections::BTreeSet, fmt};

use time::{Date, Duration, OffsetDateTime, Time, macros::time};
use uuid::Uuid;

use crate::{
    party::PartyRole,
    task::{Deadlines, Due},
    words::upper_snake_enum,
    zone::Zone,
};

/// How many days before the due date a task's assignee is reminded.
pub const REMIND_DAYS_BEFORE: [i64; 2] = [3, 1];
/// How many days after the due date an overdue task is escalated.
pub const ESCALATE_DAYS_AFTER: i64 = 3;
/// The time of day, in the property's time zone, at which reminders go out.
pub const REMIND_AT: Time = time!(9:00);

upper_snake_enum! {
    /// What is to be done about a task.
    ActionKind {
        /// Remind the assignee that it is due in three days.
        RemindThreeDays = "REMIND_THREE_DAYS",
        /// Remind the assignee that it is due in a day.
        RemindOneDay = "REMIND_ONE_DAY",
        /// Mark it overdue, and notify assignee and coordinator.
        MarkOverdue = "MARK_OVERDUE",
        /// Notify the administrators that it has been overdue for three days.
        Escalate = "ESCALATE",
        /// Notify those who follow it up: the day to ask again has come.
        FollowUp = "FOLLOW_UP",
    }
}

/// An open task, as far as the clock is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenTask {
    /// The task.
    pub id: Uuid,
    /// When it is due.
    pub due: Due,
    /// Who is to do it.
    pub assignee_id: Option<Uuid>,
    /// Whether it is marked overdue already.
    pub is_overdue: bool,
    /// Whether it waits for other tasks, so that nobody can act on it.
    pub is_blocked: bool,
    /// When its state last changed: since then it is open, with this assignee, due date and blocked state, in a running
    /// deal.
    pub since: OffsetDateTime,
}

/// An open task that somebody follows up on a day that was set, as far as the clock is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Followed {
    /// The task.
    pub id: Uuid,
    /// The day on which to ask again.
    pub on: Date,
    /// Whether it waits for other tasks, so that there is nothing to ask for.
    pub is_blocked: bool,
    /// Since when somebody could be reminded of it, as of [`OpenTask`].
    pub since: OffsetDateTime,
}

/// Names an action for good: the task, the due date it belongs to (of a follow-up, its day), and the kind. A moved date
/// makes new actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionKey {
    /// The task.
    pub task_id: Uuid,
    /// The due date, or the day of the follow-up.
    pub due: Due,
    /// What is to be done.
    pub kind: ActionKind,
}

/// The key as a text, for idempotency keys and workflow state.
impl fmt::Display for ActionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.task_id, self.due.date)?;
        if let Some(time) = self.due.time_of_day {
            write!(formatter, "T{:02}{:02}", time.hour(), time.minute())?;
        }
        write!(formatter, ":{}", self.kind)
    }
}

/// Something to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its name.
    pub key: ActionKey,
    /// The instant from which it was to be done.
    pub from: OffsetDateTime,
    /// Who is to do the task.
    pub assignee_id: Option<Uuid>,
}

/// What to do now, and when to look again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// What to do now, by the instant from which it was to be done.
    pub actions: Vec<Action>,
    /// The next instant at which there will be something to do; `None` if nothing is foreseen.
    pub next_wake_up: Option<OffsetDateTime>,
}

impl Decision {
    /// Looks again at this instant, if not before.
    fn wake_up_at(&mut self, from: OffsetDateTime) {
        let earlier = self.next_wake_up.map_or(from, |known| known.min(from));
        self.next_wake_up = Some(earlier);
    }

    fn sorted(mut self) -> Self {
        self.actions.sort_by_key(|action| (action.from, action.key));
        self
    }
}

/// Somebody who gets the reminders of a task, and the notice that it is overdue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reminded {
    /// Who is to do it.
    User(Uuid),
    /// Those with the part that follows it up.
    Part(PartyRole),
    /// The deal's coordinators.
    Coordinators,
}

/// Who is reminded of a task: its assignee, and those who chase it. The coordinators, where it has neither.
#[must_use]
pub fn reminded(assignee_id: Option<Uuid>, chased_by: Option<PartyRole>) -> Vec<Reminded> {
    let assignee = assignee_id.map(Reminded::User);
    let chaser = chased_by.map(Reminded::Part);
    let reminded: Vec<Reminded> = assignee.into_iter().chain(chaser).collect();
    if reminded.is_empty() {
        return vec![Reminded::Coordinators];
    }
    reminded
}

/// Who is reminded to ask for a task again: those who chase it, else the coordinators.
#[must_use]
pub fn asking_again(chased_by: Option<PartyRole>) -> Reminded {
    chased_by.map_or(Reminded::Coordinators, Reminded::Part)
}

/// Decides for the open tasks of one deal that are followed up, as [`decide`] does for what is due: on the morning of
/// the day, or on the next one after it came to be open and free.
#[must_use]
pub fn follow_ups(
    tasks: &[Followed],
    zone: &Zone,
    deadlines: Deadlines,
    done: &BTreeSet<String>,
    now: OffsetDateTime,
) -> Decision {
    let mut decision = Decision::default();
    if deadlines == Deadlines::Paused {
        return decision;
    }
    for task in tasks.iter().filter(|task| !task.is_blocked) {
        let Some(from) = morning_since(task.since, task.on, zone) else {
            continue;
        };
        if from > now {
            decision.wake_up_at(from);
            continue;
        }
        let key = ActionKey {
            task_id: task.id,
            due: Due::on(task.on),
            kind: ActionKind::FollowUp,
        };
        if !done.contains(&key.to_string()) {
            decision.actions.push(Action {
                key,
                from,
                assignee_id: None,
            });
        }
    }
    decision.sorted()
}

/// Decides for the open tasks of one deal. `done` holds the texts of the [`ActionKey`]s that were done.
///
/// Nobody is reminded of a task that waits for others, or of what is overdue. A reminder whose instant lies before
/// `since` comes at the next 09:00, if the task is not overdue by then and no later reminder comes with it: 'due
/// tomorrow' makes 'due in three days' superfluous. While deadlines are paused there is nothing to do and nothing to
/// wait for.
#[must_use]
pub fn decide(
    tasks: &[OpenTask],
    zone: &Zone,
    deadlines: Deadlines,
    done: &BTreeSet<String>,
    now: OffsetDateTime,
) -> Decision {
    let mut decision = Decision::default();
    if deadlines == Deadlines::Paused {
        return decision;
    }
    for task in tasks {
        let moments = moments(task, zone);
        // Of what has come, only the last reminder counts; marking and escalating are both due for good.
        let latest = moments.iter().rposition(|(_, from)| *from <= now);
        for (index, (kind, from)) in moments.iter().enumerate() {
            if *from > now {
                decision.wake_up_at(*from);
                continue;
            }
            let is_superseded = match kind {
                ActionKind::RemindThreeDays | ActionKind::RemindOneDay => latest != Some(index),
                ActionKind::MarkOverdue => task.is_overdue,
                ActionKind::Escalate | ActionKind::FollowUp => false,
            };
            let key = ActionKey {
                task_id: task.id,
                due: task.due,
                kind: *kind,
            };
            if !is_superseded && !done.contains(&key.to_string()) {
                decision.actions.push(Action {
                    key,
                    from: *from,
                    assignee_id: task.assignee_id,
                });
            }
        }
    }
    decision.sorted()
}

/// The reminders of a task that are still to come if it stays as it is, with their instants.
#[must_use]
pub fn to_come(
    task: &OpenTask,
    zone: &Zone,
    deadlines: Deadlines,
    now: OffsetDateTime,
) -> Vec<(ActionKind, OffsetDateTime)> {
    if deadlines == Deadlines::Paused {
        return Vec::new();
    }
    let overdue = zone.overdue_from(task.due.date, task.due.time_of_day).ok();
    let mut reminders = reminders(task, zone, overdue);
    reminders.retain(|(_, from)| *from > now);
    reminders
}

/// What comes when, in order. Instants outside the calendar never come.
fn moments(task: &OpenTask, zone: &Zone) -> Vec<(ActionKind, OffsetDateTime)> {
    let due = task.due;
    let overdue = zone.overdue_from(due.date, due.time_of_day).ok();
    let escalated = due
        .date
        .checked_add(Duration::days(ESCALATE_DAYS_AFTER))
        .and_then(|date| zone.overdue_from(date, due.time_of_day).ok());
    let mut moments = reminders(task, zone, overdue);
    moments.extend(overdue.map(|from| (ActionKind::MarkOverdue, from)));
    moments.extend(escalated.map(|from| (ActionKind::Escalate, from)));
    moments
}

/// When to remind of the task, which is overdue from then on. Of reminders that would come together only the last is left.
fn reminders(
    task: &OpenTask,
    zone: &Zone,
    overdue: Option<OffsetDateTime>,
) -> Vec<(ActionKind, OffsetDateTime)> {
    let mut reminders: Vec<(ActionKind, OffsetDateTime)> = Vec::new();
    if task.is_blocked {
        return reminders;
    }
    let [three, one] = REMIND_DAYS_BEFORE;
    for (kind, days) in [
        (ActionKind::RemindThreeDays, three),
        (ActionKind::RemindOneDay, one),
    ] {
        let planned = task.due.date.checked_sub(Duration::days(days));
        let Some(from) = planned.and_then(|date| morning_since(task.since, date, zone)) else {
            continue;
        };
        if overdue.is_some_and(|overdue| from < overdue) {
            reminders.retain(|(_, earlier)| *earlier < from);
            reminders.push((kind, from));
        }
    }
    reminders
}

/// 09:00 of the date, or the first one at or after `since` where that is later.
fn morning_since(since: OffsetDateTime, date: Date, zone: &Zone) -> Option<OffsetDateTime> {
    let planned = zone.at(date, REMIND_AT).ok()?;
    if planned >= since {
        return Some(planned);
    }
    let today = zone.local_date(since);
    let same_day = zone.at(today, REMIND_AT).ok()?;
    if same_day >= since {
        return Some(same_day);
    }
    zone.at(today.next_day()?, REMIND_AT).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::macros::{date, datetime};

    type Came = (ActionKind, OffsetDateTime);

    fn zone() -> Zone {
        Zone::parse("America/New_York").unwrap()
    }

    fn task(due: Due) -> OpenTask {
        OpenTask {
            id: Uuid::from_u128(7),
            due,
            assignee_id: None,
            is_overdue: false,
            is_blocked: false,
            since: OffsetDateTime::UNIX_EPOCH,
        }
    }

    /// Everything that comes for one task if each wake-up is kept, with its instant.
    fn course(task: OpenTask, mut now: OffsetDateTime) -> Vec<Came> {
        let (mut done, mut course) = (BTreeSet::new(), Vec::new());
        loop {
            let decision = decide(&[task], &zone(), Deadlines::Running, &done, now);
            for action in decision.actions {
                assert!(done.insert(action.key.to_string()), "{} twice", action.key);
                course.push((action.key.kind, action.from));
            }
            let Some(next) = decision.next_wake_up else {
                return course;
            };
            assert!(next > now, "a wake-up lies ahead");
            now = next;
        }
    }

    fn kinds(decision: &Decision) -> Vec<ActionKind> {
        decision
            .actions
            .iter()
            .map(|action| action.key.kind)
            .collect()
    }

    const DUE: Due = Due::on(date!(2026 - 03 - 10));

    #[test]
    fn a_task_is_reminded_of_marked_and_escalated_in_its_time() {
        use ActionKind as K;
        let cases: [(OffsetDateTime, &[K], Option<OffsetDateTime>, &str); 6] = [
            (
                datetime!(2026-03-07 13:59 UTC),
                &[],
                Some(datetime!(2026-03-07 14:00 UTC)),
                "just before nine",
            ),
            (
                datetime!(2026-03-07 14:00 UTC),
                &[K::RemindThreeDays],
                Some(datetime!(2026-03-09 13:00 UTC)),
                "summer time between",
            ),
            (
                datetime!(2026-03-09 13:00 UTC),
                &[K::RemindOneDay],
                Some(datetime!(2026-03-11 04:00 UTC)),
                "the day before",
            ),
            (
                datetime!(2026-03-11 03:59 UTC),
                &[K::RemindOneDay],
                Some(datetime!(2026-03-11 04:00 UTC)),
                "the due day's last minute",
            ),
            (
                datetime!(2026-03-11 04:00 UTC),
                &[K::MarkOverdue],
                Some(datetime!(2026-03-14 04:00 UTC)),
                "the day is over",
            ),
            (
                datetime!(2026-03-14 04:00 UTC),
                &[K::MarkOverdue, K::Escalate],
                None,
                "three days late, never marked",
            ),
        ];
        for (now, expected, wake_up, reason) in cases {
            let decision = decide(
                &[task(DUE)],
                &zone(),
                Deadlines::Running,
                &BTreeSet::new(),
                now,
            );
            assert_eq!(
                (kinds(&decision), decision.next_wake_up),
                (expected.to_vec(), wake_up),
                "{reason}"
            );
        }
    }

    #[test]
    fn what_was_done_is_not_done_again_until_the_due_date_moves() {
        let now = datetime!(2026-03-11 04:00 UTC);
        let key = ActionKey {
            task_id: Uuid::from_u128(7),
            due: DUE,
            kind: ActionKind::MarkOverdue,
        };
        assert_eq!(
            key.to_string(),
            "00000000-0000-0000-0000-000000000007:2026-03-10:MARK_OVERDUE"
        );
        let done = BTreeSet::from([key.to_string()]);
        let again = decide(&[task(DUE)], &zone(), Deadlines::Running, &done, now);
        assert_eq!(kinds(&again), []);
        let moved = task(Due::on(date!(2026 - 03 - 09)));
        assert_eq!(
            kinds(&decide(&[moved], &zone(), Deadlines::Running, &done, now)),
            [ActionKind::MarkOverdue]
        );
        let marked = OpenTask {
            is_overdue: true,
            ..task(DUE)
        };
        assert_eq!(
            kinds(&decide(
                &[marked],
                &zone(),
                Deadlines::Running,
                &BTreeSet::new(),
                now
            )),
            []
        );
    }

    #[test]
    fn on_hold_there_is_nothing_to_do_and_nothing_to_wait_for() {
        let now = datetime!(2026-04-01 04:00 UTC);
        let decision = decide(
            &[task(DUE)],
            &zone(),
            Deadlines::Paused,
            &BTreeSet::new(),
            now,
        );
        assert_eq!(decision, Decision::default());
    }

    #[test]
    fn who_follows_up_is_reminded_on_the_morning_of_the_day_and_once() {
        let followed = Followed {
            id: Uuid::from_u128(7),
            on: date!(2026 - 03 - 10),
            is_blocked: false,
            since: OffsetDateTime::UNIX_EPOCH,
        };
        let morning = datetime!(2026-03-10 13:00 UTC);
        let blocked = Followed {
            is_blocked: true,
            ..followed
        };
        let freed = Followed {
            since: datetime!(2026-03-10 20:00 UTC),
            ..followed
        };
        let next_morning = datetime!(2026-03-11 13:00 UTC);
        let cases = [
            (
                followed,
                morning - Duration::MINUTE,
                0,
                Some(morning),
                "before",
            ),
            (followed, morning, 1, None, "on the day"),
            (blocked, morning, 0, None, "there is nothing to ask for"),
            (
                freed,
                next_morning - Duration::MINUTE,
                0,
                Some(next_morning),
                "free since the evening",
            ),
            (freed, next_morning, 1, None, "on the next morning"),
        ];
        for (task, now, count, wake_up, why) in cases {
            let asked = |deadlines, done: &BTreeSet<String>| {
                follow_ups(&[task], &zone(), deadlines, done, now)
            };
            let decision = asked(Deadlines::Running, &BTreeSet::new());
            assert_eq!(decision.actions.len(), count, "{why}");
            assert_eq!(decision.next_wake_up, wake_up, "{why}");
            let done = decision.actions.iter().map(|action| action.key.to_string());
            let again = asked(Deadlines::Running, &done.collect());
            assert_eq!(kinds(&again), [], "{why}");
            let on_hold = asked(Deadlines::Paused, &BTreeSet::new());
            assert_eq!(on_hold, Decision::default(), "{why}");
        }
        let key = follow_ups(
            &[followed],
            &zone(),
            Deadlines::Running,
            &BTreeSet::new(),
            morning,
        );
        assert_eq!(
            key.actions[0].key.to_string(),
            "00000000-0000-0000-0000-000000000007:2026-03-10:FOLLOW_UP"
        );
    }

    #[test]
    fn a_time_of_day_makes_the_task_overdue_on_its_day() {
        let due = Due {
            date: date!(2026 - 03 - 10),
            time_of_day: Some(time!(17:00)),
        };
        let now = datetime!(2026-03-10 21:00 UTC);
        let decision = decide(
            &[task(due)],
            &zone(),
            Deadlines::Running,
            &BTreeSet::new(),
            now,
        );
        assert_eq!(kinds(&decision), [ActionKind::MarkOverdue]);
        assert!(
            decision.actions[0]
                .key
                .to_string()
                .ends_with(":2026-03-10T1700:MARK_OVERDUE")
        );
    }

    #[test]
    fn a_reminder_that_came_too_early_goes_out_on_the_next_morning_or_not_at_all() {
        use ActionKind::{RemindOneDay as One, RemindThreeDays as Three};
        let on_day = |day: u8| datetime!(2026-03-01 13:00 UTC) + Duration::days(i64::from(day) - 1);
        let cases: [(OffsetDateTime, Option<Time>, &[Came], &str); 8] = [
            (
                datetime!(2026-03-07 14:00 UTC),
                None,
                &[(Three, datetime!(2026-03-07 14:00 UTC)), (One, on_day(9))],
                "at the very instant it is in time",
            ),
            (
                datetime!(2026-03-07 14:01 UTC),
                None,
                &[(Three, on_day(8)), (One, on_day(9))],
                "a minute late, it comes a day later",
            ),
            (
                datetime!(2026-03-08 03:00 UTC),
                None,
                &[(Three, on_day(8)), (One, on_day(9))],
                "in the night before, it comes in the morning",
            ),
            (
                datetime!(2026-03-08 13:01 UTC),
                None,
                &[(One, on_day(9))],
                "it would come with the later one, and is left out",
            ),
            (
                datetime!(2026-03-09 20:00 UTC),
                None,
                &[(One, on_day(10))],
                "both have passed: the later one, on the morning of the due day",
            ),
            (
                datetime!(2026-03-10 13:01 UTC),
                None,
                &[],
                "after the last morning there is none",
            ),
            (
                datetime!(2026-03-09 20:00 UTC),
                Some(time!(8:30)),
                &[],
                "due before nine, the morning is too late",
            ),
            (
                datetime!(2026-03-20 12:00 UTC),
                None,
                &[],
                "long overdue when it came",
            ),
        ];
        for (since, time_of_day, expected, reason) in cases {
            let due = Due { time_of_day, ..DUE };
            let came = course(OpenTask { since, ..task(due) }, since);
            let reminders: Vec<_> = came
                .iter()
                .filter(|(kind, _)| matches!(kind, Three | One))
                .copied()
                .collect();
            assert_eq!(reminders, expected, "{reason}");
        }
    }

    #[test]
    fn of_a_task_that_waits_nobody_is_reminded_but_it_becomes_overdue_all_the_same() {
        let waiting = OpenTask {
            is_blocked: true,
            ..task(DUE)
        };
        let kinds: Vec<_> = course(waiting, datetime!(2026-03-01 12:00 UTC))
            .into_iter()
            .map(|(kind, _)| kind)
            .collect();
        assert_eq!(kinds, [ActionKind::MarkOverdue, ActionKind::Escalate]);
    }

    proptest! {
        #[test]
        fn reminders_come_in_the_morning_to_somebody_who_can_act_and_never_together(
            due_day in -5..20_i64,
            due_hour in proptest::option::of(0..24_u8),
            since_minutes in 0..20_000_i64,
            is_blocked: bool,
        ) {
            let start = datetime!(2026-03-01 12:00 UTC);
            let since = start + Duration::minutes(since_minutes);
            let due = Due {
                date: start.date() + Duration::days(due_day),
                time_of_day: due_hour.map(|hour| Time::from_hms(hour, 0, 0).unwrap()),
            };
            let task = OpenTask { since, is_blocked, ..task(due) };
            let overdue = zone().overdue_from(due.date, due.time_of_day).unwrap();
            let reminders: Vec<_> = course(task, since)
                .into_iter()
                .filter(|(kind, _)| matches!(kind, ActionKind::RemindThreeDays | ActionKind::RemindOneDay))
                .collect();
            prop_assert!(!is_blocked || reminders.is_empty());
            for (kind, at) in &reminders {
                prop_assert_eq!(zone().at(zone().local_date(*at), REMIND_AT).unwrap(), *at, "{} at another hour", kind);
                prop_assert!(*at >= since && *at < overdue, "{} at {}", kind, at);
            }
            prop_assert!(reminders.windows(2).all(|pair| pair[0].1 < pair[1].1), "{:?}", reminders);
            let has_morning = morning_since(since, zone().local_date(since), &zone()).unwrap() < overdue;
            prop_assert_eq!(reminders.is_empty(), is_blocked || !has_morning, "a reminder where there is a morning for it");
        }

        #[test]
        fn waking_up_when_told_does_everything_once(offsets in proptest::collection::vec(-10..20_i64, 1..6)) {
            let zone = zone();
            let mut now = datetime!(2026-03-01 12:00 UTC);
            let mut tasks: Vec<OpenTask> = offsets
                .iter()
                .enumerate()
                .map(|(number, offset)| OpenTask {
                    id: Uuid::from_u128(number as u128),
                    ..task(Due::on(date!(2026 - 03 - 01) + Duration::days(*offset)))
                })
                .collect();
            let mut done = BTreeSet::new();
            for _ in 0..200 {
                let decision = decide(&tasks, &zone, Deadlines::Running, &done, now);
                for action in decision.actions {
                    prop_assert!(done.insert(action.key.to_string()), "{} twice", action.key);
                    for task in tasks.iter_mut().filter(|task| task.id == action.key.task_id) {
                        task.is_overdue |= action.key.kind == ActionKind::MarkOverdue;
                    }
                }
                let Some(next) = decision.next_wake_up else { break };
                prop_assert!(next > now, "a wake-up lies ahead");
                now = next;
            }
            let count = |kind: ActionKind| done.iter().filter(|key| key.ends_with(kind.as_str())).count();
            prop_assert_eq!(count(ActionKind::MarkOverdue), tasks.len());
            prop_assert_eq!(count(ActionKind::Escalate), tasks.len());
            let ahead = tasks.iter().filter(|task| task.due.date >= date!(2026 - 03 - 05)).count();
            prop_assert!(count(ActionKind::RemindThreeDays) >= ahead);
        }
    }
}
