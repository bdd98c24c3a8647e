//! What follows from the end of a task for the dates of its deal: where the date stands that it is due on, rules that
//! count from it, the anchor that it fixes, the next instance of repeating work.
//!
//! The plan marks the few tasks that something follows from (`followUp`); for all others this does nothing.

use domain::{
    cascade::{PlannedDates, next_instance},
    task::{Due, NewTask, Task, TaskEdit, TaskState, TaskStatus},
};
use platform::{db::Tx, error::Result};

use super::{apply_dates, shift_milestones};
use crate::{
    history::{self, Told},
    planning::Ground,
    repository::{
        deals::Deal,
        milestones::Shifts,
        tasks::{self, Details},
    },
};

/// Moves what hangs on this task, which has just been finished or reopened, or has become overdue. The caller has locked
/// the deal exclusively, unless nothing hangs on the task.
pub(crate) async fn run(
    tx: &mut Tx,
    deal: &Deal,
    task: &TaskState,
    details: &Details,
) -> Result<()> {
    if details.template_fields["followUp"] != true {
        return Ok(());
    }
    let ground = Ground::lock(tx, task.deal_id, &deal.zone, None).await?;
    let planned = ground.compute(&deal.zone);
    let happened = match task.status {
        TaskStatus::Completed => "was completed",
        TaskStatus::Waived => "was waived",
        TaskStatus::Overdue => "is overdue",
        TaskStatus::Pending | TaskStatus::InProgress | TaskStatus::Blocked => "was reopened",
    };
    let reason = format!("{} {happened}", task.title);
    apply_dates::run(tx, deal, &ground, &planned, &reason).await?;
    if task.status.is_done() {
        repeat(tx, deal, &ground, &planned, task, details).await?;
    }
    Ok(())
}

/// Makes the next instance of a repeating task.
async fn repeat(
    tx: &mut Tx,
    deal: &Deal,
    ground: &Ground,
    planned: &PlannedDates,
    task: &TaskState,
    details: &Details,
) -> Result<()> {
    let fields = &details.template_fields;
    let first = fields["recurrence"]["first"]
        .as_str()
        .or(task.key.as_deref());
    let rule = first.and_then(|key| ground.basis.template.task(key));
    let (Some(rule), Some(due)) = (rule, task.due) else {
        return Ok(());
    };
    let Some(next) = next_instance(rule, due.date, planned) else {
        return Ok(());
    };
    let count = fields["recurrence"]["instance"].as_u64().unwrap_or(1) + 1;
    let key = format!("{}_{count}", rule.key);
    if ground
        .tasks
        .iter()
        .any(|other| other.task.key.as_deref() == Some(&key))
    {
        return Ok(());
    }
    let new = NewTask {
        id: tx.new_id(),
        deal_id: task.deal_id,
        key: Some(key),
        fields: TaskEdit {
            title: task.title.clone(),
            description: task.description.clone(),
            milestone_id: task.milestone_id,
            owner_role: task.owner_role,
            due: Some(Due { date: next, ..due }),
            buyer_visible: task.buyer_visible,
        },
        due_pinned: false,
        required: task.required,
        assignee_id: task.facts.assignee_id,
        open_dependencies: 0,
    };
    let created = Task::create(new, &deal.moment(tx.now()))?;
    let mut template_fields = fields.clone();
    template_fields["recurrence"]["first"] = rule.key.clone().into();
    template_fields["recurrence"]["instance"] = count.into();
    let details = Details {
        due_rule: None,
        template_fields,
        position: tasks::last_position(tx, task.deal_id).await? + 1,
        note: None,
        created_by: tx.actor().user_id,
        depends_on: Vec::new(),
        ..details.clone()
    };
    tasks::insert(tx, &deal.zone, &[(&created.task, &details)]).await?;
    history::tell_task(tx, &created.transitions, Told::same(&deal.zone, &details));
    let mut shifts = Shifts::default();
    shifts.count(None, Some(&created.task));
    shift_milestones(tx, &shifts).await
}
