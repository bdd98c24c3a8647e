//! What a task of a deal keeps of its template beside its own columns.

use super::{DocumentRule, EmailTemplate, Recurrence, Rule, RuleAnchor, TaskRule, Template};
use crate::{cascade::is_due_on_a_date, party::PartyRole, plan::Lag};

/// What the template says of a task that has no column of its own. A task added by hand has none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskFields {
    /// Whether dates or further work follow from its end.
    pub follow_up: bool,
    /// The document that it needs.
    pub document: Option<DocumentRule>,
    /// Waiting times after some of the tasks it waits for, by their keys.
    pub lags: Vec<Lag<String>>,
    /// The series that it belongs to.
    pub series: Option<Series>,
    /// The e-mail that goes with it.
    pub email: Option<TaskEmail>,
    /// The key of a date before which it should not start.
    pub not_before: Option<String>,
    /// The key of the anchor whose date, once set, makes the task pointless.
    pub cancel_when_set: Option<String>,
    /// The key of the anchor whose date its completion fixes.
    pub sets_anchor: Option<String>,
}

/// The e-mail that goes with a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskEmail {
    /// Which one.
    pub template: EmailTemplate,
    /// The part of the client, for mails that go to the client.
    pub client: PartyRole,
}

/// Repeating work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// How it repeats.
    pub recurrence: Recurrence,
    /// Where this task is in the series; `None` for the first, which the template has itself.
    pub instance: Option<Instance>,
}

/// A later one of repeating work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The key of the template's task that it repeats.
    pub first: String,
    /// Its number in the series; the first has 1.
    pub number: u64,
    /// Calendar days from the date that the first one's rule gives to this one; `None` if it gave none.
    pub days_after: Option<i64>,
}

impl Series {
    /// The number in the series, from 1.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.instance.as_ref().map_or(1, |instance| instance.number)
    }

    /// Calendar days from the date that the first one's rule gives to this one; `None` if it gave none.
    #[must_use]
    pub fn days_after(&self) -> Option<i64> {
        self.instance
            .as_ref()
            .map_or(Some(0), |instance| instance.days_after)
    }
}

impl TaskFields {
    /// What the template says of one of its tasks.
    #[must_use]
    pub fn of(template: &Template, rule: &TaskRule) -> Self {
        Self {
            follow_up: has_followers(template, rule),
            document: rule.document.clone(),
            lags: rule.lags.clone(),
            series: rule.recurrence.clone().map(|recurrence| Series {
                recurrence,
                instance: None,
            }),
            email: rule.email_template.map(|email| TaskEmail {
                template: email,
                client: template.client_role,
            }),
            not_before: rule.not_before.clone(),
            cancel_when_set: rule.cancel_when_set.clone(),
            sets_anchor: rule.sets_anchor.clone(),
        }
    }
}

/// Whether dates or further work follow from the end of a task.
fn has_followers(template: &Template, rule: &TaskRule) -> bool {
    let of_dates = template
        .dates
        .iter()
        .flat_map(|date| std::iter::once(&date.due).chain(&date.fallback_due));
    let of_tasks = template
        .tasks
        .iter()
        .flat_map(|task| std::iter::once(&task.due).chain(&task.fallback_due));
    let counts_from_it = |other: &Rule| match &other.anchor {
        RuleAnchor::Completion(key) => *key == rule.key,
        RuleAnchor::KeyDate(_) => false,
    };
    rule.sets_anchor.is_some()
        || rule.recurrence.is_some()
        || is_due_on_a_date(rule)
        || of_dates.chain(of_tasks).any(counts_from_it)
}
