//! What does not fit together: the template's constraints, days on which nothing can be closed, dates that a regulation
//! sets otherwise, words that the template does not know.

use std::cmp::Ordering;

use super::{DateHold, PlannedDates, Violation};
use crate::{
    calendar::Calendars,
    template::{Constraint, Facts, Severity, Template},
};

pub(super) fn violated(template: &Template, planned: &PlannedDates) -> Vec<Violation> {
    template
        .constraints
        .iter()
        .filter_map(|constraint| violation(constraint, planned))
        .collect()
}

/// A constraint says nothing while one of its dates is unknown or does not apply.
fn violation(constraint: &Constraint, planned: &PlannedDates) -> Option<Violation> {
    let before = planned.key_date(&constraint.before)?;
    let after = planned.key_date(&constraint.after)?;
    let (first, second) = (before.date?, after.date?);
    let days = (second - first).whole_days();
    if days >= i64::from(constraint.min_days) {
        return None;
    }
    let distance = match constraint.min_days {
        0 => "not before".to_owned(),
        1 => "at least 1 day after".to_owned(),
        days => format!("at least {days} days after"),
    };
    let message = format!(
        "{} ({second}) should be {distance} {} ({first})",
        after.title, before.title
    );
    Some(Violation {
        key: constraint.key.clone(),
        severity: constraint.severity,
        message,
    })
}

/// The dates that should be business days (a closing, a signing, a funding) but are not.
pub(super) fn off_business_days(
    template: &Template,
    planned: &PlannedDates,
    calendars: &Calendars,
) -> Vec<Violation> {
    let of_anchors = template
        .anchors
        .iter()
        .map(|anchor| (&anchor.key, anchor.needs_business_day.as_ref()));
    let of_dates = template
        .dates
        .iter()
        .map(|date| (&date.key, date.needs_business_day.as_ref()));
    let warning = |key: &String, calendar: &String| {
        let planned = planned.key_date(key)?;
        let date = planned.date?;
        let day = calendars.get(calendar)?.day(date);
        (!day.is_business()).then(|| Violation {
            key: key.clone(),
            severity: Severity::Warning,
            message: format!(
                "{} ({date}) is no business day ({day}): money may not move and nothing may be recorded on it",
                planned.title
            ),
        })
    };
    of_anchors
        .chain(of_dates)
        .filter_map(|(key, calendar)| warning(key, calendar?))
        .collect()
}

/// The dates that a regulation sets and that somebody has set to another day. A deadline before its anchor may be met
/// earlier; set later, it is an error. For other dates people must decide which side is wrong: a warning.
pub(super) fn against_regulation(planned: &PlannedDates) -> Vec<Violation> {
    let by_hand = planned.key_dates.iter().filter(|date| {
        date.regulatory && matches!(date.held, Some(DateHold::Pinned | DateHold::Extended))
    });
    by_hand
        .filter_map(|date| {
            let (set, says) = (date.date?, date.rule_date?);
            let is_before_anchor = date.rule.as_ref()?.counting.offset_days < 0;
            let severity = match (is_before_anchor, set.cmp(&says)) {
                (_, Ordering::Equal) | (true, Ordering::Less) => return None,
                (true, Ordering::Greater) => Severity::Error,
                (false, _) => Severity::Warning,
            };
            let message = format!(
                "{} is set to {set}, but the regulation says {says}",
                date.title
            );
            Some(Violation {
                key: date.key.clone(),
                severity,
                message,
            })
        })
        .collect()
}

/// The words of facts that the template does not know.
pub(super) fn unknown_words(template: &Template, facts: &Facts) -> Vec<Violation> {
    let unknown = template.unknown_words(facts).into_iter();
    unknown
        .map(|word| Violation {
            key: word.fact.clone(),
            severity: Severity::Warning,
            message: word.to_string(),
        })
        .collect()
}
