//! Makes the read models again from the audit log, deal by deal, while the service runs.
//!
//! The log is read after the deal's row is locked. What the consumer has applied by then is in the log
//! already; what it applies later waits for the lock, and its versions are newer. So nothing is lost, and
//! the read models end as the events would have made them. The consumer goes on behind what was read: an event
//! that never came holds up its aggregate no longer.

use anyhow::Context as _;
use contracts::event::Event;
use platform::{
    config::Env,
    db::{Db, PoolSize, ServiceScope, restate_positions},
    error::Result,
    messaging::topology::DEAL_SERVICE,
};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use std::io::Write as _;
use uuid::Uuid;

use crate::{
    SCHEMA,
    commands::create_deal::CLOSING_DATE,
    config,
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

/// Rebuilds every deal of every organization, or of `only` one, and tells how many there were.
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
        let events: std::result::Result<Vec<Option<Event>>, _> =
            rows.iter().map(event_of).collect();
        let events = events.map_err(anyhow::Error::from)?;
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

/// The event that the row's change was told with, as far as the read models need it.
fn event_of(row: &LastRow) -> std::result::Result<Option<Event>, contracts::field::Malformed> {
    let is_gone = row.after.is_null();
    let mut record = if is_gone { &row.before } else { &row.after }.clone();
    record["version"] = json!(row.version);
    let (event_type, event) = match row.entity_type.as_str() {
        "plan" => ("tasks.plan.applied", plan(record)),
        "milestone" => ("tasks.milestone.completed", milestone(record)),
        "task" if is_gone => ("tasks.task.deleted", named(record, "taskId")),
        "task" => ("tasks.task.updated", named(record, "taskId")),
        "key_dates" => ("tasks.key_dates.changed", key_dates(record)),
        _ => return Ok(None),
    };
    Event::from_json(event_type, event).map(Some)
}

fn named(mut record: Value, id: &str) -> Value {
    record[id] = record["id"].clone();
    record
}

fn plan(mut record: Value) -> Value {
    let milestones = record["milestones"].as_array().cloned().unwrap_or_default();
    record["milestones"] = milestones.into_iter().map(milestone).collect();
    named(record, "planId")
}

fn milestone(mut record: Value) -> Value {
    record["completed"] = json!(!record["completedAt"].is_null());
    if record["key"].is_null() {
        record["key"] = json!("");
    }
    named(record, "milestoneId")
}

fn key_dates(mut record: Value) -> Value {
    let closing = record["keyDates"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|date| date["key"] == CLOSING_DATE)
        .map_or(Value::Null, |date| date["date"].clone());
    record["closingDate"] = closing;
    named(record, "keyDatesId")
}

#[cfg(test)]
mod tests {
    use contracts::event::TaskChange;

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
    fn a_deleted_task_is_told_as_it_was_with_the_version_of_its_deletion() {
        let before = json!({"id": "t", "title": "Order the survey", "version": 2, "note": null});
        let event = event_of(&row("task", 3, before, Value::Null)).unwrap();
        let Some(Event::Task(TaskChange::Deleted, task)) = event else {
            panic!("not the deletion of a task: {event:?}");
        };
        assert_eq!(
            (task.task_id.as_str(), task.title.as_str(), task.version),
            ("t", "Order the survey", 3)
        );
    }

    #[test]
    fn the_closing_date_is_found_among_the_key_dates() {
        let after = json!({"id": "k", "dealId": "d", "reason": null, "keyDates": [
            {"key": "closing_date", "title": "Closing", "date": "2026-04-10", "state": "SCHEDULED", "pinned": false, "buyerVisible": true}]});
        let event = event_of(&row("key_dates", 4, Value::Null, after)).unwrap();
        let Some(Event::KeyDates(_, key_dates)) = event else {
            panic!("not key dates: {event:?}");
        };
        assert_eq!(key_dates.closing_date.as_deref(), Some("2026-04-10"));
        assert!(key_dates.key_dates[0].buyer_visible);
    }
}
