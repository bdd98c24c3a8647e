//! The state of a key date, from the work that is due on it and the days that pass.
//!
//! Work is *due on* a key date if its due rule is that date itself: delivering the deposit is due on
//! `earnest_money_due`, confirming its receipt two days later is not. From that work follow four states, as a
//! coordinator uses the words:
//!
//! - SATISFIED: all of it is finished and some of it was done, in time or late; each task says itself whether it was
//!   late.
//! - WAIVED: all of it was waived.
//! - MISSED: some of it is open although the date has passed. While the deal is on hold nothing new is missed.
//! - EXTENDED: somebody moved a date that was fixed to a later day, once the deal ran. A correction of a draft, an
//!   earlier day and a move that merely follows another date are no extensions.
//!
//! They hold in this order. Finishing the work late ends MISSED, as does a date in the future; reopening the work
//! brings the date back to what its rule says. A date without work due on it is never satisfied, waived or missed.

use time::Date;

use super::{DateHold, KeyDateState, PlannedDate, has_ceased};
use crate::{
    task::{Due, Moment, TaskState},
    template::{RuleAnchor, TaskRule, Template},
};

/// The template's tasks that are due on a key date itself.
pub fn due_on<'t>(template: &'t Template, key: &str) -> impl Iterator<Item = &'t TaskRule> {
    template.tasks.iter().filter(
        move |task| matches!(&task.due.anchor, RuleAnchor::KeyDate(anchor) if anchor == key && is_due_on_a_date(task)),
    )
}

/// Whether a task is due on a key date itself.
#[must_use]
pub const fn is_due_on_a_date(task: &TaskRule) -> bool {
    matches!(task.due.anchor, RuleAnchor::KeyDate(_)) && task.due.counting.offset_days == 0
}

/// How far the work is that is due on a key date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DueWork {
    /// There is none.
    Nothing,
    /// Some is open.
    Open,
    /// All is finished, and some of it was done.
    Done,
    /// All was waived.
    Waived,
}

impl DueWork {
    /// How far these tasks are. Those that ceased to apply do not count.
    pub fn of<'t>(tasks: impl Iterator<Item = &'t TaskState>) -> Self {
        tasks
            .filter(|task| !has_ceased(task))
            .fold(Self::Nothing, |work, task| {
                let this = match (task.status.is_done(), &task.facts.completed) {
                    (false, _) => Self::Open,
                    (true, Some(_)) => Self::Done,
                    (true, None) => Self::Waived,
                };
                match (work, this) {
                    (Self::Open, _) | (_, Self::Open) => Self::Open,
                    (Self::Done, _) | (_, Self::Done) => Self::Done,
                    _ => Self::Waived,
                }
            })
    }

    /// Why the date keeps its value, if this is a reason: finished work keeps it.
    #[must_use]
    pub const fn hold(self) -> Option<DateHold> {
        match self {
            Self::Done => Some(DateHold::Satisfied),
            Self::Waived => Some(DateHold::Waived),
            Self::Nothing | Self::Open => None,
        }
    }
}

/// A key date as it was before a computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its state.
    pub state: KeyDateState,
    /// Its value.
    pub date: Option<Date>,
}

/// Who moves a key date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Nobody, or only with another date.
    None,
    /// Somebody by hand, in a deal that has left the draft.
    ByHand,
}

/// The state of a key date after a computation.
#[must_use]
pub fn standing_after(
    planned: &PlannedDate,
    before: Standing,
    moved: Move,
    work: DueWork,
    moment: &Moment<'_>,
) -> KeyDateState {
    let Some(date) = planned.date else {
        return planned.state;
    };
    if planned.state == KeyDateState::NotApplicable {
        return planned.state;
    }
    let due = Due {
        date,
        time_of_day: planned.time_of_day,
    };
    let was_missed = before.state == KeyDateState::Missed;
    match work {
        DueWork::Done => KeyDateState::Satisfied,
        DueWork::Waived => KeyDateState::Waived,
        DueWork::Open if moment.has_passed(Some(due), was_missed) => KeyDateState::Missed,
        DueWork::Open | DueWork::Nothing if is_extended(date, before, moved) => {
            KeyDateState::Extended
        }
        DueWork::Open | DueWork::Nothing => planned.state,
    }
}

fn is_extended(date: Date, before: Standing, moved: Move) -> bool {
    let was_fixed = matches!(
        before.state,
        KeyDateState::Scheduled | KeyDateState::Extended | KeyDateState::Missed
    );
    match moved {
        Move::ByHand => was_fixed && before.date.is_some_and(|before| before < date),
        Move::None => before.state == KeyDateState::Extended && before.date == Some(date),
    }
}

