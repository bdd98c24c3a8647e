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
    /// The deal with all of its fields but the closing date, which stands among the key dates.
    #[schema(value_type = crate::routes::answers::DealAnswer)]
    deal: Value,
    plan: PlanAsOf,
    key_dates: KeyDatesAsOf,
}

/// A plan as it stood.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PlanAsOf {
    /// PENDING, APPLIED or FAILED.
    #[schema(value_type = String)]
    plan_state: Value,
    milestones: Vec<MilestoneAsOf>,
    /// Tasks that belong to no milestone.
    other_tasks: Vec<TaskAsOf>,
}

/// A milestone as it stood.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MilestoneAsOf {
    #[schema(value_type = Uuid)]
    id: Value,
    #[schema(value_type = Option<String>)]
    key: Value,
    #[schema(value_type = String)]
    title: Value,
    /// DONE, CURRENT or UPCOMING.
    state: &'static str,
    tasks: Vec<TaskAsOf>,
}

/// A task as it stood.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TaskAsOf {
    #[schema(value_type = Uuid)]
    id: Value,
    #[schema(value_type = Option<String>)]
    key: Value,
    #[schema(value_type = String)]
    title: Value,
    /// PENDING, IN_PROGRESS, BLOCKED, OVERDUE, COMPLETED or WAIVED.
    #[schema(value_type = String)]
    status: Value,
    #[schema(value_type = Option<String>)]
    owner_role: Value,
    #[schema(value_type = Option<Uuid>)]
    assignee_id: Value,
    #[schema(value_type = Option<String>, format = Date)]
    due_date: Value,
    /// Whether the due date was a projection, because the task was blocked.
    projected: bool,
    /// What it waited for: ids of tasks.
    #[schema(value_type = Vec<Uuid>)]
    depends_on: Value,
}

/// The key dates as they stood.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct KeyDatesAsOf {
    /// 0 before there were any.
    #[schema(value_type = i64)]
    version: Value,
    key_dates: Vec<KeyDateAsOf>,
}

/// A key date as it stood.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct KeyDateAsOf {
    #[schema(value_type = String)]
    key: Value,
    #[schema(value_type = String)]
    title: Value,
    #[schema(value_type = Option<String>, format = Date)]
    date: Value,
    /// TBD, PROJECTED, SCHEDULED, SATISFIED, WAIVED, EXTENDED, NOT_APPLICABLE or MISSED.
    #[schema(value_type = String)]
    state: Value,
    /// The rule that it followed, where it had one.
    #[schema(value_type = Option<Object>)]
    rule: Value,
    /// Whether it was set by hand although it had a rule.
    #[schema(value_type = bool)]
    pinned: Value,
    /// What the rule said, where the date was pinned.
    #[schema(value_type = Option<String>, format = Date)]
    rule_date: Value,
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
        for name in ["dealId", "keyDates", "templateId", "cancelledFrom"] {
            fields.remove(name);
        }
    }
    deal
}

fn key_dates_of(record: Option<&Value>) -> KeyDatesAsOf {
    let Some(record) = record else {
        return KeyDatesAsOf {
            version: 0.into(),
            key_dates: Vec::new(),
        };
    };
    let key_dates = list(&record["keyDates"])
        .iter()
        .map(|date| KeyDateAsOf {
            key: date["key"].clone(),
            title: date["title"].clone(),
            date: date["date"].clone(),
            state: date["state"].clone(),
            rule: date["rule"].clone(),
            pinned: date["pinned"].clone(),
            rule_date: if date["pinned"] == true {
                date["ruleDate"].clone()
            } else {
                Value::Null
            },
        })
        .collect();
    KeyDatesAsOf {
        version: record["version"].clone(),
        key_dates,
    }
}

fn plan_of(deal: &Value, plan: Option<&Value>, changed: Vec<Value>, tasks: Vec<Value>) -> PlanAsOf {
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
    let answered = milestones
        .iter()
        .zip(states(&counts))
        .map(|(milestone, state)| MilestoneAsOf {
            id: milestone["id"].clone(),
            key: milestone["key"].clone(),
            title: milestone["title"].clone(),
            state: state.as_str(),
            tasks: within(milestone).into_iter().map(task_of).collect(),
        })
        .collect();
    let others = tasks
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
    PlanAsOf {
        plan_state: state,
        milestones: answered,
        other_tasks: others,
    }
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

fn task_of(task: &Value) -> TaskAsOf {
    TaskAsOf {
        id: task["id"].clone(),
        key: task["key"].clone(),
        title: task["title"].clone(),
        status: task["status"].clone(),
        owner_role: task["ownerRole"].clone(),
        assignee_id: task["assigneeId"].clone(),
        due_date: task["dueDate"].clone(),
        projected: task["isBlocked"] == true && !task["dueDate"].is_null(),
        depends_on: task["dependsOn"].clone(),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
