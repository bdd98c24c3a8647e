//! Writes the read models: what task-service emits of plans, milestones, tasks and key dates, and what the audit log
//! holds of them.
//!
//! Each row carries the version it comes from and never goes back to an older one, so a rebuild beside the running
//! consumer does no harm. Whatever is written at once is a few statements, however many events it comes from.

use std::collections::BTreeMap;

use anyhow::Context as _;
use contracts::{
    event::{Event, TaskChange},
    field, v1,
};
use platform::{db::Tx, error::Result};
use serde_json::{Value, json};
use time::Date;
use uuid::Uuid;

/// The last known of each aggregate, to be written together.
#[derive(Debug, Default)]
pub(crate) struct Projection<'a> {
    /// By deal.
    plans: BTreeMap<&'a str, &'a v1::PlanEvent>,
    milestones: BTreeMap<&'a str, &'a v1::MilestoneEvent>,
    tasks: BTreeMap<&'a str, (&'a v1::TaskEvent, Presence)>,
    /// By deal.
    key_dates: BTreeMap<&'a str, &'a v1::KeyDatesEvent>,
}

/// Whether a task is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Present,
    Deleted,
}

/// Keeps the newer of two states.
fn keep<'a, T>(
    known: &mut BTreeMap<&'a str, T>,
    key: &'a str,
    value: T,
    version: impl Fn(&T) -> u64,
) {
    let is_newer = known
        .get(key)
        .is_none_or(|present| version(present) < version(&value));
    if is_newer {
        known.insert(key, value);
    }
}

impl<'a> Projection<'a> {
    /// Takes an event in; what the read models do not show is left out.
    pub(crate) fn add(&mut self, event: &'a Event) {
        match event {
            Event::Plan(_, plan) => {
                keep(&mut self.plans, &plan.deal_id, plan, |plan| plan.version);
                for milestone in &plan.milestones {
                    self.add_milestone(milestone);
                }
            }
            Event::Milestone(_, milestone) => self.add_milestone(milestone),
            Event::Task(change, task) => {
                let presence = if *change == TaskChange::Deleted {
                    Presence::Deleted
                } else {
                    Presence::Present
                };
                let value = (task, presence);
                keep(&mut self.tasks, &task.task_id, value, |(task, _)| {
                    task.version
                });
            }
            Event::KeyDates(_, dates) => {
                let known = &mut self.key_dates;
                keep(known, &dates.deal_id, dates, |dates| dates.version);
            }
            Event::Comment(..)
            | Event::Deal(..)
            | Event::Party(..)
            | Event::User(..)
            | Event::Organization(..)
            | Event::Notification(..)
            | Event::Unknown { .. } => {}
        }
    }

    fn add_milestone(&mut self, milestone: &'a v1::MilestoneEvent) {
        let known = &mut self.milestones;
        keep(known, &milestone.milestone_id, milestone, |milestone| {
            milestone.version
        });
    }

    /// Writes all of it, where it is newer than what is there.
    pub(crate) async fn write(&self, tx: &Tx) -> Result<()> {
        put_plans(tx, self.plans.values().copied()).await?;
        put_milestones(tx, self.milestones.values().copied()).await?;
        put_tasks(tx, self.tasks.values().copied()).await?;
        for dates in self.key_dates.values() {
            put_key_dates(tx, dates).await?;
        }
        Ok(())
    }
}

/// Locks a deal's row, as every projection does first, and forgets everything that is known of the deal.
pub(crate) async fn clear(tx: &Tx, deal_id: Uuid) -> Result<()> {
    let organization_id = tx.actor().organization_id;
    tx.run(
        "UPDATE deals SET closing_date = (initial_key_dates ->> 'closing_date')::date, closing_date_version = 0,
           summary_revision = summary_revision + 1
         WHERE organization_id = $1 AND id = $2",
        [organization_id.into(), deal_id.into()],
    )
    .await?;
    for sql in [
        "DELETE FROM plan_view WHERE organization_id = $1 AND deal_id = $2",
        "DELETE FROM milestone_view WHERE organization_id = $1 AND deal_id = $2",
        "DELETE FROM task_view WHERE organization_id = $1 AND deal_id = $2",
        "DELETE FROM key_date_view WHERE organization_id = $1 AND deal_id = $2",
    ] {
        tx.run(sql, [organization_id.into(), deal_id.into()])
            .await?;
    }
    Ok(())
}

