//! Replacing a task's writable fields.

use domain::{
    permission::Permission,
    task::{Change, Due},
};
use platform::{db::Tx, error::Result, http::conditional::ExpectedVersion};
use uuid::Uuid;

use super::{
    Loaded, Outcome, Step,
    create_task::{DueInput, TaskFields, edit, follow},
    load_task, require_assigning, require_milestone, require_sight, take_steps,
};
use crate::{
    repository::tasks::{Details, StoredTask},
    rules::{self, DueRule},
};

/// Who may.
const MAY_EDIT: [Permission; 2] = [Permission::AssignTasks, Permission::ManageTasks];

/// Replaces the fields that `fields` makes of the task as it is. Rejections: `NOT_FOUND`, `FORBIDDEN`,
/// `VERSION_MISMATCH`, `VERSION_CONFLICT`, `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE` for a new due date of a finished
/// task, of the fields, and `UNKNOWN_REFERENCE` of `milestoneId` and `dueRule.anchor`.
pub(crate) async fn run(
    tx: &mut Tx,
    task_id: Uuid,
    fields: impl Fn(&StoredTask) -> Result<TaskFields>,
    expected: ExpectedVersion,
) -> Result<Outcome> {
    let Loaded { deal, stored } = load_task(tx, task_id, &MAY_EDIT).await?;
    require_assigning(tx, &deal)?;
    expected.check(stored.task.version)?;
    let fields = fields(&stored)?;
    require_milestone(tx, stored.task.deal_id, fields.milestone_id).await?;
    let (due, rule) = match &fields.due {
        unchanged if *unchanged == present_due(&stored) => (stored.task.due, None),
        DueInput::Never => (None, None),
        DueInput::On(date) => (Some(on(&stored, *date)), None),
        DueInput::Rule(rule) => {
            let (due, json) = follow(tx, stored.task.deal_id, &deal.zone, rule).await?;
            (due, Some(json))
        }
    };
    deal.status.require_active()?;

    let moment = deal.moment(tx.now());
    let change = match &rule {
        None => stored.task.edit(edit(&fields, due), &moment)?,
        // The fields first, at the present due date; then the date that the rule gives, which pins nothing.
        Some(_) => {
            let edited = stored.task.edit(edit(&fields, stored.task.due), &moment)?;
            let followed = edited.task.unpin(due, &moment)?;
            Change {
                task: followed.task,
                transitions: [edited.transitions, followed.transitions].concat(),
            }
        }
    };
    require_sight(tx, &change.task)?;
    let details = Details {
        due_rule: rule
            .filter(|_| !change.transitions.is_empty())
            .or_else(|| stored.details.due_rule.clone()),
        ..stored.details.clone()
    };
    let step = Step {
        stored: &stored,
        change,
        details,
    };
    take_steps(tx, &deal.zone, std::slice::from_ref(&step), None).await?;
    Ok(Outcome::of(tx, &deal.zone, &step.change, &step.details))
}

/// How a client would write when the task is due.
pub(crate) fn present_due(stored: &StoredTask) -> DueInput {
    let rule = stored
        .details
        .due_rule
        .as_ref()
        .filter(|_| !stored.task.due_pinned)
        .and_then(rules::from_json);
    match (rule, stored.task.due) {
        (Some(rule), _) => DueInput::Rule(DueRule::of(&rule)),
        (None, Some(due)) => DueInput::On(due.date),
        (None, None) => DueInput::Never,
    }
}

/// A new date keeps the time of day.
fn on(stored: &StoredTask, date: time::Date) -> Due {
    Due {
        date,
        time_of_day: stored.task.due.and_then(|due| due.time_of_day),
    }
}
