//! The one list of a task's columns, and the row: task ↔ columns.

use contracts::{
    records::{DueRule, TaskFieldsRecord},
    text,
};
use domain::{
    party::PartyRole,
    task::{Completion, Details, Due, StoredTask, Task, TaskFacts, TaskState, TaskStatus, Waiver},
    zone::Zone,
};
use platform::error::Result;
use sea_orm::FromQueryResult;
use serde::Serialize;
use serde_json::Value;
use time::{Date, OffsetDateTime, Time};
use uuid::Uuid;

/// The columns of a task that the service writes: adding one here adds it to every statement.
macro_rules! task_table {
    ($then:ident) => {
        $then! {
            id: Uuid,
            deal_id: Uuid,
            milestone_id: Option<Uuid>,
            key: Option<String>,
            title: String,
            description: Option<String>,
            kind: Option<String>,
            owner_role: Option<String>,
            chased_by: Option<String>,
            #[serde(with = "text::date::option")]
            follow_up_on: Option<Date>,
            assignee_id: Option<Uuid>,
            #[serde(with = "text::date::option")]
            due_date: Option<Date>,
            #[serde(with = "text::time_of_day::option")]
            due_time: Option<Time>,
            #[serde(with = "text::instant::option")]
            due_at: Option<OffsetDateTime>,
            due_rule: Option<Value>,
            pinned: bool,
            shift_days: i32,
            est_days: i32,
            critical: bool,
            required: bool,
            licensed_only: bool,
            buyer_visible: bool,
            template_fields: Value,
            position: i32,
            status: String,
            open_dependencies: i32,
            episode: i32,
            due_passed: bool,
            completed_by: Option<Uuid>,
            #[serde(with = "text::instant::option")]
            completed_at: Option<OffsetDateTime>,
            #[serde(with = "text::date::option")]
            completed_on: Option<Date>,
            completed_late: bool,
            waived_by: Option<Uuid>,
            #[serde(with = "text::instant::option")]
            waived_at: Option<OffsetDateTime>,
            waive_reason: Option<String>,
            note: Option<String>,
            followed: bool,
            created_by: Uuid,
            version: i64,
        }
    };
}

