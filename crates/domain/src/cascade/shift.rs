//! Moving due dates by the days that a deal was on hold.
//!
//! The days are kept beside a task's rule and added to what the rule says, so that the task still follows when its
//! anchor moves later. Each date takes them once: one that is counted from open work moves with that work.

use std::collections::BTreeSet;

use time::{Date, Duration};

use super::{PlannedDates, TaskHold};
use crate::{
    dates::is_countable,
    template::{Rule, RuleAnchor},
};

/// How a hold moves the due date of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shifting {
    /// The days are added to what its rule says.
    Rule,
    /// The date itself moves: it follows no rule, or somebody set it by hand.
    Date,
    /// Not by itself: it has no date yet, is finished, or is counted from open work, which moves.
    Follows,
}

impl PlannedDates {
    /// How a hold moves the task of this name, by the dates before it; one that is not among them has no rule. `open`
    /// are the names of the deal's tasks that are not finished.
    #[must_use]
    pub fn shifting(&self, name: &str, open: &BTreeSet<String>) -> Shifting {
        match self.task(name) {
            None => Shifting::Date,
            Some(task) => match task.held {
                Some(TaskHold::Pinned) => Shifting::Date,
                Some(TaskHold::Completed(_) | TaskHold::Waived(_)) => Shifting::Follows,
                None => match &task.rule {
                    None => Shifting::Date,
                    Some(rule) if task.due.is_none() || self.counts_from_any_of(open, rule) => {
                        Shifting::Follows
                    }
                    Some(_) => Shifting::Rule,
                },
            },
        }
    }

    /// Whether the rule counts, directly or by way of key dates, from the completion of one of these tasks.
    fn counts_from_any_of(&self, tasks: &BTreeSet<String>, rule: &Rule) -> bool {
        match &rule.anchor {
            RuleAnchor::Completion(key) => tasks.contains(key),
            RuleAnchor::KeyDate(key) => self
                .key_date(key)
                .filter(|date| date.held.is_none())
                .and_then(|date| date.rule.as_ref())
                .is_some_and(|rule| self.counts_from_any_of(tasks, rule)),
        }
    }
}

/// A date moved by the days of holds; `None` if that leads out of the years that can be counted.
#[must_use]
pub fn shifted(date: Date, shift_days: u32) -> Option<Date> {
    date.checked_add(Duration::days(i64::from(shift_days)))
        .filter(|date| is_countable(*date))
}
