//! Tasks: row ↔ aggregate.

use domain::{
    party::PartyRole,
    task::{Completion, Due, Task, TaskFacts, TaskState, TaskStatus, Waiver},
    zone::Zone,
};
use platform::{
    db::{Sight, Tx},
    error::Result,
};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use time::{Date, OffsetDateTime, Time};
use uuid::Uuid;

use super::deals::{self, Deal, DealRow};

/// Every column of a task, and what it waits for; `t` is the table.
macro_rules! task_columns {
    () => {
        "t.id, t.deal_id, t.milestone_id, t.key, t.title, t.description, t.kind, t.owner_role, t.chased_by,
         t.assignee_id, t.due_date, t.due_time, t.due_at, t.due_rule, t.pinned, t.shift_days, t.est_days, t.critical, t.required,
         t.licensed_only, t.buyer_visible, t.template_fields, t.position, t.status, t.open_dependencies,
         t.episode, t.due_passed, t.completed_by, t.completed_at, t.completed_on, t.waived_by, t.waived_at,
         t.waive_reason, t.note, t.followed, t.created_by, t.version,
         ARRAY(SELECT d.depends_on_id FROM dependencies d
                WHERE d.organization_id = t.organization_id AND d.task_id = t.id
                ORDER BY d.depends_on_id) AS depends_on"
    };
}
pub(crate) use task_columns;

/// A task as it is stored: what its status is decided from, and what only its plan and its readers need.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredTask {
    /// The task of the domain.
    pub(crate) task: Task,
    /// The rest of the row.
    pub(crate) details: Details,
    /// The instant from which it is overdue, as stored.
    pub(crate) due_at: Option<OffsetDateTime>,
}

/// What a task carries beside its state.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Details {
    /// What sort of work it is, in the template's word.
    pub(crate) kind: Option<String>,
    /// The part that presses for it while its owner is slow, in the template's word.
    pub(crate) chased_by: Option<String>,
    /// The rule that its due date follows, as `domain` reads it back.
    pub(crate) due_rule: Option<Value>,
    /// Calendar days it is expected to take.
    pub(crate) est_days: i32,
    /// Whether the closing hangs on it.
    pub(crate) critical: bool,
    /// Whether only a licensed person may do it; a warning, not a refusal.
    pub(crate) licensed_only: bool,
    /// The template's remaining fields.
    pub(crate) template_fields: Value,
    /// Its place in the plan, for reading.
    pub(crate) position: i32,
    /// What was noted at completion.
    pub(crate) note: Option<String>,
    /// Whether a rule that somebody made counts from its completion.
    pub(crate) followed: bool,
    /// Who added it; the SYSTEM user for tasks of a template.
    pub(crate) created_by: Uuid,
    /// The tasks it waits for, done or not, in id order.
    pub(crate) depends_on: Vec<Uuid>,
}

/// A row as it is read.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct TaskRow {
    id: Uuid,
    deal_id: Uuid,
    milestone_id: Option<Uuid>,
    key: Option<String>,
    title: String,
    description: Option<String>,
    kind: Option<String>,
    owner_role: Option<String>,
    chased_by: Option<String>,
    assignee_id: Option<Uuid>,
    due_date: Option<Date>,
    due_time: Option<Time>,
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
    completed_at: Option<OffsetDateTime>,
    completed_on: Option<Date>,
    waived_by: Option<Uuid>,
    waived_at: Option<OffsetDateTime>,
    waive_reason: Option<String>,
    note: Option<String>,
    followed: bool,
    created_by: Uuid,
    version: i64,
    depends_on: Vec<Uuid>,
}

impl Details {
    /// Whether dates or further work follow from its end.
    pub(crate) fn has_followers(&self) -> bool {
        self.followed || self.template_fields["followUp"] == true
    }
}

