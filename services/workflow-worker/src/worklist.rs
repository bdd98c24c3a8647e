//! The worklist of a deal, from task-service (`GET /internal/deals/{id}/worklist`).
//!
//! Statuses are text here: the domain's types read them in [`crate::agenda`]. Fields that this build does not
//! know are ignored, so that task-service may be newer.

use serde::Deserialize;
use uuid::Uuid;

/// Everything that is needed to decide what is to be done for a deal, and nothing confidential.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Worklist {
    /// The deal's name now, for notices.
    #[serde(default)]
    pub deal_name: Option<String>,
    /// DRAFT, ACTIVE, ON_HOLD, CLOSED or CANCELLED.
    pub deal_status: String,
    /// PENDING, APPLIED or FAILED.
    pub plan_state: String,
    /// The deal's time zone, as an IANA name.
    pub time_zone: String,
    /// The plan's milestones.
    pub milestones: Vec<WorklistMilestone>,
    /// All of the deal's tasks, done ones included.
    pub tasks: Vec<WorklistTask>,
}

/// A milestone of the worklist.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorklistMilestone {
    /// Its id.
    pub id: Uuid,
    /// The template's key.
    pub key: String,
    /// For people.
    pub title: String,
    /// For clients, in plain words.
    #[serde(default)]
    pub buyer_title: Option<String>,
    /// Place in the plan.
    pub position: u32,
    /// Whether task-service has recorded it as done.
    pub completed: bool,
    /// Rises with each completion and each reopening.
    #[serde(default)]
    pub version: i64,
}

/// A task of the worklist.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorklistTask {
    /// Its id.
    pub id: Uuid,
    /// For people.
    #[serde(default)]
    pub title: Option<String>,
    /// The milestone it belongs to, if to one.
    pub milestone_id: Option<Uuid>,
    /// PENDING, IN_PROGRESS, BLOCKED, OVERDUE, COMPLETED or WAIVED.
    pub status: String,
    /// `YYYY-MM-DD` in the deal's time zone.
    pub due_date: Option<String>,
    /// The time of day at which it becomes overdue, `HH:MM`; at the end of the due date without.
    #[serde(default)]
    pub due_time: Option<String>,
    /// Whose task it is.
    pub assignee_id: Option<Uuid>,
    /// The part that follows up a task of somebody outside.
    #[serde(default)]
    pub chased_by: Option<String>,
    /// The day on which to ask for it again, `YYYY-MM-DD`.
    #[serde(default)]
    pub follow_up_on: Option<String>,
    /// Whether it waits for other tasks, overdue or not.
    pub is_blocked: bool,
    /// When it was completed or waived, where it was: RFC 3339.
    #[serde(default)]
    pub done_at: Option<String>,
    /// How an open task came to its present state.
    #[serde(default)]
    pub handling: Option<WorklistHandling>,
}

/// When a task last changed, and who changed it. Instants are RFC 3339.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorklistHandling {
    /// When it was created or reopened, or its due date, assignee, blocked state or deal's status last changed.
    pub stands_since: String,
    /// When its assignee last changed, if ever.
    pub assigned_at: Option<String>,
    /// The person who changed it; absent where it followed from a part in the deal, or from the end of a login.
    pub assigned_by: Option<Uuid>,
    /// Who had it before.
    pub previous_assignee_id: Option<Uuid>,
    /// When it came free, if it waited before and waits no longer.
    pub unlocked_at: Option<String>,
    /// The person who did the last thing that it waited for; absent where it followed from a change of the deal.
    pub unlocked_by: Option<Uuid>,
}
