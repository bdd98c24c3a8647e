//! What the due dates of open tasks ask for at an instant, and when they ask next.

use std::iter;

use contracts::field::{self, instant_text};
use domain::zone::Zone;
use time::{Date, Duration, OffsetDateTime};

use super::{Action, Audience, Entry, Notice, NoticeKind, Step};

/// Days before the due date on which the assignee is reminded, the earliest first.
const REMINDER_DAYS: [i64; 2] = [3, 1];
/// A task overdue for so long is brought before the administrators.
const ESCALATION_AFTER: Duration = Duration::days(3);

/// The instant, and the zone in which dates are meant.
pub(super) struct Deadlines {
    pub(super) zone: Zone,
    pub(super) now: OffsetDateTime,
}

/// One thing that a due date asks for, and from when on.
struct Timed {
    at: OffsetDateTime,
    step: Step,
}

impl Deadlines {
    /// The steps whose time has come, in the tasks' order, and the instant of the next one.
    pub(super) fn of_all(
        &self,
        tasks: &[Entry<'_>],
        deal_name: Option<&str>,
    ) -> anyhow::Result<(Vec<Step>, Option<OffsetDateTime>)> {
        let mut steps = Vec::new();
        let mut next: Option<OffsetDateTime> = None;
        for entry in tasks.iter().filter(|entry| entry.is_open()) {
            let timed = self.of_one(entry, deal_name)?;
            let coming = timed.iter().map(|timed| timed.at).filter(|at| *at > self.now);
            next = coming.chain(next).min();
            steps.extend(self.come(timed));
        }
        Ok((steps, next))
    }

    /// Of what has come, only the latest reminder counts, and none once the task is overdue.
    fn come(&self, timed: Vec<Timed>) -> impl Iterator<Item = Step> + use<> {
        let now = self.now;
        let (reminders, rest): (Vec<_>, Vec<_>) = timed
            .into_iter()
            .filter(|timed| timed.at <= now)
            .partition(|timed| timed.step.notice.kind == NoticeKind::TaskDueSoon);
        let reminder = if rest.is_empty() {
            reminders.into_iter().max_by_key(|timed| timed.at)
        } else {
            None
        };
        reminder.into_iter().chain(rest).map(|timed| timed.step)
    }

    fn of_one(&self, entry: &Entry<'_>, deal_name: Option<&str>) -> anyhow::Result<Vec<Timed>> {
        let Some(due_at) = entry.task.due_at else {
            return Ok(Vec::new());
        };
        let occasion = format!("{}:{}", entry.task.id, instant_text(due_at));
        let step = |name: &str, action, kind, audience| Step {
            key: format!("{name}:{occasion}"),
            action,
            notice: Notice {
                kind,
                task_id: Some(entry.task.id),
                audience,
                params: entry.params(deal_name),
            },
        };

        let mut timed = Vec::new();
        if let Some(text) = &entry.task.due_date {
            let due_date = field::date("dueDate", text)?;
            for days in REMINDER_DAYS {
                timed.extend(self.day_before(due_date, days)?.map(|at| Timed {
                    at,
                    step: step(
                        &format!("due-in-{days}"),
                        Action::None,
                        NoticeKind::TaskDueSoon,
                        vec![entry.responsible()],
                    ),
                }));
            }
        }
        let overdue = step(
            "overdue",
            Action::MarkOverdue {
                task_id: entry.task.id,
            },
            NoticeKind::TaskOverdue,
            with_coordinators(entry.responsible()),
        );
        let escalation = step(
            "escalated",
            Action::None,
            NoticeKind::TaskEscalated,
            vec![Audience::Admins],
        );
        let overdue_since = entry.task.overdue_since.unwrap_or(due_at);
        timed.push(Timed {
            at: due_at,
            step: overdue,
        });
        timed.push(Timed {
            at: overdue_since.saturating_add(ESCALATION_AFTER),
            step: escalation,
        });
        Ok(timed)
    }

    /// The first instant of the day so many days before. `None` before the calendar begins.
    fn day_before(&self, due_date: Date, days: i64) -> anyhow::Result<Option<OffsetDateTime>> {
        due_date
            .checked_sub(Duration::days(days))
            .map(|date| self.zone.start_of(date))
            .transpose()
            .map_err(Into::into)
    }
}

fn with_coordinators(responsible: Audience) -> Vec<Audience> {
    let others = (responsible != Audience::Coordinators).then_some(Audience::Coordinators);
    iter::once(responsible).chain(others).collect()
}