/// Runs a statement over rows (`$2`) of the organization (`$1`).
async fn put(tx: &Tx, sql: &'static str, rows: Vec<Value>) -> Result<()> {
    if !rows.is_empty() {
        let organization_id = tx.actor().organization_id;
        tx.run(sql, [organization_id.into(), Value::Array(rows).into()])
            .await?;
    }
    Ok(())
}

async fn put_plans<'a>(tx: &Tx, plans: impl Iterator<Item = &'a v1::PlanEvent>) -> Result<()> {
    let rows: Result<Vec<Value>> = plans
        .map(|plan| {
            Ok(json!({
                "deal_id": id("dealId", &plan.deal_id)?,
                "state": plan.state,
                "version": number(plan.version)?,
            }))
        })
        .collect();
    put(
        tx,
        "INSERT INTO plan_view (organization_id, deal_id, state, version)
         SELECT $1, r.deal_id, r.state, r.version
           FROM jsonb_to_recordset($2::jsonb) AS r(deal_id uuid, state text, version bigint)
         ON CONFLICT (deal_id) DO UPDATE SET state = excluded.state, version = excluded.version
         WHERE plan_view.version < excluded.version",
        rows?,
    )
    .await
}

async fn put_milestones<'a>(
    tx: &Tx,
    milestones: impl Iterator<Item = &'a v1::MilestoneEvent>,
) -> Result<()> {
    let rows: Result<Vec<Value>> = milestones
        .map(|milestone| {
            let completed_at = milestone.completed_at.as_deref();
            field::optional_instant("completedAt", completed_at).map_err(anyhow::Error::from)?;
            Ok(json!({
                "id": id("milestoneId", &milestone.milestone_id)?,
                "deal_id": id("dealId", &milestone.deal_id)?,
                "key": Some(&milestone.key).filter(|key| !key.is_empty()),
                "title": milestone.title,
                "buyer_title": milestone.buyer_title,
                "position": place(milestone.position)?,
                "is_completed": milestone.completed,
                "completed_at": completed_at,
                "version": number(milestone.version)?,
            }))
        })
        .collect();
    put(
        tx,
        "INSERT INTO milestone_view (id, organization_id, deal_id, key, title, buyer_title, position, is_completed,
           completed_at, version)
         SELECT r.id, $1, r.deal_id, r.key, r.title, r.buyer_title, r.position, r.is_completed, r.completed_at, r.version
           FROM jsonb_to_recordset($2::jsonb) AS r(id uuid, deal_id uuid, key text, title text, buyer_title text,
             position integer, is_completed boolean, completed_at timestamptz, version bigint)
         ON CONFLICT (id) DO UPDATE SET title = excluded.title, buyer_title = excluded.buyer_title,
           position = excluded.position, is_completed = excluded.is_completed, completed_at = excluded.completed_at,
           version = excluded.version
         WHERE milestone_view.version < excluded.version",
        rows?,
    )
    .await
}

async fn put_tasks<'a>(
    tx: &Tx,
    tasks: impl Iterator<Item = (&'a v1::TaskEvent, Presence)>,
) -> Result<()> {
    let rows: Result<Vec<Value>> = tasks.map(task_row).collect();
    put(
        tx,
        "INSERT INTO task_view (id, organization_id, deal_id, milestone_id, key, title, status, owner_role,
           assignee_id, due_date, completed_on, is_blocked, is_overdue, buyer_visible, required, position, depends_on,
           is_deleted, version)
         SELECT r.id, $1, r.deal_id, r.milestone_id, r.key, r.title, r.status, r.owner_role,
                r.assignee_id, r.due_date, r.completed_on, r.is_blocked, r.is_overdue, r.buyer_visible, r.required,
                r.position, r.depends_on, r.is_deleted, r.version
           FROM jsonb_to_recordset($2::jsonb) AS r(id uuid, deal_id uuid, milestone_id uuid, key text, title text,
             status text, owner_role text, assignee_id uuid, due_date date, completed_on date,
             is_blocked boolean, is_overdue boolean, buyer_visible boolean, required boolean, position integer,
             depends_on uuid[], is_deleted boolean, version bigint)
         ON CONFLICT (id) DO UPDATE SET milestone_id = excluded.milestone_id, title = excluded.title,
           status = excluded.status, owner_role = excluded.owner_role,
           assignee_id = excluded.assignee_id, due_date = excluded.due_date, completed_on = excluded.completed_on,
           is_blocked = excluded.is_blocked, is_overdue = excluded.is_overdue, buyer_visible = excluded.buyer_visible,
           required = excluded.required, position = excluded.position, depends_on = excluded.depends_on,
           is_deleted = excluded.is_deleted, version = excluded.version
         WHERE task_view.version < excluded.version",
        rows?,
    )
    .await
}

