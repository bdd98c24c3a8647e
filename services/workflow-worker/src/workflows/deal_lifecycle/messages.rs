//! What goes in and out of a deal's workflow. Stored in histories: fields are only added, with a default.

use contracts::field;
use serde::{Deserialize, Serialize, Serializer};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::memory::Memory;
use crate::agenda::{Agenda, Milestone};

/// The id of a deal's workflow: starting it twice is harmless.
pub fn workflow_id(deal_id: Uuid) -> String {
    format!("deal-{deal_id}")
}

/// Which deal to follow.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DealInput {
    /// The deal.
    pub deal_id: Uuid,
    /// The tenant.
    pub organization_id: Uuid,
    /// Its name as in the latest event, for notices.
    #[serde(default)]
    pub deal_name: Option<String>,
    /// The template it was made from, if any; only for people who look at the run.
    #[serde(default)]
    pub template_key: Option<String>,
    /// What an earlier run of this workflow remembers.
    #[serde(default)]
    pub carried: Option<Carried>,
}

/// What is carried over when a long history is continued in a new run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Carried {
    /// Ids of the latest events received.
    pub events: Vec<Uuid>,
    /// Keys of steps taken that are still asked for.
    pub steps: Vec<String>,
    /// Why no plan could be made, as in the last notice.
    pub plan_failure: Option<String>,
    /// Different events received so far.
    pub changes_heard: u64,
    /// Runs so far.
    pub runs: u32,
}

/// The input of every signal: an event says that something has changed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DealChanged {
    /// The event, by which a repetition is recognised.
    pub event_id: Uuid,
    /// The task it happened to, where to one.
    #[serde(default)]
    pub task_id: Option<Uuid>,
}

/// How the workflow ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DealOutcome {
    /// CLOSED or CANCELLED; GONE where the deal no longer exists.
    pub deal_status: String,
    /// How many runs it took.
    pub runs: u32,
}

/// The answer of the query `progress`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkflowProgress)]
pub struct Progress {
    /// The deal's status as the workflow last read it; absent before it has.
    pub deal_status: Option<String>,
    /// PENDING, APPLIED or FAILED.
    pub plan_state: Option<String>,
    /// Why no plan could be made, where none could; absent for a BUYER.
    pub plan_failure: Option<String>,
    /// The first milestone that is not done.
    pub milestone: Option<Milestone>,
    /// Open tasks that could be done now; empty for a BUYER, who does not see every task.
    pub waiting_for: Vec<Uuid>,
    /// Completed tasks; empty for a BUYER.
    pub completed_task_ids: Vec<Uuid>,
    /// When the workflow looks at the deal next unless something changes.
    #[serde(
        serialize_with = "milliseconds",
        deserialize_with = "time::serde::rfc3339::option::deserialize"
    )]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_wakeup_at: Option<OffsetDateTime>,
    /// How many different changes it has received.
    pub changes_heard: u64,
    /// How many runs it has had.
    pub runs: u32,
}

impl Progress {
    pub(super) fn of(
        agenda: Option<&Agenda>,
        next_wakeup_at: Option<OffsetDateTime>,
        memory: &Memory,
    ) -> Self {
        Self {
            deal_status: agenda.map(|agenda| agenda.deal_status.clone()),
            plan_state: agenda.map(|agenda| agenda.plan_state.clone()),
            plan_failure: memory.plan_failure.clone(),
            milestone: agenda.and_then(|agenda| agenda.milestone.clone()),
            waiting_for: agenda
                .map(|agenda| agenda.waiting_for.clone())
                .unwrap_or_default(),
            completed_task_ids: agenda
                .map(|agenda| agenda.completed_task_ids.clone())
                .unwrap_or_default(),
            next_wakeup_at,
            changes_heard: memory.changes_heard(),
            runs: memory.runs(),
        }
    }
}

/// Instants in the API are RFC 3339 with milliseconds.
fn milliseconds<S: Serializer>(
    instant: &Option<OffsetDateTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    instant.map(field::instant_text).serialize(serializer)
}
