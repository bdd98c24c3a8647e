//! Looking ahead: when the open work can be done, the next instance of repeating work, and what to say when a task is
//! completed out of season.

use time::{Date, Duration};

use super::{PlannedDates, PlannedTask, TaskHold, Violation};
use crate::{
    calendar::Calendars,
    dates::{is_countable, resolve},
    plan::{Cycle, Lag, Schedule, Work, schedule},
    template::{Severity, TaskRule, Template},
};

/// Spreads the plan's tasks over the calendar, beginning today at the earliest: slack, and the critical path.
///
/// # Errors
/// [`Cycle`] if tasks wait for each other, which those of a parsed template never do.
pub fn forecast(
    template: &Template,
    planned: &PlannedDates,
    today: Date,
    calendars: &Calendars,
) -> Result<Schedule<String>, Cycle<String>> {
    let work: Vec<Work<String>> = planned
        .tasks
        .iter()
        .filter_map(|task| {
            let rule = template.task(&task.key)?;
            Some(Work {
                key: task.key.clone(),
                waits_for: task.depends_on.clone(),
                lags: rule
                    .lags
                    .iter()
                    .filter(|lag| !is_waived(lag, planned))
                    .cloned()
                    .collect(),
                not_before: rule
                    .not_before
                    .as_ref()
                    .and_then(|key| planned.key_date(key)?.date),
                est_days: rule.est_days,
                finished_on: task.held.and_then(TaskHold::finished_on),
                due: task.due,
            })
        })
        .collect();
    schedule(&work, today, calendars)
}

/// When the next instance of a repeating task is due, once the one due on `due` is done; `None` if it does not repeat or
/// has come to its end.
#[must_use]
pub fn next_instance(rule: &TaskRule, due: Date, planned: &PlannedDates) -> Option<Date> {
    let recurrence = rule.recurrence.as_ref()?;
    let date_of = |key: &String| planned.key_date(key).and_then(|date| date.date);
    if rule.cancel_when_set.as_ref().and_then(date_of).is_some() {
        return None;
    }
    let next = due
        .checked_add(Duration::days(i64::from(recurrence.every_days)))
        .filter(|next| is_countable(*next))?;
    match date_of(&recurrence.until) {
        Some(until) if next >= until => None,
        _ => Some(next),
    }
}

/// What to say to somebody who completes the task on this date: waiting times and dates that it did not wait for, a
/// licence and a document that it needs. None of these refuses the completion.
#[must_use]
pub fn completion_warnings(
    rule: &TaskRule,
    completed_on: Date,
    planned: &PlannedDates,
    calendars: &Calendars,
) -> Vec<String> {
    let mut warnings = Vec::new();
    for lag in &rule.lags {
        if let Some(free) = lag_end(lag, planned, calendars).filter(|free| completed_on < *free) {
            warnings.push(format!(
                "it should wait until {free}: {}",
                lag.counting.describe(&lag.after)
            ));
        }
    }
    if let Some(not_before) = rule
        .not_before
        .as_ref()
        .and_then(|key| planned.key_date(key))
    {
        match not_before.date {
            Some(date) if completed_on < date => {
                warnings.push(format!(
                    "it should not start before {} ({date})",
                    not_before.title
                ));
            }
            None => warnings.push(format!(
                "it should not start before {}, which has no date yet",
                not_before.title
            )),
            Some(_) => {}
        }
    }
    if rule.licensed_only {
        warnings.push("only a licensed person may do this".to_owned());
    }
    if let Some(document) = rule.document.as_ref().filter(|document| document.required) {
        warnings.push(format!("the document {} is needed", document.kind));
    }
    warnings
}

/// The open tasks whose due dates do not leave the waiting times that they should.
pub(super) fn squeezed(
    template: &Template,
    planned: &PlannedDates,
    calendars: &Calendars,
) -> Vec<Violation> {
    let warning = |rule: &TaskRule, message: String| Violation {
        key: rule.key.clone(),
        severity: Severity::Warning,
        message,
    };
    let mut squeezed = Vec::new();
    for task in planned.tasks.iter().filter(|task| !task.is_finished()) {
        let (Some(rule), Some(due)) = (template.task(&task.key), task.due) else {
            continue;
        };
        for lag in &rule.lags {
            if let Some(free) = lag_end(lag, planned, calendars).filter(|free| due < *free) {
                let wait = lag.counting.describe(&lag.after);
                let message = format!("{} ({due}) should wait until {free}: {wait}", rule.title);
                squeezed.push(warning(rule, message));
            }
        }
        let not_before = rule
            .not_before
            .as_ref()
            .and_then(|key| planned.key_date(key));
        if let Some((date, title)) = not_before.and_then(|date| Some((date.date?, &date.title)))
            && due < date
        {
            squeezed.push(warning(
                rule,
                format!(
                    "{} ({due}) should not be before {title} ({date})",
                    rule.title
                ),
            ));
        }
    }
    squeezed
}

/// When the waiting time after a prerequisite ends; `None` if there is nothing to wait for, or no date for it yet.
fn lag_end(lag: &Lag<String>, planned: &PlannedDates, calendars: &Calendars) -> Option<Date> {
    let finish = planned
        .task(&lag.after)
        .filter(|_| !is_waived(lag, planned))
        .and_then(PlannedTask::finish)?;
    resolve(finish, &lag.counting, calendars).ok()
}

/// What was waived never happened, so nobody waits after it.
fn is_waived(lag: &Lag<String>, planned: &PlannedDates) -> bool {
    planned
        .task(&lag.after)
        .is_some_and(|task| matches!(task.held, Some(TaskHold::Waived(_))))
}
