//! Rebuilds the read models from the audit log, deal by deal, while the service runs.
//!
//! The log is read after the deal's row is locked. What the consumer has applied by then is in the log
//! already; what it applies later waits for the lock, and its versions are newer. So nothing is lost, and
//! the read models end as the events would have made them. The consumer goes on behind what was read: an event
//! that never came holds up its aggregate no longer.

use anyhow::Context as _;
use contracts::{
    event::{Event, KeyDatesChange, MilestoneChange, PlanChange, TaskChange},
    records::{KeyDatesRecord, MilestoneRecord, PlanRecord, TaskRecord},
    v1::PlanCounts,
};
use platform::{
    config::Env,
    db::{Db, PoolSize, ServiceScope, restate_positions},
    error::Result,
    messaging::topology::DEAL_SERVICE,
};
use sea_orm::FromQueryResult;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::io::Write as _;
use uuid::Uuid;

use crate::{
    SCHEMA, config,
    queries::audit_log::{self, Auditor, LastRow},
    repository::{
        deals,
        projection::{self, Projection},
    },
};

#[derive(FromQueryResult)]
struct Organization {
    id: Uuid,
}

/// Rebuilds every deal of every organization, or of `only` one, and prints how many there were.
///
/// # Errors
/// When a setting is wrong, the database does not answer, or there is no such organization.
pub async fn run(only: Option<Uuid>) -> anyhow::Result<()> {
    let (service_url, auditor_url) = config::rebuild_urls(Env::from_process())?;
    let db = Db::connect(&service_url, SCHEMA, PoolSize::Small)?;
    let auditor = Auditor::new(Db::connect(&auditor_url, "audit", PoolSize::Small)?);
    let mut organizations: Vec<Organization> = db
        .anonymous("rebuild-read-models", None, async |tx| {
            tx.all("SELECT id FROM ctx.organizations() AS id", []).await
        })
        .await?;
    if let Some(only) = only {
        organizations.retain(|organization| organization.id == only);
        anyhow::ensure!(!organizations.is_empty(), "no organization {only}");
    }
    let mut rebuilt = 0_u64;
    for organization in organizations {
        let scope = ServiceScope {
            organization_id: organization.id,
            ..ServiceScope::default()
        };
        for deal_id in db
            .service(&scope, async |tx| deals::all_ids(tx).await)
            .await?
        {
            rebuild(&db, &auditor, &scope, deal_id)
                .await
                .map_err(anyhow::Error::from)
                .with_context(|| format!("rebuild deal {deal_id}"))?;
            rebuilt += 1;
        }
    }
    writeln!(std::io::stdout(), "{rebuilt} deals rebuilt")?;
    Ok(())
}

async fn rebuild(db: &Db, auditor: &Auditor, scope: &ServiceScope, deal_id: Uuid) -> Result<()> {
    db.service(scope, async |tx| {
        projection::clear(tx, deal_id).await?;
        let rows = auditor
            .service(scope, async |log| {
                audit_log::last_rows(log, deal_id, None).await
            })
            .await?;
        let events: Result<Vec<Option<Event>>> = rows.iter().map(event_of).collect();
        let events = events?;
        let mut projection = Projection::default();
        for event in events.iter().flatten() {
            projection.add(event);
        }
        projection.write(tx).await?;
        let shown = rows
            .iter()
            .zip(&events)
            .filter(|(_, event)| event.is_some());
        let reached = shown.map(|(row, _)| (row.entity_id, row.version)).collect();
        restate_positions(tx, DEAL_SERVICE.queue, reached).await
    })
    .await
}

/// The event that a row's change was published as, as far as the read models need it.
fn event_of(row: &LastRow) -> Result<Option<Event>> {
    let is_gone = row.after.is_null();
    let record = if is_gone { &row.before } else { &row.after };
    Ok(Some(match row.entity_type.as_str() {
        "plan" => {
            let plan: PlanRecord = read(record)?;
            Event::Plan(PlanChange::Applied, plan.event(PlanCounts::default()))
        }
        "milestone" => {
            let milestone: MilestoneRecord = read(record)?;
            Event::Milestone(MilestoneChange::Completed, milestone.event())
        }
        "task" => {
            let change = if is_gone {
                TaskChange::Deleted
            } else {
                TaskChange::Updated
            };
            let task = TaskRecord {
                version: row.version,
                ..read(record)?
            };
            Event::Task(change, task.event(Vec::new()))
        }
        "key_dates" => {
            let dates: KeyDatesRecord = read(record)?;
            Event::KeyDates(KeyDatesChange::Changed, dates.event(Vec::new()))
        }
        _ => return Ok(None),
    }))
}

fn read<T: DeserializeOwned>(record: &Value) -> Result<T> {
    Ok(T::deserialize(record).map_err(anyhow::Error::from)?)
}

#[cfg(test)]
mod tests {
    use domain::{
        task::{Details, Due, NewTask, Task, TaskEdit},
        zone::Zone,
    };
    use serde_json::json;
    use time::{OffsetDateTime, macros::date};

    use super::*;

    fn row(entity_type: &str, version: i64, before: Value, after: Value) -> LastRow {
        LastRow {
            entity_id: Uuid::nil(),
            entity_type: entity_type.to_owned(),
            version,
            before,
            after,
        }
    }

    #[test]
    fn a_deleted_task_is_published_as_it_was_with_the_version_of_its_deletion() {
        let new = NewTask {
            id: Uuid::from_u128(1),
            deal_id: Uuid::from_u128(2),
            key: None,
            fields: TaskEdit {
                title: "Order the survey".to_owned(),
                description: None,
                milestone_id: None,
                owner_role: None,
                buyer_visible: false,
            },
            due: Some(Due::on(date!(2026 - 04 - 10))),
            required: true,
            assignee_id: None,
            open_dependencies: 0,
        };
        let zone = Zone::parse("America/New_York").unwrap();
        let moment = domain::task::Moment {
            now: OffsetDateTime::UNIX_EPOCH,
            zone: &zone,
            deadlines: domain::task::Deadlines::Running,
        };
        let task = Task::create(new, &moment).unwrap().task;
        let record = TaskRecord::of(&task, &Details::default(), &zone);
        let before = serde_json::to_value(record).unwrap();
        let event = event_of(&row("task", 3, before, Value::Null)).unwrap();
        let Some(Event::Task(TaskChange::Deleted, task)) = event else {
            panic!("not the deletion of a task: {event:?}");
        };
        assert_eq!(
            (task.title.as_str(), task.due_date.as_deref(), task.version),
            ("Order the survey", Some("2026-04-10"), 3)
        );
    }

    #[test]
    fn the_closing_date_is_found_among_the_key_dates() {
        let date = json!({
            "key": "closing_date", "title": "Closing", "isAnchor": true, "date": "2026-04-10", "ruleDate": null,
            "rule": null, "timeOfDay": null, "deadlineAt": null, "state": "SCHEDULED", "pinned": false,
            "buyerVisible": true,
        });
        let after = json!({
            "id": Uuid::from_u128(1), "dealId": Uuid::from_u128(2), "version": 4, "holidayCalendar": null,
            "reason": null, "keyDates": [date],
        });
        let event = event_of(&row("key_dates", 4, Value::Null, after)).unwrap();
        let Some(Event::KeyDates(_, key_dates)) = event else {
            panic!("not key dates: {event:?}");
        };
        assert_eq!(key_dates.closing_date.as_deref(), Some("2026-04-10"));
        assert!(key_dates.key_dates[0].buyer_visible);
    }
}
