//! What moving key dates would do: the computation that applying them makes, without writing.

use std::collections::BTreeMap;

use contracts::field::date_text;
use domain::{
    cascade::{
        ChangeKind, DateChange, DateInputs, PlannedDates, Revision, RunningPlan, becomes_overdue,
        diff, reminder_changes,
    },
    rejection::Rejection,
    reminders::OpenTask,
    task::{Due, Moment, StoredTask, may_see},
};
use platform::{
    db::{Actor, Tx},
    error::Result,
};
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{key_dates::ViolationView, what_if::violations};
use crate::{
    planning::{DateMove, Prepared, Purpose, prepare},
    repository::handling::{self, Handling},
    services::PlanInput,
    views::{is_staff, task_actor},
};

/// The consequences.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyDatesPreview)]
pub(crate) struct Preview {
    changes: Vec<ChangeView>,
    violations: Vec<ViolationView>,
    /// The tasks that would be overdue at once.
    becomes_overdue: Vec<Uuid>,
    /// The version of the key dates that this was computed from.
    based_on: i64,
}

/// Something that would move, or keeps its place although its rule moves.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DateChange)]
pub(crate) struct ChangeView {
    /// KEY_DATE, TASK or REMINDER.
    kind: &'static str,
    /// The template's key of the date or the task.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The task, once the plan has been made.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    title: String,
    #[schema(format = "date")]
    old: Option<String>,
    #[schema(format = "date")]
    new: Option<String>,
    /// Why it keeps its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    locked: Option<String>,
    /// Of a task that goes or comes: WAIVED, because the new dates make it pointless; REOPENED, because they no longer do;
    /// ADDED, because it was left out of the plan for that reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    /// Whether the client will see it.
    buyer_sees: bool,
}

/// The dates to try.
#[derive(Clone, Debug)]
pub(crate) struct PreviewKeyDates {
    pub(crate) deal_id: Uuid,
    /// As in `MoveKeyDates`.
    pub(crate) key_dates: DateInputs,
    /// Refused if it is not the present one.
    pub(crate) version: Option<i64>,
}

/// Computes the consequences, as applying the dates would. `input` is what deal-service says where there is no plan
/// yet: its future tasks are then named by their keys. Rejections: `NOT_FOUND`, `FORBIDDEN`, `VERSION_CONFLICT`,
/// `DEAL_STATUS_CONFLICT`, and of `keyDates.<key>`.
pub(crate) async fn run(
    tx: &Tx,
    query: &PreviewKeyDates,
    input: Option<&PlanInput>,
) -> Result<Preview> {
    let dates = DateMove {
        deal_id: query.deal_id,
        key_dates: &query.key_dates,
    };
    let check = |current| match query.version {
        Some(version) if version != current => Err(Rejection::VersionConflict { current }),
        Some(_) | None => Ok(()),
    };
    let prepared = prepare(tx, Purpose::Preview, dates, input, check).await?;
    let settled = prepared.settle(tx, input)?;
    let Prepared {
        deal,
        ground,
        before: old,
    } = &prepared;
    let moment = deal.moment(tx.now());
    let overdue = becomes_overdue(old, &settled.planned, &moment);
    let sight = Sight {
        actor: tx.actor(),
        plan: &ground.plan,
        planned: &settled.planned,
    };
    let is_date = |name: &str| settled.planned.key_date(name).is_some();
    let handlings = handling::of_deal(tx, query.deal_id).await?;
    let reminders = reminders(&ground.plan, old, &settled.planned, &handlings, &moment);
    let revision = &settled.revision;
    Ok(Preview {
        changes: diff(old, &settled.planned)
            .into_iter()
            .chain(reminders)
            // A template's task that was deleted, or left out when the plan was made, does not come back.
            .filter(|change| {
                input.is_some()
                    || is_date(&change.key)
                    || ground.plan.task(&change.key).is_some()
                    || revision.begun.contains(&change.key)
            })
            .filter(|change| sight.sees(change))
            .map(|change| ChangeView::of(change, &ground.plan, revision))
            .collect(),
        violations: violations(&ground.plan.template, &settled.planned, tx.actor()),
        becomes_overdue: overdue
            .iter()
            .filter_map(|name| ground.plan.task(name))
            .filter(|stored| may_see(&stored.task, &task_actor(tx.actor())))
            .map(|stored| stored.task.id)
            .collect(),
        based_on: ground.key_dates.version,
    })
}

