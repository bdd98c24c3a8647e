//! What the workflow remembers from round to round and from run to run: events received, steps taken.

use std::collections::{BTreeSet, VecDeque};

use uuid::Uuid;

use super::messages::Carried;
use crate::agenda::{Agenda, Step};

/// So many events are remembered. An older one that comes again only causes a look at the worklist.
const EVENTS_REMEMBERED: usize = 500;

/// Events received and steps taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    events: VecDeque<Uuid>,
    steps: BTreeSet<String>,
    /// Why no plan could be made, as in the last notice.
    pub(super) plan_failure: Option<String>,
    changes_heard: u64,
    runs: u32,
}

impl Memory {
    /// What an earlier run carried over, or nothing; this run counted.
    pub(super) fn recall(carried: Carried) -> Self {
        Self {
            events: carried.events.into(),
            steps: carried.steps.into_iter().collect(),
            plan_failure: carried.plan_failure,
            changes_heard: carried.changes_heard,
            runs: carried.runs + 1,
        }
    }

    /// What the next run is to know.
    pub(super) fn carry(&self) -> Carried {
        Carried {
            events: self.events.iter().copied().collect(),
            steps: self.steps.iter().cloned().collect(),
            plan_failure: self.plan_failure.clone(),
            changes_heard: self.changes_heard,
            runs: self.runs,
        }
    }

    /// Whether this event is new; it is remembered.
    pub(super) fn is_news(&mut self, event_id: Uuid) -> bool {
        if self.events.contains(&event_id) {
            return false;
        }
        if self.events.len() == EVENTS_REMEMBERED {
            self.events.pop_front();
        }
        self.events.push_back(event_id);
        self.changes_heard += 1;
        true
    }

    /// The agenda's steps that have not been taken.
    pub(super) fn not_taken(&self, agenda: Option<&Agenda>) -> Vec<Step> {
        agenda
            .into_iter()
            .flat_map(|agenda| &agenda.steps)
            .filter(|step| !self.steps.contains(&step.key))
            .cloned()
            .collect()
    }

    /// Remembers a step as taken.
    pub(super) fn taken(&mut self, key: &str) {
        self.steps.insert(key.to_owned());
    }

    /// Forgets steps that are no longer asked for, so that what is remembered stays small.
    pub(super) fn keep_only(&mut self, asked_for: &[Step]) {
        let keys: BTreeSet<&str> = asked_for.iter().map(|step| step.key.as_str()).collect();
        self.steps.retain(|key| keys.contains(key.as_str()));
    }

    /// Different events received since the deal's workflow began.
    pub(super) const fn changes_heard(&self) -> u64 {
        self.changes_heard
    }

    /// Runs so far, this one included.
    pub(super) const fn runs(&self) -> u32 {
        self.runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_news_once_also_in_the_next_run() {
        let event = Uuid::from_u128(7);
        let mut memory = Memory::recall(Carried::default());
        assert!(memory.is_news(event));
        assert!(!memory.is_news(event));
        let mut next = Memory::recall(memory.carry());
        assert!(!next.is_news(event));
        assert_eq!((next.runs(), next.changes_heard()), (2, 1));
    }

    #[test]
    fn what_is_carried_over_is_bounded() {
        let mut memory = Memory::recall(Carried::default());
        for number in 0..2_000 {
            memory.is_news(Uuid::from_u128(number));
        }
        assert_eq!(memory.carry().events.len(), EVENTS_REMEMBERED);
    }
}