#[cfg(test)]
mod tests {
    use time::{OffsetDateTime, macros::datetime};

    use super::*;
    use crate::{task::Deadlines, zone::Zone};

    const DUE: Date = time::macros::date!(2026 - 03 - 12);

    fn planned() -> PlannedDate {
        PlannedDate {
            key: "earnest_money_due".to_owned(),
            title: "Earnest money due".to_owned(),
            date: Some(DUE),
            time_of_day: None,
            state: KeyDateState::Scheduled,
            pinned: false,
            rule: None,
            rule_date: None,
            held: None,
            contractual: false,
            regulatory: false,
            buyer_visible: true,
        }
    }

    fn settled(
        now: OffsetDateTime,
        deadlines: Deadlines,
        before: (KeyDateState, Option<Date>),
        moved: Move,
        work: DueWork,
    ) -> KeyDateState {
        let zone = Zone::parse("America/New_York").unwrap();
        let moment = Moment {
            now,
            zone: &zone,
            deadlines,
        };
        let (state, date) = before;
        standing_after(&planned(), Standing { state, date }, moved, work, &moment)
    }

    #[test]
    fn a_date_is_missed_from_the_next_midnight_of_the_deal_until_its_work_is_finished() {
        let before = (KeyDateState::Scheduled, Some(DUE));
        let (last, first) = (
            datetime!(2026-03-13 03:59:59 UTC),
            datetime!(2026-03-13 04:00 UTC),
        );
        for (now, deadlines, work, state, why) in [
            (
                last,
                Deadlines::Running,
                DueWork::Open,
                KeyDateState::Scheduled,
                "the day is not over",
            ),
            (
                first,
                Deadlines::Running,
                DueWork::Open,
                KeyDateState::Missed,
                "the day is over",
            ),
            (
                first,
                Deadlines::Paused,
                DueWork::Open,
                KeyDateState::Scheduled,
                "the deal is on hold",
            ),
            (
                first,
                Deadlines::Running,
                DueWork::Nothing,
                KeyDateState::Scheduled,
                "nothing was due",
            ),
            (
                first,
                Deadlines::Running,
                DueWork::Done,
                KeyDateState::Satisfied,
                "it was done late",
            ),
            (
                last,
                Deadlines::Running,
                DueWork::Done,
                KeyDateState::Satisfied,
                "it was done",
            ),
            (
                first,
                Deadlines::Running,
                DueWork::Waived,
                KeyDateState::Waived,
                "nobody insists",
            ),
        ] {
            assert_eq!(
                settled(now, deadlines, before, Move::None, work),
                state,
                "{why}"
            );
        }
        let missed = (KeyDateState::Missed, Some(DUE));
        assert_eq!(
            settled(first, Deadlines::Paused, missed, Move::None, DueWork::Open),
            KeyDateState::Missed,
            "a hold forgives nothing"
        );
    }

    #[test]
    fn only_a_later_day_set_by_hand_extends_a_date_that_was_fixed() {
        let earlier = DUE.previous_day();
        let later = DUE.next_day();
        for (before, moved, state, why) in [
            (
                (KeyDateState::Scheduled, earlier),
                Move::ByHand,
                KeyDateState::Extended,
                "it was moved later",
            ),
            (
                (KeyDateState::Missed, earlier),
                Move::ByHand,
                KeyDateState::Extended,
                "it had been missed",
            ),
            (
                (KeyDateState::Extended, Some(DUE)),
                Move::None,
                KeyDateState::Extended,
                "it stays so",
            ),
            (
                (KeyDateState::Extended, earlier),
                Move::None,
                KeyDateState::Scheduled,
                "it follows another date",
            ),
            (
                (KeyDateState::Scheduled, later),
                Move::ByHand,
                KeyDateState::Scheduled,
                "it was moved earlier",
            ),
            (
                (KeyDateState::Scheduled, earlier),
                Move::None,
                KeyDateState::Scheduled,
                "nobody moved it by hand",
            ),
            (
                (KeyDateState::Projected, earlier),
                Move::ByHand,
                KeyDateState::Scheduled,
                "it was an estimate",
            ),
            (
                (KeyDateState::Tbd, None),
                Move::ByHand,
                KeyDateState::Scheduled,
                "it had no day",
            ),
        ] {
            let now = datetime!(2026-03-01 12:00 UTC);
            let after = settled(now, Deadlines::Running, before, moved, DueWork::Open);
            assert_eq!(after, state, "{why}");
        }
    }
}
