//! A task as it is recorded.

use domain::{
    party::PartyRole,
    task::{Details, TaskState, TaskStatus},
    zone::Zone,
};
use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime, Time};
use uuid::Uuid;

use super::{DueRule, TaskFieldsRecord, number, version};
use crate::{
    field::{date_text, instant_text},
    text, v1,
};

/// A task with everything that is stored of it. The number of open dependencies is left out: it changes without a
/// transition, and follows from the tasks in `dependsOn`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskRecord {
    /// The task.
    pub id: Uuid,
    /// Its deal.
    pub deal_id: Uuid,
    /// The milestone it counts for.
    pub milestone_id: Option<Uuid>,
    /// The template's key; `None` for a task added by hand.
    pub key: Option<String>,
    /// What is to be done.
    pub title: String,
    /// More about it.
    pub description: Option<String>,
    /// What sort of work it is, in the template's word.
    pub kind: Option<String>,
    /// The part that owns it.
    #[serde(with = "text::party_role::option")]
    pub owner_role: Option<PartyRole>,
    /// The part that presses for it, in the template's word.
    pub chased_by: Option<String>,
    /// The day on which to ask for it again.
    #[serde(with = "text::date::option")]
    pub follow_up_on: Option<Date>,
    /// The user who is to do it.
    pub assignee_id: Option<Uuid>,
    /// In the deal's time zone.
    #[serde(with = "text::date::option")]
    pub due_date: Option<Date>,
    /// The time of day it is due; without one the whole day counts.
    #[serde(with = "text::time_of_day::option")]
    pub due_time: Option<Time>,
    /// The instant from which it is overdue.
    #[serde(with = "text::instant::option")]
    pub due_at: Option<OffsetDateTime>,
    /// The rule that its due date follows.
    pub due_rule: Option<DueRule>,
    /// Whether the due date was set by hand.
    pub pinned: bool,
    /// Calendar days that holds of the deal added to what the rule says.
    pub shift_days: u32,
    /// Calendar days it is expected to take.
    pub est_days: i32,
    /// Whether the closing depends on it.
    pub critical: bool,
    /// Whether the deal cannot be closed without it.
    pub required: bool,
    /// Whether only a licensed person may do it.
    pub licensed_only: bool,
    /// Whether the client sees it.
    pub buyer_visible: bool,
    /// The template's remaining fields.
    pub template_fields: TaskFieldsRecord,
    /// Its place in the plan, for reading.
    pub position: i32,
    /// Its status.
    #[serde(with = "text::task_status")]
    pub status: TaskStatus,
    /// Whether it waits for other tasks.
    pub is_blocked: bool,
    /// Whether it is open and its due instant has passed.
    pub is_overdue: bool,
    /// How often it has begun to wait.
    pub episode: u32,
    /// Who completed it.
    pub completed_by: Option<Uuid>,
    /// When that was recorded.
    #[serde(with = "text::instant::option")]
    pub completed_at: Option<OffsetDateTime>,
    /// The day on which it was really done.
    #[serde(with = "text::date::option")]
    pub completed_on: Option<Date>,
    /// Whether it was done after its due date.
    pub completed_late: bool,
    /// Who waived it.
    pub waived_by: Option<Uuid>,
    /// When that was recorded.
    #[serde(with = "text::instant::option")]
    pub waived_at: Option<OffsetDateTime>,
    /// Why it was waived.
    pub waive_reason: Option<String>,
    /// What was noted at completion.
    pub note: Option<String>,
    /// The tasks it waits for, done or not, in id order.
    pub depends_on: Vec<Uuid>,
    /// Who added it.
    pub created_by: Uuid,
    /// The version, counted from 1.
    pub version: i64,
    /// Why the change was made, where a reason was given. It belongs to the change and not to the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How somebody asked for it, where that is the change. It belongs to the change as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chase: Option<ChaseRecord>,
}