impl TaskRow {
    /// The task, its invariants checked anew.
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
        Ok(StoredTask {
            task,
            details: Details {
                kind: self.kind,
                chased_by: self.chased_by,
                due_rule: self.due_rule,
                est_days: self.est_days,
                critical: self.critical,
                licensed_only: self.licensed_only,
                template_fields: self.template_fields,
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

/// The task, if the caller may see it.
pub(crate) async fn find(tx: &Tx, id: Uuid) -> Result<Option<StoredTask>> {
    let row: Option<TaskRow> = tx
        .first(
            concat!(
                "SELECT ",
                task_columns!(),
                " FROM tasks t WHERE t.organization_id = $1 AND t.id = $2 AND t.deleted_at IS NULL"
            ),
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    row.map(TaskRow::restore).transpose()
}

/// An answer about a task is replayed to whoever sees it; a task deleted since is still the caller's.
pub(crate) const SIGHTS: &[Sight] = &[Sight {
    address: "/api/tasks/",
    find: "SELECT id FROM tasks WHERE organization_id = $1 AND id = $2",
}];

/// Locks the deal of a task against a change of its status. `NOT_FOUND` if the caller cannot see the task.
pub(crate) async fn lock_deal(tx: &Tx, id: Uuid) -> Result<Deal> {
    let row: Option<DealRow> = tx
        .first(
            "SELECT d.* FROM tasks t CROSS JOIN LATERAL ctx.lock_deal(t.deal_id) d
              WHERE t.organization_id = $1 AND t.id = $2 AND t.deleted_at IS NULL",
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    deals::of(row)
}

/// As [`lock_deal`], for a change of dependencies or of many tasks at once.
pub(crate) async fn lock_deal_exclusively(tx: &Tx, id: Uuid) -> Result<Deal> {
    let row: Option<DealRow> = tx
        .first(
            "SELECT d.* FROM tasks t CROSS JOIN LATERAL ctx.lock_deal_exclusively(t.deal_id) d
              WHERE t.organization_id = $1 AND t.id = $2 AND t.deleted_at IS NULL",
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    deals::of(row)
}

/// As [`lock_deal`], for the end of the task: exclusively where dates follow from that. A lock that is shared first and
/// made exclusive later would stop two that finish at once.
pub(crate) async fn lock_deal_to_finish(tx: &Tx, id: Uuid) -> Result<Deal> {
    let row: Option<DealRow> = tx
        .first(
            "SELECT d.* FROM tasks t CROSS JOIN LATERAL (
               SELECT * FROM ctx.lock_deal_exclusively(t.deal_id)
                WHERE t.followed OR t.template_fields -> 'followUp' = 'true'::jsonb
               UNION ALL
               SELECT * FROM ctx.lock_deal(t.deal_id)
                WHERE NOT t.followed AND t.template_fields -> 'followUp' IS DISTINCT FROM 'true'::jsonb) d
              WHERE t.organization_id = $1 AND t.id = $2 AND t.deleted_at IS NULL",
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    deals::of(row)
}

/// The task, locked. `None` if the caller may not change it, or if it has been deleted just now.
pub(crate) async fn lock(tx: &Tx, id: Uuid) -> Result<Option<StoredTask>> {
    let row: Option<TaskRow> = tx
        .first(
            concat!(
                "SELECT ",
                task_columns!(),
                " FROM tasks t WHERE t.organization_id = $1 AND t.id = $2 AND t.deleted_at IS NULL FOR UPDATE"
            ),
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    row.map(TaskRow::restore).transpose()
}

/// Every task of a deal that the caller may see, in the plan's order.
pub(crate) async fn of_deal(tx: &Tx, deal_id: Uuid) -> Result<Vec<StoredTask>> {
    let rows: Vec<TaskRow> = tx
        .all(
            concat!(
                "SELECT ",
                task_columns!(),
                " FROM tasks t WHERE t.organization_id = $1 AND t.deal_id = $2 AND t.deleted_at IS NULL
                  ORDER BY t.position, t.id"
            ),
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    rows.into_iter().map(TaskRow::restore).collect()
}

/// Every task of a deal, locked in id order. The deal is locked exclusively before.
pub(crate) async fn lock_of_deal(tx: &Tx, deal_id: Uuid) -> Result<Vec<StoredTask>> {
    let rows: Vec<TaskRow> = tx
        .all(
            concat!(
                "SELECT ",
                task_columns!(),
                " FROM tasks t WHERE t.organization_id = $1 AND t.deal_id = $2 AND t.deleted_at IS NULL
                  ORDER BY t.id FOR UPDATE"
            ),
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    rows.into_iter().map(TaskRow::restore).collect()
}

/// At most `limit` open tasks of a part in a deal that are nobody's, locked in id order. The deal is locked exclusively
/// before.
pub(crate) async fn lock_unassigned(
    tx: &Tx,
    deal_id: Uuid,
    role: PartyRole,
    limit: usize,
) -> Result<Vec<StoredTask>> {
    let rows: Vec<TaskRow> = tx
        .all(
            concat!(
                "SELECT ",
                task_columns!(),
                " FROM tasks t WHERE t.organization_id = $1 AND t.deal_id = $2 AND t.deleted_at IS NULL
                   AND t.assignee_id IS NULL AND t.owner_role = $3 AND t.status NOT IN ('COMPLETED', 'WAIVED')
                  ORDER BY t.id LIMIT $4 FOR UPDATE"
            ),
            [
                tx.actor().organization_id.into(),
                deal_id.into(),
                role.as_str().into(),
                rows_at_most(limit)?.into(),
            ],
        )
        .await?;
    rows.into_iter().map(TaskRow::restore).collect()
}

fn rows_at_most(limit: usize) -> Result<i64> {
    Ok(i64::try_from(limit).map_err(anyhow::Error::from)?)
}

/// What waits for this task, locked in id order so that two prerequisites that finish at the same instant
/// count one after the other.
pub(crate) async fn lock_dependents(tx: &Tx, id: Uuid) -> Result<Vec<StoredTask>> {
    let rows: Vec<TaskRow> = tx
        .all(
            concat!(
                "SELECT ",
                task_columns!(),
                " FROM tasks t
                  WHERE t.organization_id = $1 AND t.deleted_at IS NULL
                    AND t.id IN (SELECT d.task_id FROM dependencies d
                                  WHERE d.organization_id = $1 AND d.depends_on_id = $2)
                  ORDER BY t.id FOR UPDATE"
            ),
            [tx.actor().organization_id.into(), id.into()],
        )
        .await?;
    rows.into_iter().map(TaskRow::restore).collect()
}

/// A task to be written, with the version that its row must still have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Saved<'a> {
    /// The version that was loaded under lock.
    pub(crate) loaded_version: i64,
    /// The new state.
    pub(crate) task: &'a TaskState,
    /// The new details.
    pub(crate) details: &'a Details,
}

/// Writes every column that a step can change; `$1` is the organization, `$2` the rows, `$3` their ids.
///
/// The ids have a condition of their own: PostgreSQL takes a recordset for 100 rows, and for so many it would rather
/// read the whole organization. With the ids it looks each row up by its key.
macro_rules! save_statement {
    () => {
        "UPDATE tasks t SET milestone_id = r.milestone_id, title = r.title, description = r.description,
                owner_role = r.owner_role, assignee_id = r.assignee_id, due_date = r.due_date,
                due_time = r.due_time, due_at = r.due_at, pinned = r.pinned, shift_days = r.shift_days, required = r.required,
                buyer_visible = r.buyer_visible, due_rule = r.due_rule, note = r.note, status = r.status,
                open_dependencies = r.open_dependencies, episode = r.episode, due_passed = r.due_passed,
                completed_by = r.completed_by, completed_at = r.completed_at, completed_on = r.completed_on,
                completed_late = r.completed_late, waived_by = r.waived_by, waived_at = r.waived_at,
                waive_reason = r.waive_reason, version = r.version
           FROM jsonb_to_recordset($2::jsonb) AS r(
                id uuid, loaded_version bigint, milestone_id uuid, title text, description text,
                owner_role text, assignee_id uuid, due_date date, due_time time, due_at timestamptz,
                pinned boolean, shift_days integer, required boolean, buyer_visible boolean, due_rule jsonb, note text,
                status text, open_dependencies integer, episode integer, due_passed boolean,
                completed_by uuid, completed_at timestamptz, completed_on date, completed_late boolean,
                waived_by uuid, waived_at timestamptz, waive_reason text, version bigint)
          WHERE t.organization_id = $1 AND t.id = ANY($3) AND t.id = r.id AND t.version = r.loaded_version"
    };
}

/// Writes new states of locked tasks in one statement. Fails if the row policies hid one of them.
pub(crate) async fn save(tx: &Tx, zone: &Zone, tasks: &[Saved<'_>]) -> Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    let values = [
        tx.actor().organization_id.into(),
        saved_rows(zone, tasks).into(),
        saved_ids(tasks).into(),
    ];
    let changed = tx.run(save_statement!(), values).await?;
    require_all(changed, tasks.len())
}

/// Writes a finished task and, in the same statement, asks leave to change what waited for it: the database
/// looks whether this session really finished it.
pub(crate) async fn save_finished(tx: &Tx, zone: &Zone, task: Saved<'_>) -> Result<()> {
    #[derive(FromQueryResult)]
    struct Finished {}
    let finished: Option<Finished> = tx
        .first(
            concat!(
                "WITH finished AS (",
                save_statement!(),
                " RETURNING t.id) SELECT ctx.permit_unlock(id) FROM finished"
            ),
            [
                tx.actor().organization_id.into(),
                saved_rows(zone, &[task]).into(),
                saved_ids(&[task]).into(),
            ],
        )
        .await?;
    require_all(u64::from(finished.is_some()), 1)
}

/// The rows of [`save`] for a statement of another module that writes tasks as well.
pub(crate) fn saved_rows(zone: &Zone, tasks: &[Saved<'_>]) -> Value {
    tasks
        .iter()
        .map(|saved| {
            let mut row = row(zone, saved.task, saved.details);
            row["loaded_version"] = json!(saved.loaded_version);
            row
        })
        .collect()
}

/// The ids of the tasks that are written.
pub(crate) fn saved_ids(tasks: &[Saved<'_>]) -> Vec<Uuid> {
    tasks.iter().map(|saved| saved.task.id).collect()
}

/// Adds tasks in one statement. Their milestones exist; dependencies follow.
pub(crate) async fn insert(tx: &Tx, zone: &Zone, tasks: &[(&TaskState, &Details)]) -> Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    let rows: Value = tasks
        .iter()
        .map(|(task, details)| row(zone, task, details))
        .collect();
    tx.run(
        "INSERT INTO tasks (id, organization_id, deal_id, milestone_id, key, title, description, kind,
                owner_role, chased_by, assignee_id, due_date, due_time, due_at, due_rule, pinned, shift_days, est_days,
                critical, required, licensed_only, buyer_visible, template_fields, position, status,
                open_dependencies, episode, due_passed, created_by, version)
         SELECT id, $1, deal_id, milestone_id, key, title, description, kind, owner_role, chased_by,
                assignee_id, due_date, due_time, due_at, due_rule, pinned, shift_days, est_days, critical, required,
                licensed_only, buyer_visible, template_fields, position, status, open_dependencies, episode,
                due_passed, created_by, version
           FROM jsonb_to_recordset($2::jsonb) AS r(
                id uuid, deal_id uuid, milestone_id uuid, key text, title text, description text, kind text,
                owner_role text, chased_by text, assignee_id uuid, due_date date, due_time time,
                due_at timestamptz, due_rule jsonb, pinned boolean, shift_days integer, est_days integer, critical boolean,
                required boolean, licensed_only boolean, buyer_visible boolean, template_fields jsonb,
                position integer, status text, open_dependencies integer, episode integer,
                due_passed boolean, created_by uuid, version bigint)",
        [tx.actor().organization_id.into(), rows.into()],
    )
    .await?;
    Ok(())
}

/// Notes that a rule which somebody made counts from the completion of this task. No transition: nothing of the task
/// changes that anybody reads.
pub(crate) async fn mark_followed(tx: &Tx, anchor: &StoredTask) -> Result<()> {
    if anchor.details.followed {
        return Ok(());
    }
    let marked = tx
        .run(
            "UPDATE tasks SET followed = true WHERE organization_id = $1 AND id = $2",
            [tx.actor().organization_id.into(), anchor.task.id.into()],
        )
        .await?;
    require_all(marked, 1)
}

/// Marks a task as deleted, with the version that its deletion made.
pub(crate) async fn delete(tx: &Tx, loaded_version: i64, task: &TaskState) -> Result<()> {
    let changed = tx
        .run(
            "UPDATE tasks SET deleted_at = clock_timestamp(), version = $4
              WHERE organization_id = $1 AND id = $2 AND version = $3 AND deleted_at IS NULL",
            [
                tx.actor().organization_id.into(),
                task.id.into(),
                loaded_version.into(),
                task.version.into(),
            ],
        )
        .await?;
    require_all(changed, 1)
}

/// The last place in a deal's plan that is taken.
pub(crate) async fn last_position(tx: &Tx, deal_id: Uuid) -> Result<i32> {
    #[derive(FromQueryResult)]
    struct Last {
        position: i32,
    }
    let last: Option<Last> = tx
        .first(
            "SELECT coalesce(max(position), 0) AS position FROM tasks WHERE organization_id = $1 AND deal_id = $2",
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    Ok(last.map_or(0, |last| last.position))
}

/// The whole row, in the names of its columns.
fn row(zone: &Zone, task: &TaskState, details: &Details) -> Value {
    let facts = &task.facts;
    let completed = facts.completed.as_ref();
    let waived = facts.waived.as_ref();
    json!({
        "id": task.id,
        "deal_id": task.deal_id,
        "milestone_id": task.milestone_id,
        "key": task.key,
        "title": task.title,
        "description": task.description,
        "kind": details.kind,
        "owner_role": task.owner_role.map(PartyRole::as_str),
        "chased_by": details.chased_by,
        "assignee_id": facts.assignee_id,
        "due_date": task.due.map(|due| due.date.to_string()),
        "due_time": task.due.and_then(|due| due.time_of_day).map(|time| time.to_string()),
        "due_at": due_at(zone, task).map(contracts::field::instant_text),
        "due_rule": details.due_rule,
        "pinned": task.due_pinned,
        "shift_days": task.shift_days,
        "est_days": details.est_days,
        "critical": details.critical,
        "required": task.required,
        "licensed_only": details.licensed_only,
        "buyer_visible": task.buyer_visible,
        "template_fields": details.template_fields,
        "position": details.position,
        "status": task.status.as_str(),
        "open_dependencies": facts.open_dependencies,
        "episode": task.episode,
        "due_passed": facts.due_passed,
        "completed_by": completed.map(|completion| completion.by),
        "completed_at": completed.map(|completion| contracts::field::instant_text(completion.at)),
        "completed_on": completed.map(|completion| completion.on.to_string()),
        "completed_late": task.is_completed_late(),
        "waived_by": waived.map(|waiver| waiver.by),
        "waived_at": waived.map(|waiver| contracts::field::instant_text(waiver.at)),
        "waive_reason": waived.map(|waiver| &waiver.reason),
        "note": details.note,
        "created_by": details.created_by,
        "version": task.version,
    })
}

/// The instant from which a task is overdue.
pub(crate) fn due_at(zone: &Zone, task: &TaskState) -> Option<OffsetDateTime> {
    let due = task.due?;
    zone.overdue_from(due.date, due.time_of_day).ok()
}

pub(crate) fn require_all(changed: u64, expected: usize) -> Result<()> {
    if usize::try_from(changed).is_ok_and(|changed| changed == expected) {
        return Ok(());
    }
    Err(anyhow::anyhow!("{changed} of {expected} locked rows could be changed").into())
}

fn parse_role(text: &str) -> Result<PartyRole> {
    PartyRole::parse(text)
        .ok_or_else(|| anyhow::anyhow!("a task is owned by the unknown part {text}").into())
}

fn count(number: i32) -> Result<u32> {
    Ok(u32::try_from(number).map_err(anyhow::Error::from)?)
}
