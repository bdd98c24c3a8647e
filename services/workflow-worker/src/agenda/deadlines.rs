//! Time-driven steps of the worklist's open tasks, in the terms of [`domain::reminders`].

use std::collections::BTreeSet;

use anyhow::Context as _;
use contracts::field;
use domain::{
    party::PartyRole,
    reminders::{self, ActionKind, Followed, OpenTask, Reminded},
    task::{Deadlines, Due},
    zone::Zone,
};
use time::{OffsetDateTime, Time};

use super::{Action, Audience, Deal, Entry, Notice, NoticeKind, Step};

/// The steps whose time has come at `now`, and the instant of the next one.
pub(super) fn steps(
    deal: &Deal,
    tasks: &[Entry<'_>],
    zone: &Zone,
    now: OffsetDateTime,
) -> anyhow::Result<(Vec<Step>, Option<OffsetDateTime>)> {
    let mut open = Vec::new();
    for entry in tasks.iter().filter(|entry| entry.is_open()) {
        if let Some(due) = due(entry)? {
            open.push(OpenTask {
                id: entry.task.id,
                due,
                assignee_id: entry.task.assignee_id,
                // A task that was overdue from the start also gives one notice.
                is_overdue: false,
                is_blocked: entry.task.is_blocked,
                since: since(entry)?,
            });
        }
    }
    let nothing = BTreeSet::new();
    let due = reminders::decide(&open, zone, Deadlines::Running, &nothing, now);
    let followed = followed(tasks)?;
    let asked = reminders::follow_ups(&followed, zone, Deadlines::Running, &nothing, now);
    let next_wake_up = due.next_wake_up.into_iter().chain(asked.next_wake_up).min();
    let steps = due
        .actions
        .into_iter()
        .chain(asked.actions)
        .filter_map(|action| {
            let entry = tasks
                .iter()
                .find(|entry| entry.task.id == action.key.task_id)?;
            Some(step(deal, entry, &action.key.to_string(), action.key.kind))
        })
        .collect();
    Ok((steps, next_wake_up))
}

/// The open tasks with a day on which to ask for them again.
fn followed(tasks: &[Entry<'_>]) -> anyhow::Result<Vec<Followed>> {
    let mut followed = Vec::new();
    for entry in tasks.iter().filter(|entry| entry.is_open()) {
        let day = field::optional_date("followUpOn", entry.task.follow_up_on.as_deref())?;
        if let Some(on) = day {
            followed.push(Followed {
                id: entry.task.id,
                on,
                is_blocked: entry.task.is_blocked,
                since: since(entry)?,
            });
        }
    }
    Ok(followed)
}

fn step(deal: &Deal, entry: &Entry<'_>, key: &str, kind: ActionKind) -> Step {
    let task_id = entry.task.id;
    let (action, notice, audience) = match kind {
        ActionKind::RemindThreeDays | ActionKind::RemindOneDay => {
            (Action::None, NoticeKind::TaskDueSoon, reminded(entry))
        }
        ActionKind::MarkOverdue => (
            Action::MarkOverdue { task_id },
            NoticeKind::TaskOverdue,
            reminded(entry)
                .into_iter()
                .chain([Audience::Coordinators])
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
        ),
        ActionKind::Escalate => (
            Action::None,
            NoticeKind::TaskEscalated,
            vec![Audience::Admins],
        ),
        ActionKind::FollowUp => (
            Action::None,
            NoticeKind::TaskFollowUp,
            vec![audience(reminders::asking_again(chased_by(entry)))],
        ),
    };
    Step {
        key: key.to_owned(),
        action,
        notice: Notice {
            kind: notice,
            task_id: Some(task_id),
            audience,
            params: entry.params(deal),
        },
    }
}

/// Who is reminded of a task, in user-service's terms.
fn reminded(entry: &Entry<'_>) -> Vec<Audience> {
    let reminded = reminders::reminded(entry.task.assignee_id, chased_by(entry));
    reminded.into_iter().map(audience).collect()
}

fn chased_by(entry: &Entry<'_>) -> Option<PartyRole> {
    entry.task.chased_by.as_deref().and_then(PartyRole::parse)
}

fn audience(reminded: Reminded) -> Audience {
    match reminded {
        Reminded::User(user_id) => Audience::User(user_id),
        Reminded::Part(part) => Audience::Part(part.as_str().to_owned()),
        Reminded::Coordinators => Audience::Coordinators,
    }
}

/// When the task's state last changed; without that information, as if it had always been so.
fn since(entry: &Entry<'_>) -> anyhow::Result<OffsetDateTime> {
    let told = entry
        .task
        .handling
        .as_ref()
        .map(|handling| &handling.stands_since);
    let since = told
        .map(|text| field::instant("standsSince", text))
        .transpose()?;
    Ok(since.unwrap_or(OffsetDateTime::UNIX_EPOCH))
}

fn due(entry: &Entry<'_>) -> anyhow::Result<Option<Due>> {
    let Some(date) = field::optional_date("dueDate", entry.task.due_date.as_deref())? else {
        return Ok(None);
    };
    let time_of_day = entry
        .task
        .due_time
        .as_deref()
        .map(time_of_day)
        .transpose()?;
    Ok(Some(Due { date, time_of_day }))
}

/// Reads `HH:MM`, with or without seconds.
fn time_of_day(text: &str) -> anyhow::Result<Time> {
    let read = || {
        let mut parts = text.split(':');
        let hour = parts.next()?.parse().ok()?;
        let minute = parts.next()?.parse().ok()?;
        Time::from_hms(hour, minute, 0).ok()
    };
    read().with_context(|| format!("{text:?} is not a time of day"))
}