/// That somebody asked for a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChaseRecord {
    /// The entry of the task's log.
    pub id: Uuid,
    /// How.
    pub channel: String,
    /// What was said.
    pub note: Option<String>,
    /// Whether an answer came.
    pub replied: bool,
}

impl TaskRecord {
    /// The record of a state. `zone` is the deal's.
    pub fn of(task: &TaskState, details: &Details, zone: &Zone) -> Self {
        let completed = task.facts.completed.as_ref();
        let waived = task.facts.waived.as_ref();
        Self {
            id: task.id,
            deal_id: task.deal_id,
            milestone_id: task.milestone_id,
            key: task.key.clone(),
            title: task.title.clone(),
            description: task.description.clone(),
            kind: details.kind.clone(),
            owner_role: task.owner_role,
            chased_by: details.chased_by.clone(),
            follow_up_on: details.follow_up_on,
            assignee_id: task.facts.assignee_id,
            due_date: task.due.map(|due| due.date),
            due_time: task.due.and_then(|due| due.time_of_day),
            due_at: task.due_at(zone),
            due_rule: details.due_rule.as_ref().map(DueRule::of),
            pinned: task.due_pinned,
            shift_days: task.shift_days,
            est_days: details.est_days,
            critical: details.critical,
            required: task.required,
            licensed_only: details.licensed_only,
            buyer_visible: task.buyer_visible,
            template_fields: TaskFieldsRecord::of(&details.template_fields),
            position: details.position,
            status: task.status,
            is_blocked: task.is_blocked(),
            is_overdue: task.is_overdue(),
            episode: task.episode,
            completed_by: completed.map(|completion| completion.by),
            completed_at: completed.map(|completion| completion.at),
            completed_on: completed.map(|completion| completion.on),
            completed_late: task.is_completed_late(),
            waived_by: waived.map(|waiver| waiver.by),
            waived_at: waived.map(|waiver| waiver.at),
            waive_reason: waived.map(|waiver| waiver.reason.clone()),
            note: details.note.clone(),
            depends_on: details.depends_on.clone(),
            created_by: details.created_by,
            version: task.version,
            reason: None,
            chase: None,
        }
    }

    /// What is published of it. `changed` are the names of the fields that changed.
    pub fn event(&self, changed: Vec<String>) -> v1::TaskEvent {
        v1::TaskEvent {
            task_id: self.id.to_string(),
            deal_id: self.deal_id.to_string(),
            milestone_id: self.milestone_id.map(|id| id.to_string()),
            key: self.key.clone(),
            title: self.title.clone(),
            status: self.status.as_str().to_owned(),
            owner_role: self.owner_role.map(|role| role.as_str().to_owned()),
            assignee_id: self.assignee_id.map(|id| id.to_string()),
            due_date: self.due_date.map(date_text),
            due_at: self.due_at.map(instant_text),
            is_blocked: self.is_blocked,
            is_overdue: self.is_overdue,
            completed_at: self.completed_at.map(instant_text),
            completed_on: self.completed_on.map(date_text),
            completed_by: self.completed_by.map(|id| id.to_string()),
            buyer_visible: self.buyer_visible,
            required: self.required,
            position: number(self.position),
            depends_on: self.depends_on.iter().map(ToString::to_string).collect(),
            version: version(self.version),
            changed,
        }
    }

    /// The names of the fields in which two records of a task differ, but for the version and what belongs to the change.
    pub fn changed_since(&self, before: &Self) -> Vec<String> {
        let fields = |record: &Self| match serde_json::to_value(record) {
            Ok(serde_json::Value::Object(fields)) => fields,
            Ok(_) | Err(_) => serde_json::Map::new(),
        };
        let before = fields(before);
        fields(self)
            .into_iter()
            .filter(|(name, _)| !["version", "reason", "chase"].contains(&name.as_str()))
            .filter(|(name, value)| before.get(name) != Some(value))
            .map(|(name, _)| name)
            .collect()
    }
}
