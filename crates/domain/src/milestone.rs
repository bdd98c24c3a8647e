//! The states of a plan's milestones. They are never set: they follow from the milestone's tasks.

use crate::{task::TaskState, words::upper_snake_enum};

upper_snake_enum! {
    /// The state of a milestone.
    MilestoneState {
        /// Every task in it is done.
        Done = "DONE",
        /// Work on it is possible or has begun.
        Current = "CURRENT",
        /// All of it still waits.
        Upcoming = "UPCOMING",
    }
}

/// How many of a milestone's tasks are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskCounts {
    /// Completed or waived.
    pub done: u32,
    /// Open, and waiting for nothing.
    pub ready: u32,
    /// Open, and waiting for other tasks.
    pub blocked: u32,
}

impl TaskCounts {
    /// Counts one task more.
    #[must_use]
    pub const fn and(mut self, task: &TaskState) -> Self {
        let count = if task.status.is_done() {
            &mut self.done
        } else if task.is_blocked() {
            &mut self.blocked
        } else {
            &mut self.ready
        };
        *count = count.saturating_add(1);
        self
    }

    /// How many tasks there are.
    #[must_use]
    pub const fn total(self) -> u32 {
        self.done
            .saturating_add(self.ready)
            .saturating_add(self.blocked)
    }

    const fn is_done(self) -> bool {
        self.ready == 0 && self.blocked == 0
    }
}

/// The states of a plan's milestones, given in their order.
///
/// Milestones run side by side, so several may be CURRENT: each that has a task which is done or could be. The first
/// that is not done is always CURRENT, so that a timeline has a 'you are here'. A milestone without tasks has nothing
/// to wait for, but it is reached only when everything before it is: it is DONE when all earlier ones are, and UPCOMING
/// until then. It never raises a 'milestone completed' by itself.
#[must_use]
pub fn states(milestones: &[TaskCounts]) -> Vec<MilestoneState> {
    let mut all_done_before = true;
    let mut is_first_open = true;
    let mut states = Vec::with_capacity(milestones.len());
    for counts in milestones {
        let state = if counts.total() == 0 {
            if all_done_before {
                MilestoneState::Done
            } else {
                MilestoneState::Upcoming
            }
        } else if counts.is_done() {
            MilestoneState::Done
        } else if is_first_open || counts.done > 0 || counts.ready > 0 {
            is_first_open = false;
            MilestoneState::Current
        } else {
            MilestoneState::Upcoming
        };
        all_done_before &= state == MilestoneState::Done;
        states.push(state);
    }
    states
}

/// The place of the milestone to name as the deal's current one: the first that is CURRENT. `None` when all are done.
#[must_use]
pub fn current(states: &[MilestoneState]) -> Option<usize> {
    states
        .iter()
        .position(|state| *state == MilestoneState::Current)
}

#[cfg(test)]
mod tests {
    use super::*;
    use MilestoneState::{Current, Done, Upcoming};
    use proptest::prelude::*;

    fn counts(done: u32, ready: u32, blocked: u32) -> TaskCounts {
        TaskCounts {
            done,
            ready,
            blocked,
        }
    }

    #[test]
    fn milestones_run_side_by_side() {
        let plan = [
            counts(3, 0, 0),
            counts(0, 1, 2),
            counts(1, 0, 1),
            counts(0, 0, 4),
        ];
        assert_eq!(states(&plan), [Done, Current, Current, Upcoming]);
        assert_eq!(current(&states(&plan)), Some(1));
    }

    #[test]
    fn a_milestone_without_tasks_is_done_when_all_before_it_are() {
        assert_eq!(
            states(&[counts(0, 0, 0), counts(0, 1, 0), counts(0, 0, 0)]),
            [Done, Current, Upcoming]
        );
        assert_eq!(states(&[counts(1, 0, 0), counts(0, 0, 0)]), [Done, Done]);
    }

    #[test]
    fn the_first_open_milestone_is_current_even_if_everything_in_it_waits_for_a_later_one() {
        assert_eq!(
            states(&[counts(0, 0, 1), counts(0, 1, 0)]),
            [Current, Current]
        );
    }

    proptest! {
        #[test]
        fn there_is_a_current_milestone_exactly_while_tasks_are_open(
            plan in proptest::collection::vec((0..3_u32, 0..3_u32, 0..3_u32), 0..9),
        ) {
            let plan: Vec<_> = plan.into_iter().map(|(d, r, b)| counts(d, r, b)).collect();
            let is_open = plan.iter().any(|counts| counts.ready + counts.blocked > 0);
            prop_assert_eq!(current(&states(&plan)).is_some(), is_open);
        }
    }
}
