//! A deal as it was at an instant, folded from the audit log: each row holds its whole entity, so the last row of each
//! at that instant is its state then.

use std::collections::HashMap;

use contracts::{
    field::date_text,
    records::{DueRule, KeyDateRecord, KeyDatesRecord, MilestoneRecord, PlanRecord, TaskRecord},
};
use domain::{
    deal::PlanState,
    milestone::{TaskCounts, states},
    party::PartyRole,
    rejection::Rejection,
};
use platform::{db::Tx, error::Result};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit_log;

/// A deal, its plan and its key dates as they were.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DealAsOf {
    /// The deal with all of its fields but the closing date, which is among the key dates.
    #[schema(value_type = crate::routes::answers::DealAnswer)]
    deal: Value,
    plan: PlanAsOf,
    key_dates: KeyDatesAsOf,
}

/// A plan as it was.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PlanAsOf {
    /// PENDING, APPLIED or FAILED.
    plan_state: &'static str,
    milestones: Vec<MilestoneAsOf>,
    /// Tasks that belong to no milestone.
    other_tasks: Vec<TaskAsOf>,
}

/// A milestone as it was.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct MilestoneAsOf {
    id: Uuid,
    key: Option<String>,
    title: String,
    /// DONE, CURRENT or UPCOMING.
    state: &'static str,
    tasks: Vec<TaskAsOf>,
}

/// A task as it was.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TaskAsOf {
    id: Uuid,
    key: Option<String>,
    title: String,
    /// PENDING, IN_PROGRESS, BLOCKED, OVERDUE, COMPLETED or WAIVED.
    status: &'static str,
    owner_role: Option<&'static str>,
    assignee_id: Option<Uuid>,
    #[schema(format = Date)]
    due_date: Option<String>,
    /// Whether the due date was a projection, because the task was blocked.
    projected: bool,
    /// What it waited for: ids of tasks.
    depends_on: Vec<Uuid>,
}

/// The key dates as they were.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct KeyDatesAsOf {
    /// 0 before there were any.
    version: i64,
    key_dates: Vec<KeyDateAsOf>,
}

/// A key date as it was.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct KeyDateAsOf {
    key: String,
    title: String,
    #[schema(format = Date)]
    date: Option<String>,
    /// TBD, PROJECTED, SCHEDULED, SATISFIED, WAIVED, EXTENDED, NOT_APPLICABLE or MISSED.
    state: &'static str,
    /// The rule that it followed, where it had one.
    rule: Option<DueRule>,
    /// Whether it was set by hand although it had a rule.
    pinned: bool,
    /// What the rule said, where the date was pinned.
    #[schema(format = Date)]
    rule_date: Option<String>,
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
    let key_dates = records(of("key_dates"))?.pop();
    let plan = records(of("plan"))?.pop();
    let (milestones, tasks) = (records(of("milestone"))?, records(of("task"))?);
    Ok(DealAsOf {
        plan: plan_of(&deal, plan, milestones, tasks),
        key_dates: key_dates_of(key_dates),
        deal: deal_of(deal),
    })
}

fn records<T: DeserializeOwned>(rows: Vec<Value>) -> Result<Vec<T>> {
    let records: serde_json::Result<Vec<T>> =
        rows.into_iter().map(serde_json::from_value).collect();
    Ok(records.map_err(anyhow::Error::from)?)
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

fn key_dates_of(record: Option<KeyDatesRecord>) -> KeyDatesAsOf {
    let Some(record) = record else {
        return KeyDatesAsOf {
            version: 0,
            key_dates: Vec::new(),
        };
    };
    KeyDatesAsOf {
        version: record.version,
        key_dates: record.key_dates.into_iter().map(key_date_of).collect(),
    }
}

fn key_date_of(date: KeyDateRecord) -> KeyDateAsOf {
    let rule_date = date.rule_date.filter(|_| date.pinned);
    KeyDateAsOf {
        key: date.key,
        title: date.title,
        date: date.date.map(date_text),
        state: date.state.as_str(),
        rule: date.rule,
        pinned: date.pinned,
        rule_date: rule_date.map(date_text),
    }
}

fn plan_of(
    deal: &Value,
    plan: Option<PlanRecord>,
    changed: Vec<MilestoneRecord>,
    mut tasks: Vec<TaskRecord>,
) -> PlanAsOf {
    let plan_state = match &plan {
        Some(plan) => plan.state,
        None if deal["templateKey"].is_null() => PlanState::Applied,
        None => PlanState::Pending,
    };
    // A milestone comes with its plan; what happened to it since is in rows of its own.
    let mut changed: HashMap<Uuid, MilestoneRecord> = changed
        .into_iter()
        .map(|milestone| (milestone.id, milestone))
        .collect();
    let planned = plan.map_or_else(Vec::new, |plan| plan.milestones);
    let mut milestones: Vec<MilestoneRecord> = planned
        .into_iter()
        .map(|milestone| changed.remove(&milestone.id).unwrap_or(milestone))
        .collect();
    milestones.sort_by_key(|milestone| milestone.position);
    tasks.sort_by_key(|task| task.position);
    let within = |milestone: &MilestoneRecord| -> Vec<&TaskRecord> {
        let tasks = tasks.iter();
        tasks
            .filter(|task| task.milestone_id == Some(milestone.id))
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
            id: milestone.id,
            key: milestone.key.clone(),
            title: milestone.title.clone(),
            state: state.as_str(),
            tasks: within(milestone).into_iter().map(task_of).collect(),
        })
        .collect();
    let is_known = |id: Uuid| milestones.iter().any(|milestone| milestone.id == id);
    let others = tasks
        .iter()
        .filter(|task| !task.milestone_id.is_some_and(is_known))
        .map(task_of)
        .collect();
    PlanAsOf {
        plan_state: plan_state.as_str(),
        milestones: answered,
        other_tasks: others,
    }
}

fn counts(tasks: &[&TaskRecord]) -> TaskCounts {
    let mut counts = TaskCounts::default();
    for task in tasks {
        if task.status.is_done() {
            counts.done += 1;
        } else if task.is_blocked {
            counts.blocked += 1;
        } else {
            counts.ready += 1;
        }
    }
    counts
}

fn task_of(task: &TaskRecord) -> TaskAsOf {
    TaskAsOf {
        id: task.id,
        key: task.key.clone(),
        title: task.title.clone(),
        status: task.status.as_str(),
        owner_role: task.owner_role.map(PartyRole::as_str),
        assignee_id: task.assignee_id,
        due_date: task.due_date.map(date_text),
        projected: task.is_blocked && task.due_date.is_some(),
        depends_on: task.depends_on.clone(),
    }
}
