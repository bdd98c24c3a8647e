//! What clients read: the JSON of tasks. Dates are `YYYY-MM-DD`, instants RFC 3339 in UTC.

use contracts::{
    field::{date_text, instant_text},
    records::DueRule,
    text::time_text,
};
use domain::{
    deal::Relation,
    party::PartyRole,
    permission::Permission,
    task::{self, Details, StoredTask, TaskState},
};
use platform::db;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{repository::deals::Deal, sight::Sight};

/// A task.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Task)]
pub(crate) struct TaskView {
    pub(crate) id: Uuid,
    pub(crate) deal_id: Uuid,
    pub(crate) milestone_id: Option<Uuid>,
    /// The template's key; null for a task added by hand.
    pub(crate) key: Option<String>,
    pub(crate) title: String,
    pub(crate) description: Option<String>,
    /// What sort of work it is, in the template's word.
    pub(crate) kind: Option<String>,
    /// The part that owns it, such as `buyer_agent`.
    pub(crate) owner_role: Option<String>,
    /// The part that presses for it.
    pub(crate) chased_by: Option<String>,
    /// The day on which to ask for it again, in the deal's time zone; null for clients.
    #[schema(format = "date")]
    pub(crate) follow_up_on: Option<String>,
    pub(crate) assignee_id: Option<Uuid>,
    /// PENDING, IN_PROGRESS, BLOCKED, OVERDUE, COMPLETED or WAIVED.
    pub(crate) status: &'static str,
    pub(crate) is_blocked: bool,
    pub(crate) is_overdue: bool,
    /// Whether it was done after its due date.
    pub(crate) completed_late: bool,
    /// In the deal's time zone.
    #[schema(format = "date")]
    pub(crate) due_date: Option<String>,
    /// The time of day it is due; without one the whole day counts.
    pub(crate) due_time: Option<String>,
    /// The instant from which it is overdue.
    #[schema(format = "date-time")]
    pub(crate) due_at: Option<String>,
    /// Whether the due date is a projection, because the task is blocked.
    pub(crate) projected: bool,
    /// Whether the due date was set by hand and follows no rule.
    pub(crate) pinned: bool,
    /// Calendar days that holds of the deal added to what the rule says.
    pub(crate) shift_days: u32,
    /// May be written back. Left out where the reader does not see what it counts from.
    pub(crate) due_rule: Option<DueRule>,
    #[schema(format = "date")]
    pub(crate) completed_on: Option<String>,
    #[schema(format = "date-time")]
    pub(crate) completed_at: Option<String>,
    pub(crate) completed_by: Option<Uuid>,
    #[schema(format = "date-time")]
    pub(crate) waived_at: Option<String>,
    pub(crate) waived_by: Option<Uuid>,
    /// Why it was waived; null for clients.
    pub(crate) waive_reason: Option<String>,
    /// What was noted at completion; null for clients but on their own tasks.
    pub(crate) note: Option<String>,
    pub(crate) required: bool,
    pub(crate) critical: bool,
    pub(crate) licensed_only: bool,
    pub(crate) buyer_visible: bool,
    /// Calendar days it is expected to take.
    pub(crate) est_days: i32,
    /// Its place in the plan, for reading.
    pub(crate) position: i32,
    /// How often it has begun to wait.
    pub(crate) episode: u32,
    #[schema(format = "date-time")]
    pub(crate) created_at: Option<String>,
    pub(crate) version: i64,
}

impl TaskView {
    /// A task as it was read.
    pub(crate) fn stored(task: &StoredTask, reader: &db::Actor, sight: &Sight) -> Self {
        Self::of(&task.task, &task.details, task.due_at, reader, sight)
    }

    /// A task in a state that was decided just now.
    pub(crate) fn of(
        task: &TaskState,
        details: &Details,
        due_at: Option<OffsetDateTime>,
        reader: &db::Actor,
        sight: &Sight,
    ) -> Self {
        let completed = task.facts.completed.as_ref();
        let waived = task.facts.waived.as_ref();
        let is_staff = is_staff(reader);
        let is_own = task.facts.assignee_id == Some(reader.user_id);
        Self {
            id: task.id,
            deal_id: task.deal_id,
            milestone_id: task.milestone_id,
            key: task.key.clone(),
            title: task.title.clone(),
            description: task.description.clone(),
            kind: details.kind.clone(),
            owner_role: task.owner_role.map(role_text),
            chased_by: details.chased_by.clone(),
            follow_up_on: details.follow_up_on.filter(|_| is_staff).map(date_text),
            assignee_id: task.facts.assignee_id,
            status: task.status.as_str(),
            is_blocked: task.is_blocked(),
            is_overdue: task.is_overdue(),
            completed_late: task.is_completed_late(),
            due_date: task.due.map(|due| date_text(due.date)),
            due_time: task.due.and_then(|due| due.time_of_day).map(time_text),
            due_at: due_at.map(instant_text),
            projected: task.is_blocked() && task.due.is_some(),
            pinned: task.due_pinned,
            shift_days: task.shift_days,
            due_rule: sight
                .rule(task.deal_id, details.due_rule.as_ref())
                .map(DueRule::of),
            completed_on: completed.map(|completion| date_text(completion.on)),
            completed_at: completed.map(|completion| instant_text(completion.at)),
            completed_by: completed.map(|completion| completion.by),
            waived_at: waived.map(|waiver| instant_text(waiver.at)),
            waived_by: waived.map(|waiver| waiver.by),
            waive_reason: waived
                .filter(|_| is_staff)
                .map(|waiver| waiver.reason.clone()),
            note: details.note.clone().filter(|_| is_staff || is_own),
            required: task.required,
            critical: details.critical,
            licensed_only: details.licensed_only,
            buyer_visible: task.buyer_visible,
            est_days: details.est_days,
            position: details.position,
            episode: task.episode,
            created_at: created_at(task.id).map(instant_text),
            version: task.version,
        }
    }
}

/// The caller as the rules about tasks see it.
pub(crate) fn task_actor(actor: &db::Actor) -> task::Actor {
    task::Actor {
        user_id: actor.user_id,
        permissions: actor.permissions,
    }
}

/// Who locked the deal sees it, as its creator, as a party or as staff.
pub(crate) fn relation(deal: &Deal) -> Relation {
    Relation {
        created_by: deal.created_by,
        is_party: true,
    }
}

/// Whether the reader sees more than a client does.
pub(crate) fn is_staff(reader: &db::Actor) -> bool {
    reader
        .permissions
        .has_any(&[Permission::ViewDeals, Permission::ViewAllDeals])
}

fn role_text(role: PartyRole) -> String {
    role.as_str().to_owned()
}

/// The instant in a UUIDv7, at which it was made.
pub(crate) fn created_at(id: Uuid) -> Option<OffsetDateTime> {
    let (seconds, nanoseconds) = id.get_timestamp()?.to_unix();
    let seconds = i64::try_from(seconds).ok()?;
    let instant = OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    Some(instant + time::Duration::nanoseconds(i64::from(nanoseconds)))
}
