//! What follows from the end of a task, from its reopening, or from its being overdue: rules that count from it, the
//! anchor that it fixes, the state of the date that it is due on, work that ends with a date that moved.
//!
//! The plan marks the few tasks that something follows from (`followUp`), and so does a rule that somebody makes
//! (`followed`).

use domain::{
    cascade::{Because, Follow, Making, PlannedDates, Step, WorkingPlan},
    task::{StoredTask, TaskState, TaskStatus},
};
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{
    batch::{Batch, Done},
    write_dates,
};
use crate::{planning::Ground, repository::deals::Deal};

/// A plan in which something has happened that dates follow from.
pub(super) struct Followed<'a> {
    pub(super) deal: &'a Deal,
    ground: Ground,
    /// The dates as they were before.
    before: PlannedDates,
    pub(super) working: WorkingPlan<'a>,
}

impl<'a> Followed<'a> {
    /// Locks the plan in which the step's task has been written already.
    pub(super) async fn begin(tx: &Tx, deal: &'a Deal, step: &Step) -> Result<Self> {
        let task = &step.change.task;
        let ground = Ground::lock(tx, task.deal_id, &deal.zone, None).await?;
        let mut earlier = ground.plan.clone();
        let as_it_was = |stored: StoredTask| match &step.before {
            Some(before) if before.task.id == stored.task.id => before.clone(),
            _ => stored,
        };
        earlier.tasks = earlier.tasks.into_iter().map(as_it_was).collect();
        let before = earlier.compute(&deal.zone);
        let working = WorkingPlan::new(ground.plan.clone(), deal.moment(tx.now()));
        Ok(Self {
            deal,
            ground,
            before,
            working,
        })
    }

    /// What new tasks of this plan are made from.
    pub(super) fn making(&self, tx: &Tx) -> Making {
        // The next one of a series has milestone and assignee of the one before.
        Making::bare(
            self.ground.key_dates.deal_id,
            tx.actor().user_id,
            Uuid::now_v7,
        )
    }

    /// Settles the plan and writes it, with what is in the batch already.
    pub(super) async fn write(self, tx: &mut Tx, batch: Batch<'a>, why: &'a str) -> Result<Done> {
        let because = Because {
            by: tx.actor().user_id,
            reason: why,
        };
        let settled = self
            .working
            .settle(&self.before, Follow::Present, because, true)?;
        let (_, done) =
            write_dates::write(tx, self.deal, &self.ground, settled, batch, why).await?;
        Ok(done)
    }
}

/// Saves steps of locked tasks, and what follows from them because of what happened to `task`. The deal is locked
/// exclusively if anything follows from one of them.
pub(super) async fn save(
    tx: &mut Tx,
    deal: &Deal,
    steps: Vec<Step>,
    task: &TaskState,
    reason: Option<&str>,
) -> Result<()> {
    let follows = steps
        .iter()
        .any(|step| !step.change.transitions.is_empty() && step.details.has_followers());
    let why = happened(task);
    let mut batch = Batch::new(task.deal_id, &deal.zone);
    if !follows || deal.status.is_terminal() {
        for step in steps {
            batch.add(step, reason);
        }
        batch.save(tx).await?;
        return Ok(());
    }
    let ground = Ground::lock(tx, task.deal_id, &deal.zone, None).await?;
    let before = ground.compute(&deal.zone);
    let mut working = WorkingPlan::new(ground.plan.clone(), deal.moment(tx.now()));
    for step in steps {
        working.take(step.before, step.change, step.details);
    }
    let because = Because {
        by: tx.actor().user_id,
        reason: &why,
    };
    let settled = working.settle(&before, Follow::Present, because, true)?;
    let reason = reason.unwrap_or(&why);
    write_dates::write(tx, deal, &ground, settled, batch, reason).await?;
    Ok(())
}

/// What happened to a task, as the reason of what follows.
pub(super) fn happened(task: &TaskState) -> String {
    let happened = match task.status {
        TaskStatus::Completed => "was completed",
        TaskStatus::Waived => "was waived",
        TaskStatus::Overdue => "is overdue",
        TaskStatus::Pending | TaskStatus::InProgress | TaskStatus::Blocked => "was reopened",
    };
    format!("{} {happened}", task.title)
}
