//! Which of a template's constraints the dates violate.

use super::{PlannedDates, Violation};
use crate::template::{Constraint, Template};

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