/// How the reminders of the deal's tasks change: those that go out, by the rules of the deal's workflow.
fn reminders(
    plan: &RunningPlan,
    old: &PlannedDates,
    new: &PlannedDates,
    handlings: &BTreeMap<Uuid, Handling>,
    moment: &Moment<'_>,
) -> Vec<DateChange> {
    let is_gone = |name: &str| new.dropped_tasks.contains_key(name);
    let waits_for = |id: &Uuid| {
        let other = plan.tasks.iter().find(|other| other.task.id == *id);
        other.is_some_and(|other| !other.task.status.is_done() && !is_gone(&other.name()))
    };
    let mut changes = Vec::new();
    for stored in plan
        .tasks
        .iter()
        .filter(|stored| !stored.task.status.is_done())
    {
        let name = stored.name();
        let Some(named) = new.task(&name).or_else(|| old.task(&name)) else {
            continue;
        };
        let task = &stored.task;
        let as_is = |due: Due| OpenTask {
            id: task.id,
            due,
            assignee_id: task.facts.assignee_id,
            is_overdue: task.is_overdue(),
            is_blocked: task.is_blocked(),
            since: handlings
                .get(&task.id)
                .map_or(OffsetDateTime::UNIX_EPOCH, |handling| handling.stands_since),
        };
        let due = new.task(&name).and_then(|planned| {
            Some(Due {
                date: planned.due?,
                time_of_day: planned.time_of_day,
            })
        });
        let is_blocked = stored.details.depends_on.iter().any(waits_for);
        let after = due.map(|due| {
            let before = as_is(due);
            let stays = task.due == Some(due) && before.is_blocked == is_blocked;
            OpenTask {
                is_blocked,
                since: if stays { before.since } else { moment.now },
                ..before
            }
        });
        changes.extend(reminder_changes(named, task.due.map(as_is), after, moment));
    }
    changes
}

/// Narrows a computation over the whole plan to what the caller may see.
struct Sight<'a> {
    actor: &'a Actor,
    plan: &'a RunningPlan,
    planned: &'a PlannedDates,
}

impl Sight<'_> {
    fn sees(&self, change: &DateChange) -> bool {
        let is_meant_for_all = is_staff(self.actor) || change.buyer_sees;
        match (change.kind, self.plan.task(&change.key)) {
            (ChangeKind::KeyDate, _) => {
                let date = self.planned.key_date(&change.key);
                is_meant_for_all || date.is_some_and(|date| date.buyer_visible)
            }
            (ChangeKind::Task | ChangeKind::Reminder, None) => is_meant_for_all,
            (ChangeKind::Task | ChangeKind::Reminder, Some(stored)) => {
                may_see(&stored.task, &task_actor(self.actor))
            }
        }
    }
}

/// Whether the task goes or comes. One that goes keeps its date, and one that comes back had it.
fn outcome(
    change: &mut DateChange,
    stored: Option<&StoredTask>,
    revision: &Revision,
) -> Option<&'static str> {
    let kept = stored.and_then(|stored| stored.task.due.map(|due| due.date));
    if let Some(why) = revision.ceased.get(&change.key) {
        change.new = kept;
        change.locked = Some(format!("waived: {why}"));
        return Some("WAIVED");
    }
    if !revision.begun.contains(&change.key) {
        return None;
    }
    change.old = kept;
    Some(if stored.is_some() {
        "REOPENED"
    } else {
        "ADDED"
    })
}

impl ChangeView {
    fn of(mut change: DateChange, plan: &RunningPlan, revision: &Revision) -> Self {
        let stored = match change.kind {
            ChangeKind::KeyDate => None,
            ChangeKind::Task | ChangeKind::Reminder => plan.task(&change.key),
        };
        let outcome = if change.kind == ChangeKind::Task {
            outcome(&mut change, stored, revision)
        } else {
            None
        };
        Self {
            outcome,
            kind: change.kind.as_str(),
            key: match stored {
                Some(stored) => stored.task.key.clone(),
                None => Some(change.key),
            },
            id: stored.map(|stored| stored.task.id),
            title: change.title,
            old: change.old.map(date_text),
            new: change.new.map(date_text),
            locked: change.locked,
            buyer_sees: change.buyer_sees,
        }
    }
}
