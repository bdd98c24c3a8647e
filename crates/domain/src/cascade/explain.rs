//! Explaining one date: what it was counted from, each day counted or skipped, and whose rule won.

use time::Date;

use super::{Circumstances, DateHold, PlannedDates};
use crate::{
    calendar::Calendars,
    dates::{RollTaken, SafeDay, Step, count, count_safely},
    template::{Rule, RuleAnchor, Template},
    words::upper_snake_enum,
};

upper_snake_enum! {
    /// Where a date comes from.
    RuleSource {
        /// People entered it; there is no rule.
        Entered = "ENTERED",
        /// The template's rule.
        Template = "TEMPLATE",
        /// The template's rule with a day count agreed for this deal.
        Deal = "DEAL",
        /// The template's second rule, because the first one's anchor has no date.
        Fallback = "FALLBACK",
        /// It was set by hand, or is over, and keeps its value.
        Held = "HELD",
    }
}

/// How a key date came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateExplanation {
    /// Its key.
    pub key: String,
    /// Its value.
    pub date: Option<Date>,
    /// Where it comes from.
    pub source: RuleSource,
    /// The rule in a few words.
    pub rule: Option<String>,
    /// The key that it is counted from.
    pub anchor_key: Option<String>,
    /// The value that it is counted from.
    pub anchor_date: Option<Date>,
    /// Each business day counted, and each day skipped. Empty for calendar days.
    pub steps: Vec<Step>,
    /// The roll, if there was one.
    pub roll: Option<RollTaken>,
    /// The step to the safe day, if there was one.
    pub safe: Option<SafeDay>,
    /// What the rule says, where the value is kept.
    pub rule_date: Option<Date>,
    /// Why the value is kept, if it is.
    pub held: Option<DateHold>,
}

/// Explains a key date of an outcome that was computed from the same template and circumstances; `None` for an unknown
/// key.
#[must_use]
pub fn explain(
    key: &str,
    planned: &PlannedDates,
    template: &Template,
    circumstances: &Circumstances,
    calendars: &Calendars,
) -> Option<DateExplanation> {
    let date = planned.key_date(key)?;
    let mut explanation = DateExplanation {
        key: key.to_owned(),
        date: date.date,
        source: source(key, date.rule.as_ref(), date.held, template, circumstances),
        rule: date.rule.as_ref().map(ToString::to_string),
        anchor_key: date.rule.as_ref().map(|rule| rule.anchor.key().to_owned()),
        anchor_date: None,
        steps: Vec::new(),
        roll: None,
        safe: None,
        rule_date: date.rule_date,
        held: date.held,
    };
    if let Some(rule) = &date.rule {
        explanation.anchor_date = match &rule.anchor {
            RuleAnchor::KeyDate(key) => planned.key_date(key).and_then(|anchor| anchor.date),
            RuleAnchor::Completion(key) => planned.task(key).and_then(super::PlannedTask::finish),
        };
        let count = if date.regulatory { count_safely } else { count };
        let counted = explanation
            .anchor_date
            .and_then(|anchor| count(anchor, &rule.counting, calendars).ok());
        if let Some(counted) = counted.filter(|_| date.rule_date.is_some()) {
            explanation.steps = counted.steps;
            explanation.roll = counted.roll;
            explanation.safe = counted.safe;
        }
    }
    Some(explanation)
}

fn source(
    key: &str,
    won: Option<&Rule>,
    held: Option<DateHold>,
    template: &Template,
    circumstances: &Circumstances,
) -> RuleSource {
    let Some(won) = won else {
        return RuleSource::Entered;
    };
    let is_fallback = template.date(key).is_some_and(|rule| {
        rule.due.anchor != won.anchor && rule.fallback_due.as_ref() == Some(won)
    });
    if held.is_some() {
        RuleSource::Held
    } else if is_fallback {
        RuleSource::Fallback
    } else if circumstances.offset_days.contains_key(key) {
        RuleSource::Deal
    } else {
        RuleSource::Template
    }
}