fn task_row((task, presence): (&v1::TaskEvent, Presence)) -> Result<Value> {
    let depends_on: Result<Vec<Uuid>> = task
        .depends_on
        .iter()
        .map(|text| id("dependsOn", text))
        .collect();
    Ok(json!({
        "id": id("taskId", &task.task_id)?,
        "deal_id": id("dealId", &task.deal_id)?,
        "milestone_id": optional_id("milestoneId", task.milestone_id.as_deref())?,
        "key": task.key,
        "title": task.title,
        "status": task.status,
        "owner_role": task.owner_role,
        "assignee_id": optional_id("assigneeId", task.assignee_id.as_deref())?,
        "due_date": optional_date("dueDate", task.due_date.as_deref())?.map(field::date_text),
        "completed_on": optional_date("completedOn", task.completed_on.as_deref())?.map(field::date_text),
        "is_blocked": task.is_blocked,
        "is_overdue": task.is_overdue,
        "buyer_visible": task.buyer_visible,
        "required": task.required,
        "position": place(task.position)?,
        "depends_on": depends_on?,
        "is_deleted": presence == Presence::Deleted,
        "version": number(task.version)?,
    }))
}

/// All key dates of a deal, and its closing date.
async fn put_key_dates(tx: &Tx, event: &v1::KeyDatesEvent) -> Result<()> {
    let deal_id = id("dealId", &event.deal_id)?;
    let version = number(event.version)?;
    let organization_id = tx.actor().organization_id;
    let newer = tx
        .run(
            "UPDATE deals SET closing_date = $3, closing_date_version = $4
              WHERE organization_id = $1 AND id = $2 AND closing_date_version < $4",
            [
                organization_id.into(),
                deal_id.into(),
                optional_date("closingDate", event.closing_date.as_deref())?.into(),
                version.into(),
            ],
        )
        .await?;
    if newer == 0 {
        return Ok(());
    }
    let dates: Vec<Value> = event.key_dates.iter().enumerate().map(key_date).collect();
    tx.run(
        "DELETE FROM key_date_view WHERE organization_id = $1 AND deal_id = $2",
        [organization_id.into(), deal_id.into()],
    )
    .await?;
    tx.run(
        "INSERT INTO key_date_view (organization_id, deal_id, key, title, date, state, buyer_visible, position, version)
         SELECT $1, $2, key, title, date, state, buyer_visible, position, $4
           FROM jsonb_to_recordset($3::jsonb) AS t(
             key text, title text, date date, state text, buyer_visible boolean, position integer)",
        [
            organization_id.into(),
            deal_id.into(),
            Value::Array(dates).into(),
            version.into(),
        ],
    )
    .await?;
    Ok(())
}

fn key_date((position, key_date): (usize, &v1::KeyDate)) -> Value {
    json!({
        "key": key_date.key,
        "title": key_date.title,
        "date": key_date.date,
        "state": key_date.state,
        "buyer_visible": key_date.buyer_visible,
        "position": position,
    })
}

fn id(name: &'static str, text: &str) -> Result<Uuid> {
    Ok(field::uuid(name, text).map_err(anyhow::Error::from)?)
}

fn optional_id(name: &'static str, text: Option<&str>) -> Result<Option<Uuid>> {
    text.map(|text| id(name, text)).transpose()
}

fn optional_date(name: &'static str, text: Option<&str>) -> Result<Option<Date>> {
    Ok(field::optional_date(name, text).map_err(anyhow::Error::from)?)
}

fn number(version: u64) -> Result<i64> {
    Ok(i64::try_from(version).context("a version too large")?)
}

fn place(position: u32) -> Result<i32> {
    Ok(i32::try_from(position).context("a position too large")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(version: u64, title: &str) -> v1::TaskEvent {
        v1::TaskEvent {
            task_id: "t".to_owned(),
            title: title.to_owned(),
            version,
            ..v1::TaskEvent::default()
        }
    }

    #[test]
    fn of_several_events_of_a_task_the_last_is_written_once() {
        let events = [
            Event::Task(TaskChange::Created, task(1, "first")),
            Event::Task(TaskChange::Deleted, task(3, "third")),
            Event::Task(TaskChange::Updated, task(2, "second")),
        ];
        let mut projection = Projection::default();
        for event in &events {
            projection.add(event);
        }
        let (last, presence) = projection.tasks["t"];
        assert_eq!(
            (last.title.as_str(), presence),
            ("third", Presence::Deleted)
        );
    }
}