macro_rules! row_struct {
    ($($(#[$attribute:meta])* $column:ident: $type:ty,)+) => {
        /// A row of `tasks`.
        #[derive(Clone, Debug, FromQueryResult, Serialize)]
        pub(crate) struct TaskRow {
            $($(#[$attribute])* $column: $type,)+
            /// No column: what it waits for.
            #[serde(skip)]
            depends_on: Vec<Uuid>,
        }
    };
}
task_table!(row_struct);

macro_rules! prefixed_by_t {
    ($(#[$_a:meta])* $first:ident: $_f:ty, $($(#[$_b:meta])* $column:ident: $_t:ty,)+) => {
        concat!("t.", stringify!($first) $(, ", t.", stringify!($column))+)
    };
}
macro_rules! prefixed_by_r {
    ($(#[$_a:meta])* $first:ident: $_f:ty, $($(#[$_b:meta])* $column:ident: $_t:ty,)+) => {
        concat!("r.", stringify!($first) $(, ", r.", stringify!($column))+)
    };
}
macro_rules! bare {
    ($(#[$_a:meta])* $first:ident: $_f:ty, $($(#[$_b:meta])* $column:ident: $_t:ty,)+) => {
        concat!(stringify!($first) $(, ", ", stringify!($column))+)
    };
}

/// What a [`TaskRow`] is read from; `t` is the table.
macro_rules! task_columns {
    () => {
        concat!(
            task_table!(prefixed_by_t),
            ", ARRAY(SELECT d.depends_on_id FROM dependencies d
                      WHERE d.organization_id = t.organization_id AND d.task_id = t.id
                      ORDER BY d.depends_on_id) AS depends_on"
        )
    };
}
pub(crate) use {bare, prefixed_by_r, prefixed_by_t, task_columns, task_table};

impl TaskRow {
    /// The row of a task. `zone` is the deal's.
    pub(super) fn of(task: &TaskState, details: &Details, zone: &Zone) -> Result<Self> {
        let facts = &task.facts;
        let completed = facts.completed.as_ref();
        let waived = facts.waived.as_ref();
        let rule = details.due_rule.as_ref().map(DueRule::of);
        let rule = rule.map(serde_json::to_value).transpose();
        let fields = TaskFieldsRecord::of(&details.template_fields);
        Ok(Self {
            id: task.id,
            deal_id: task.deal_id,
            milestone_id: task.milestone_id,
            key: task.key.clone(),
            title: task.title.clone(),
            description: task.description.clone(),
            kind: details.kind.clone(),
            owner_role: task.owner_role.map(|role| role.as_str().to_owned()),
            chased_by: details.chased_by.clone(),
            follow_up_on: details.follow_up_on,
            assignee_id: facts.assignee_id,
            due_date: task.due.map(|due| due.date),
            due_time: task.due.and_then(|due| due.time_of_day),
            due_at: task.due_at(zone),
            due_rule: rule.map_err(anyhow::Error::from)?,
            pinned: task.due_pinned,
            shift_days: integer(task.shift_days)?,
            est_days: details.est_days,
            critical: details.critical,
            required: task.required,
            licensed_only: details.licensed_only,
            buyer_visible: task.buyer_visible,
            template_fields: serde_json::to_value(fields).map_err(anyhow::Error::from)?,
            position: details.position,
            status: task.status.as_str().to_owned(),
            open_dependencies: integer(facts.open_dependencies)?,
            episode: integer(task.episode)?,
            due_passed: facts.due_passed,
            completed_by: completed.map(|completion| completion.by),
            completed_at: completed.map(|completion| completion.at),
            completed_on: completed.map(|completion| completion.on),
            completed_late: task.is_completed_late(),
            waived_by: waived.map(|waiver| waiver.by),
            waived_at: waived.map(|waiver| waiver.at),
            waive_reason: waived.map(|waiver| waiver.reason.clone()),
            note: details.note.clone(),
            followed: details.followed,
            created_by: details.created_by,
            version: task.version,
            depends_on: details.depends_on.clone(),
        })
    }

    /// The task, its invariants checked again.
    pub(crate) fn restore(self) -> Result<StoredTask> {
        let status = TaskStatus::parse(&self.status)
            .ok_or_else(|| anyhow::anyhow!("task {} has the status {}", self.id, self.status))?;
        let owner_role = self.owner_role.as_deref().map(parse_role).transpose()?;
        let completed = match (self.completed_by, self.completed_at, self.completed_on) {
            (Some(by), Some(at), Some(on)) => Some(Completion { by, at, on }),
            _ => None,
        };
        let waived = match (self.waived_by, self.waived_at, self.waive_reason) {
            (Some(by), Some(at), Some(reason)) => Some(Waiver { by, at, reason }),
            _ => None,
        };
        let task = Task::restore(TaskState {
            id: self.id,
            deal_id: self.deal_id,
            milestone_id: self.milestone_id,
            key: self.key,
            title: self.title,
            description: self.description,
            owner_role,
            due: self.due_date.map(|date| Due {
                date,
                time_of_day: self.due_time,
            }),
            due_pinned: self.pinned,
            shift_days: count(self.shift_days)?,
            required: self.required,
            buyer_visible: self.buyer_visible,
            facts: TaskFacts {
                assignee_id: self.assignee_id,
                completed,
                waived,
                open_dependencies: count(self.open_dependencies)?,
                due_passed: self.due_passed,
            },
            episode: count(self.episode)?,
            status,
            version: self.version,
        })
        .map_err(anyhow::Error::from)?;
        let fields: TaskFieldsRecord =
            serde_json::from_value(self.template_fields).map_err(anyhow::Error::from)?;
        Ok(StoredTask {
            task,
            details: Details {
                kind: self.kind,
                chased_by: self.chased_by,
                follow_up_on: self.follow_up_on,
                due_rule: self.due_rule.map(super::rule).transpose()?,
                est_days: self.est_days,
                critical: self.critical,
                licensed_only: self.licensed_only,
                template_fields: fields.restore().map_err(anyhow::Error::from)?,
                position: self.position,
                note: self.note,
                followed: self.followed,
                created_by: self.created_by,
                depends_on: self.depends_on,
            },
            due_at: self.due_at,
        })
    }
}

fn parse_role(text: &str) -> Result<PartyRole> {
    PartyRole::parse(text)
        .ok_or_else(|| anyhow::anyhow!("a task is owned by the unknown part {text}").into())
}

fn count(number: i32) -> Result<u32> {
    Ok(u32::try_from(number).map_err(anyhow::Error::from)?)
}

fn integer(number: u32) -> Result<i32> {
    Ok(i32::try_from(number).map_err(anyhow::Error::from)?)
}
