//! A task of a deal with all that its plan and its readers need beside its state.

use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::Task;
use crate::template::{Rule, TaskFields};

/// A task as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTask {
    /// What its status is decided from.
    pub task: Task,
    /// Columns that its status does not depend on.
    pub details: Details,
    /// The instant from which it is overdue, as stored.
    pub due_at: Option<OffsetDateTime>,
}

/// Columns of a task that its status does not depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Details {
    /// What sort of work it is, in the template's word.
    pub kind: Option<String>,
    /// The part that presses for it while its owner is slow, in the template's word.
    pub chased_by: Option<String>,
    /// The day on which to ask for it again, apart from the day on which it is due.
    pub follow_up_on: Option<Date>,
    /// The rule that its due date follows.
    pub due_rule: Option<Rule>,
    /// Calendar days it is expected to take.
    pub est_days: i32,
    /// Whether the closing depends on it.
    pub critical: bool,
    /// Whether only a licensed person may do it; a warning, not a refusal.
    pub licensed_only: bool,
    /// The template's remaining fields.
    pub template_fields: TaskFields,
    /// Its place in the plan, for reading.
    pub position: i32,
    /// What was noted at completion.
    pub note: Option<String>,
    /// Whether a rule that somebody made counts from its completion.
    pub followed: bool,
    /// Who added it; the SYSTEM user for tasks of a template.
    pub created_by: Uuid,
    /// The tasks it waits for, done or not, in id order.
    pub depends_on: Vec<Uuid>,
}

impl StoredTask {
    /// How it is named among the computed ones: by its key, or by its id if it was added by hand.
    #[must_use]
    pub fn name(&self) -> String {
        let key = self.task.key.clone();
        key.unwrap_or_else(|| self.task.id.to_string())
    }
}

impl Details {
    /// Whether dates or further work follow from the end of the task.
    #[must_use]
    pub const fn has_followers(&self) -> bool {
        self.followed || self.template_fields.follow_up
    }
}
