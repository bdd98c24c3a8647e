//! A deal as it stood at an instant, folded from the audit log: each row holds its whole entity, so the
//! last row of each at that instant is its state then.

use std::collections::HashMap;

use domain::{
    milestone::{TaskCounts, states},
    rejection::Rejection,
    task::TaskStatus,
};
use platform::{db::Tx, error::Result};
use serde::Serialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit_log;

/// A deal, its plan and its key dates as they stood.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DealAsOf {
    /// The deal with all of its fields.
    #[schema(value_type = Object)]
    deal: Value,
    /// `{planState, milestones, otherTasks}`, as the plan of a deal is answered.
    #[schema(value_type = Object)]
    plan: Value,
    /// `{version, keyDates}`, as the key dates of a deal are answered.
    #[schema(value_type = Object)]
    key_dates: Value,
}

/// 404 before the deal was created, and after a draft was deleted.
pub(crate) async fn run(tx: &Tx, deal_id: Uuid, at: OffsetDateTime) -> Result<DealAsOf> {
    let rows = audit_log::last_rows(tx, deal_id, Some(at)).await?;
    let mut then: HashMap<String, Vec<Value>> = HashMap::new();
    for row in rows.into_iter().filter(|row| !row.after.is_null()) {
        then.entry(row.entity_type).or_default().push(row.after);
    }
    let mut of = |entity_type: &str| then.remove(entity_type).unwrap_or_default();
    let deal = of("deal").pop().ok_or(Rejection::NotFound)?;
    let key_dates = of("key_dates").pop();
    let plan = of("plan").pop();
    let milestones = of("milestone");
    let tasks = of("task");
    Ok(DealAsOf {
        plan: plan_of(&deal, plan.as_ref(), milestones, tasks),
        key_dates: key_dates_of(key_dates.as_ref()),
        deal: deal_of(deal),
    })
}

/// The record without what is not part of a deal's answer.
fn deal_of(mut deal: Value) -> Value {
    if let Some(fields) = deal.as_object_mut() {
        for name in ["dealId", "keyDates", "templateId"] {
            fields.remove(name);
        }
    }
    deal
}

fn key_dates_of(record: Option<&Value>) -> Value {
    let Some(record) = record else {
        return json!({ "version": 0, "keyDates": [] });
    };
    let dates: Vec<Value> = list(&record["keyDates"])
        .iter()
        .map(|date| {
            json!({
                "key": date["key"],
                "title": date["title"],
                "date": date["date"],
                "state": date["state"],
                "rule": date["rule"],
                "pinned": date["pinned"],
                "ruleDate": date["ruleDate"],
            })
        })
        .collect();
    json!({ "version": record["version"], "keyDates": dates })
}

fn plan_of(deal: &Value, plan: Option<&Value>, changed: Vec<Value>, tasks: Vec<Value>) -> Value {
    // A milestone comes with its plan; what happened to it since stands in rows of its own.
    let planned = plan.map_or(&[][..], |plan| list(&plan["milestones"]));
    let changed: HashMap<String, Value> = changed
        .into_iter()
        .map(|milestone| (text(&milestone["id"]).to_owned(), milestone))
        .collect();
    let mut milestones: Vec<&Value> = planned
        .iter()
        .map(|milestone| changed.get(text(&milestone["id"])).unwrap_or(milestone))
        .collect();
    milestones.sort_by_key(|milestone| milestone["position"].as_i64());
    let mut tasks = tasks;
    tasks.sort_by_key(|task| task["position"].as_i64());
    let within = |milestone: &Value| -> Vec<&Value> {
        tasks
            .iter()
            .filter(|task| task["milestoneId"] == milestone["id"])
            .collect()
    };
    let counts: Vec<TaskCounts> = milestones
        .iter()
        .map(|milestone| counts(&within(milestone)))
        .collect();
    let answered: Vec<Value> = milestones
        .iter()
        .zip(states(&counts))
        .map(|(milestone, state)| {
            let tasks: Vec<Value> = within(milestone).into_iter().map(task_of).collect();
            json!({
                "id": milestone["id"],
                "key": milestone["key"],
                "title": milestone["title"],
                "state": state.as_str(),
                "tasks": tasks,
            })
        })
        .collect();
    let others: Vec<Value> = tasks
        .iter()
        .filter(|task| {
            !milestones
                .iter()
                .any(|milestone| milestone["id"] == task["milestoneId"])
        })
        .map(task_of)
        .collect();
    let state = match plan {
        Some(plan) => plan["state"].clone(),
        None if deal["templateKey"].is_null() => json!("APPLIED"),
        None => json!("PENDING"),
    };
    json!({ "planState": state, "milestones": answered, "otherTasks": others })
}

fn counts(tasks: &[&Value]) -> TaskCounts {
    let mut counts = TaskCounts::default();
    for task in tasks {
        let is_done = TaskStatus::parse(text(&task["status"])).is_some_and(TaskStatus::is_done);
        if is_done {
            counts.done += 1;
        } else if task["isBlocked"] == true {
            counts.blocked += 1;
        } else {
            counts.ready += 1;
        }
    }
    counts
}

fn task_of(task: &Value) -> Value {
    json!({
        "id": task["id"],
        "key": task["key"],
        "title": task["title"],
        "status": task["status"],
        "ownerRole": task["ownerRole"],
        "assigneeId": task["assigneeId"],
        "dueDate": task["dueDate"],
        "projected": task["isBlocked"] == true && !task["dueDate"].is_null(),
        "dependsOn": task["dependsOn"],
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
