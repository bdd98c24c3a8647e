//! What changes something: one use case a file, each a `run(tx, command)` that loads and locks, calls the domain, saves
//! and emits. Routes and consumers open the session.
//!
//! Use cases build on `finish_task` and `follow_up`, these on `write_dates`, and all on `batch`; none calls another use
//! case.

pub(crate) mod add_comment;
pub(crate) mod add_dependency;
pub(crate) mod apply_plan;
pub(crate) mod assign_role;
pub(crate) mod assign_task;
mod batch;
pub(crate) mod chase_task;
pub(crate) mod complete_task;
pub(crate) mod create_task;
pub(crate) mod create_template;
pub(crate) mod delete_task;
pub(crate) mod edit_task;
pub(crate) mod finish_task;
mod follow_up;
pub(crate) mod leave_deal;
mod making;
pub(crate) mod mark_overdue;
pub(crate) mod move_key_dates;
pub(crate) mod publish_template;
pub(crate) mod put_off_task;
pub(crate) mod remove_dependency;
pub(crate) mod reopen_task;
pub(crate) mod replace_template;
pub(crate) mod revise_plan;
pub(crate) mod shift_due_dates;
pub(crate) mod waive_task;
mod write_dates;
pub(crate) mod write_template;

use domain::{
    deal,
    permission::Permission,
    rejection::Rejection,
    task::{Change, Details, StoredTask, TaskState, may_see},
    zone::Zone,
};
use platform::{
    db::{Reply, Tx},
    error::Result,
};
use uuid::Uuid;

use crate::{
    repository::{deals::Deal, milestones, tasks},
    sight::Sight,
    views::{TaskView, relation, task_actor},
};

/// Tasks that one step changes in one transaction, where their number has no bound: well within the statement timeout,
/// and nobody waits long for their locks.
const TASKS_PER_STEP: usize = 200;

/// How far work has come that is done in steps, each its own transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All of it is done.
    Done,
    /// A step is done, and there may be more.
    More,
}

/// A locked task in its locked deal.
pub(crate) struct Loaded {
    pub(crate) deal: Deal,
    pub(crate) stored: StoredTask,
}

/// Locks a task and its deal: `NOT_FOUND` if the caller cannot see it, `FORBIDDEN` if it may not change it.
pub(crate) async fn load_task(tx: &Tx, id: Uuid, any_of: &[Permission]) -> Result<Loaded> {
    let deal = tasks::lock_deal(tx, id).await?;
    load_in(tx, deal, id, any_of).await
}

/// As [`load_task`], while no other task of the deal changes.
pub(crate) async fn load_task_exclusively(
    tx: &Tx,
    id: Uuid,
    any_of: &[Permission],
) -> Result<Loaded> {
    let deal = tasks::lock_deal_exclusively(tx, id).await?;
    load_in(tx, deal, id, any_of).await
}

/// As [`load_task`], for its end: where dates follow from that, no other task of the deal changes meanwhile.
pub(crate) async fn load_task_to_finish(
    tx: &Tx,
    id: Uuid,
    any_of: &[Permission],
) -> Result<Loaded> {
    let deal = tasks::lock_deal_to_finish(tx, id).await?;
    load_in(tx, deal, id, any_of).await
}

async fn load_in(tx: &Tx, deal: Deal, id: Uuid, any_of: &[Permission]) -> Result<Loaded> {
    if let Some(stored) = tasks::lock(tx, id).await? {
        return Ok(Loaded { deal, stored });
    }
    // Hidden by the policies for changing, or deleted while we waited for the lock.
    Err(match tasks::find(tx, id).await? {
        Some(_) => lacking(tx, any_of).into(),
        None => Rejection::NotFound.into(),
    })
}

/// The refusal that names, of what would do, what the caller does not hold.
fn lacking(tx: &Tx, any_of: &[Permission]) -> Rejection {
    let held = tx.actor().permissions;
    let missing: Vec<Permission> = any_of.iter().copied().filter(|p| !held.has(*p)).collect();
    Rejection::forbidden(if missing.is_empty() { any_of } else { &missing })
}

/// Lets a task take a step while its deal is active. Once the deal is over, only the tasks of the plan's last milestone
/// may, which are done after the closing. Rejections: `DEAL_NOT_ACTIVE`.
pub(crate) async fn require_workable(tx: &Tx, loaded: &Loaded) -> Result<()> {
    let task = &loaded.stored.task;
    match (loaded.deal.status.require_active(), task.milestone_id) {
        (Ok(()), _) => Ok(()),
        (Err(_), Some(milestone_id))
            if loaded.deal.status.is_terminal()
                && task.key.is_some()
                && milestones::is_last(tx, task.deal_id, milestone_id).await? =>
        {
            Ok(())
        }
        (Err(refused), _) => Err(refused.into()),
    }
}

/// Requires the right to change the deal's tasks, assignments and due dates. The deal has been locked, so the caller
/// sees it.
pub(crate) fn require_assigning(tx: &Tx, deal: &Deal) -> Result<(), Rejection> {
    deal::may_assign(&task_actor(tx.actor()), relation(deal))
}

/// Refuses a change after which the caller would not see the task any more: a client must not hide a task from itself.
/// The row policies refuse it as well.
pub(crate) fn require_sight(tx: &Tx, after: &TaskState) -> Result<(), Rejection> {
    if may_see(after, &task_actor(tx.actor())) {
        return Ok(());
    }
    Err(Rejection::forbidden(&[
        Permission::ViewDeals,
        Permission::ViewAllDeals,
    ]))
}

/// A task as it came out of a command.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) task: TaskView,
}

impl Outcome {
    async fn of(tx: &Tx, zone: &Zone, change: &Change, details: &Details) -> Result<Self> {
        let due_at = change.task.due_at(zone);
        let sight = Sight::of(tx, [change.task.deal_id]).await?;
        Ok(Self {
            task: TaskView::of(&change.task, details, due_at, tx.actor(), &sight),
        })
    }

    /// 200 with the task and its version.
    pub(crate) fn reply(&self) -> Result<Reply> {
        Ok(Reply::ok(&self.task)?.version(self.task.version))
    }
}

/// Refuses a milestone that the deal does not have: `UNKNOWN_REFERENCE` of `milestoneId`.
pub(crate) async fn require_milestone(
    tx: &Tx,
    deal_id: Uuid,
    milestone_id: Option<Uuid>,
) -> Result<()> {
    let Some(id) = milestone_id else {
        return Ok(());
    };
    let found = milestones::find(tx, id).await?;
    if found.is_some_and(|milestone| milestone.deal_id == deal_id) {
        return Ok(());
    }
    Err(unknown_reference("milestoneId"))
}

/// The refusal of a reference to nothing that the caller could know of.
pub(crate) fn unknown_reference(field: impl Into<String>) -> platform::error::Error {
    Rejection::UnknownReference {
        field: field.into(),
    }
    .into()
}

/// How many there are.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
