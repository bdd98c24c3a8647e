//! The end of a task, completed or waived: it is saved, tasks that waited for it alone are unlocked, and its milestone
//! is counted. Where dates or further work follow from it, these are settled in the same unit of work.
//!
//! The caller may be a buyer who sees neither the tasks that it frees nor the rest of the milestone: the database lets
//! this session change just those, after it has seen the end of the task.

use domain::{
    cascade::{Step, make_next},
    task::{Change, Details, StoredTask},
};
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::{
    batch::{self, Batch, Done},
    follow_up::{self, Followed},
};
use crate::repository::{
    deals::Deal,
    tasks::{self, Saved},
};

/// What becomes of repeating work when one of it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Series {
    /// The next one comes.
    GoesOn,
    /// There are no more.
    Ends,
}

/// The end of a task.
#[derive(Clone, Debug)]
pub(super) struct Ending<'a> {
    pub(super) stored: StoredTask,
    pub(super) change: Change,
    pub(super) details: Details,
    /// Why, where a reason was given.
    pub(super) reason: Option<&'a str>,
    pub(super) series: Series,
}

/// What the end of a task set free.
#[derive(Clone, Debug, Default)]
pub(super) struct Released {
    /// The tasks that became free, as far as the caller may see them.
    pub(super) unlocked: Vec<Uuid>,
    /// The milestone of the task, if this completed it.
    pub(super) milestone_completed: Option<Uuid>,
}

/// Saves the end of a locked task. The deal is locked exclusively where something follows from it.
pub(super) async fn finish(tx: &mut Tx, deal: &Deal, ending: Ending<'_>) -> Result<Released> {
    let Ending {
        stored,
        change,
        details,
        reason,
        series,
    } = ending;
    let (id, deal_id, milestone_id) = (
        stored.task.id,
        stored.task.deal_id,
        stored.task.milestone_id,
    );
    let saved = Saved {
        loaded_version: stored.task.version,
        task: &change.task,
        details: &details,
    };
    tasks::save_finished(tx, &deal.zone, saved).await?;
    let step = Step {
        before: Some(stored),
        change,
        details,
    };
    let mut batch = Batch::new(deal_id, &deal.zone);
    // The dates of a deal that is over stay as they are.
    let done = if step.details.has_followers() && !deal.status.is_terminal() {
        let followed = Followed::begin(tx, deal, &step).await?;
        let why = follow_up::happened(&step.change.task);
        batch.add_written(step, reason);
        follow(tx, followed, id, series, batch, &why).await?
    } else {
        batch.add_written(step, reason);
        release(tx, id, batch).await?
    };
    let mut completed = done.completed_milestones.into_iter();
    Ok(Released {
        unlocked: done.unlocked,
        milestone_completed: completed.find(|completed| Some(*completed) == milestone_id),
    })
}

/// Lets what waits for the task wait no longer.
async fn release(tx: &mut Tx, id: Uuid, mut batch: Batch<'_>) -> Result<Done> {
    // Locked before they are counted: of two prerequisites that finish at the same instant the second one
    // waits here, and then sees what the first one left.
    for dependent in tasks::lock_dependents(tx, id).await? {
        let change = dependent.task.satisfy_dependency();
        batch.add(batch::step(dependent, change), None);
    }
    batch.save(tx).await
}

/// As [`release`], with the next one of its series, and the dates that follow.
async fn follow<'a>(
    tx: &mut Tx,
    mut followed: Followed<'a>,
    id: Uuid,
    series: Series,
    batch: Batch<'a>,
    why: &'a str,
) -> Result<Done> {
    let plan = followed.working.plan();
    let ended = plan.tasks.iter().find(|it| it.task.id == id);
    if let (Series::GoesOn, Some(ended)) = (series, ended.cloned()) {
        // Counted together with the one that ends: its milestone is not reached meanwhile.
        let planned = plan.compute(&followed.deal.zone);
        let making = followed.making(tx);
        let moment = followed.deal.moment(tx.now());
        let next = make_next(plan, &planned, &ended, &making, &moment)?;
        if let Some((change, details)) = next {
            followed.working.take(None, change, details);
        }
    }
    followed.working.release_dependents(id)?;
    followed.write(tx, batch, why).await
}
