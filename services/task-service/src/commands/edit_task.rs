//! Replacing a task's writable fields.

use domain::{
    cascade::Step,
    permission::Permission,
    task::{Details, Due, DueEdit, StoredTask},
    template::Rule,
};
use platform::{db::Tx, error::Result, http::conditional::ExpectedVersion};
use uuid::Uuid;

use super::{
    Loaded, Outcome,
    batch::Batch,
    create_task::{DueInput, TaskFields, edit, follow},
    load_task, load_task_exclusively, require_assigning, require_milestone, require_sight,
};
use crate::repository::deals::Deal;

/// Who may.
const MAY_EDIT: [Permission; 2] = [Permission::AssignTasks, Permission::ManageTasks];

/// How the deal is locked for an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Locking {
    /// Against a change of its status.
    Shared,
    /// As a whole: the end of the task from which a new rule counts would not see it.
    Exclusive,
}

impl Locking {
    /// For an edit that gives the task a rule, or does not.
    pub(crate) const fn of(gives_rule: bool) -> Self {
        if gives_rule {
            Self::Exclusive
        } else {
            Self::Shared
        }
    }
}

/// Replaces the fields that `fields` makes of the task as it is. Rejections: `NOT_FOUND`, `FORBIDDEN`,
/// `VERSION_MISMATCH`, `VERSION_CONFLICT`, `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE` for a new due date of a finished
/// task, of the fields, and `UNKNOWN_REFERENCE` of `milestoneId` and `dueRule.anchor`.
pub(crate) async fn run(
    tx: &mut Tx,
    task_id: Uuid,
    fields: impl Fn(&StoredTask) -> Result<TaskFields>,
    expected: ExpectedVersion,
    locking: Locking,
) -> Result<Outcome> {
    let Loaded { deal, stored } = match locking {
        Locking::Shared => load_task(tx, task_id, &MAY_EDIT).await?,
        Locking::Exclusive => load_task_exclusively(tx, task_id, &MAY_EDIT).await?,
    };
    require_assigning(tx, &deal)?;
    expected.check(stored.task.version)?;
    let fields = fields(&stored)?;
    require_milestone(tx, stored.task.deal_id, fields.milestone_id).await?;
    let (due, due_rule) = due_edit(tx, &deal, &stored, &fields.due).await?;
    deal.status.require_active()?;

    let moment = deal.moment(tx.now());
    let change = stored.task.edit(edit(&fields), due, &moment)?;
    require_sight(tx, &change.task)?;
    let details = Details {
        due_rule: if stored.task.status.is_done() {
            stored.details.due_rule.clone()
        } else {
            due_rule
        },
        ..stored.details.clone()
    };
    let mut batch = Batch::new(stored.task.deal_id, &deal.zone);
    let step = Step {
        before: Some(stored),
        change: change.clone(),
        details: details.clone(),
    };
    batch.add(step, None);
    batch.save(tx).await?;
    Outcome::of(tx, &deal.zone, &change, &details).await
}

/// The change of the due date and of its rule. An input that is there already changes nothing, and keeps the days of
/// holds; a date by hand keeps the rule, from which it then differs.
async fn due_edit(
    tx: &Tx,
    deal: &Deal,
    stored: &StoredTask,
    input: &DueInput,
) -> Result<(DueEdit, Option<Rule>)> {
    let task = &stored.task;
    let present = stored.details.due_rule.clone();
    let follows_none = present.is_none() && task.key.is_none();
    Ok(match input {
        DueInput::Keep => (DueEdit::Keep, present),
        DueInput::Never if task.due.is_none() && present.is_none() => (DueEdit::Keep, present),
        DueInput::Never => (DueEdit::Pin(None), None),
        DueInput::On(date) => {
            let due = Some(on(stored, *date));
            if follows_none && due == task.due {
                (DueEdit::Keep, present)
            } else {
                (DueEdit::Pin(due), present)
            }
        }
        DueInput::Rule(rule) => {
            if !task.due_pinned && present.as_ref().is_some_and(|stored| rule.says(stored)) {
                return Ok((DueEdit::Keep, present));
            }
            let followed = follow(tx, task.deal_id, &deal.zone, rule, Some(stored)).await?;
            let due = followed.date.map(|date| on(stored, date));
            (DueEdit::Follow(due), Some(followed.rule))
        }
    })
}

/// A new date keeps the time of day.
fn on(stored: &StoredTask, date: time::Date) -> Due {
    Due {
        date,
        time_of_day: stored.task.due.and_then(|due| due.time_of_day),
    }
}
