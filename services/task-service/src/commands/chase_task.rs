//! Recording that somebody asked for a task that others are to do, and when to ask again.

use domain::{
    cascade::Step,
    follow_up::{self, Channel},
    permission::Permission,
    rejection::Rejection,
    task::Details,
    text,
};
use platform::{db::Tx, error::Result};
use time::Date;
use uuid::Uuid;

use super::{Loaded, batch::Batch, load_task, require_assigning};
use crate::repository::chases::{self, Chase};

/// Who may.
const MAY_CHASE: [Permission; 2] = [Permission::AssignTasks, Permission::ManageTasks];

/// What was asked, and how.
#[derive(Clone, Debug)]
pub(crate) struct ChaseTask {
    pub(crate) task_id: Uuid,
    pub(crate) channel: Channel,
    /// What was said.
    pub(crate) note: Option<String>,
    /// Whether an answer came.
    pub(crate) replied: bool,
    /// When to ask again; nothing is settled without.
    pub(crate) follow_up_on: Option<Date>,
}

/// Records it. A task that no part follows up is the caller's to follow up from now on. Rejections: `NOT_FOUND`,
/// `FORBIDDEN`, `DEAL_NOT_ACTIVE`, `TASK_ALREADY_DONE`, and of `note` and `followUpOn`.
pub(crate) async fn run(tx: &mut Tx, command: &ChaseTask) -> Result<Chase> {
    let note = note(command.note.as_deref())?;
    let Loaded { deal, stored } = load_task(tx, command.task_id, &MAY_CHASE).await?;
    require_assigning(tx, &deal)?;
    deal.status.require_active()?;
    let change = stored.task.chase()?;
    let today = deal.moment(tx.now()).today();
    let follow_up_on = command.follow_up_on.map(|date| follow_up::day(date, today));
    let chase = Chase {
        id: tx.new_id(),
        deal_id: stored.task.deal_id,
        task_id: stored.task.id,
        author_id: tx.actor().user_id,
        channel: command.channel,
        note,
        replied: command.replied,
        follow_up_on: follow_up_on.transpose()?,
    };
    let parts = chases::own_parts(tx, chase.deal_id).await?;
    let details = Details {
        chased_by: Some(follow_up::follower(
            stored.details.chased_by.as_deref(),
            &parts,
        )),
        follow_up_on: chase.follow_up_on,
        ..stored.details.clone()
    };
    chases::insert(tx, &chase).await?;
    let mut batch = Batch::new(chase.deal_id, &deal.zone);
    let step = Step {
        before: Some(stored),
        change,
        details,
    };
    batch.add_chase(step, &chase);
    batch.save(tx).await?;
    Ok(chase)
}

fn note(note: Option<&str>) -> Result<Option<String>, Rejection> {
    text::optional("note", note, text::REASON_LENGTH_MAX).map_err(|error| Rejection::Validation {
        errors: vec![error],
    })
}
