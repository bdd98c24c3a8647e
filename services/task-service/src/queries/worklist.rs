//! What the workflow of a deal needs to decide what is to be done; nothing confidential.

use contracts::field::{date_text, instant_text};
use domain::{deal::PlanState, task::TaskFacts};
use platform::{
    db::Tx,
    error::{Error, Result},
};
use serde::Serialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::repository::{
    deals,
    handling::{self, Handling},
    milestones, plans, tasks,
};

/// The worklist of a deal.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Worklist {
    deal_name: String,
    deal_status: &'static str,
    plan_state: &'static str,
    time_zone: String,
    milestones: Vec<WorklistMilestone>,
    tasks: Vec<WorklistTask>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WorklistMilestone {
    id: Uuid,
    key: String,
    title: String,
    /// For clients, in plain words.
    buyer_title: Option<String>,
    position: i32,
    completed: bool,
    /// Counts its completions and reopenings, so that each completion has a number of its own.
    version: i64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WorklistTask {
    id: Uuid,
    title: String,
    milestone_id: Option<Uuid>,
    status: &'static str,
    due_date: Option<String>,
    /// The time of day at which it becomes overdue, `HH:MM`; at the end of the due date without.
    due_time: Option<String>,
    due_at: Option<String>,
    assignee_id: Option<Uuid>,
    /// The part that follows it up, of a task of somebody outside.
    chased_by: Option<String>,
    /// The day on which to ask for it again.
    follow_up_on: Option<String>,
    is_overdue: bool,
    /// Since when it is overdue, where it is.
    overdue_since: Option<String>,
    is_blocked: bool,
    required: bool,
    /// When it was completed or waived, where it was.
    done_at: Option<String>,
    /// When and by whom an open task got its status.
    handling: Option<WorklistHandling>,
}

/// Since when a task has stood as it does, and through whom.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct WorklistHandling {
    /// Since when the task has been open, due then, its assignee's and waiting or not, in a deal of this status.
    stands_since: String,
    /// When its assignee last changed, if ever.
    assigned_at: Option<String>,
    /// Who changed it; absent where it followed from a part in the deal, or from the end of a login.
    assigned_by: Option<Uuid>,
    /// Who had it before.
    previous_assignee_id: Option<Uuid>,
    /// When it came free, if it waited before and waits no longer.
    unlocked_at: Option<String>,
    /// Who did the last thing that it waited for; absent where it followed from a change of the deal.
    unlocked_by: Option<Uuid>,
}

/// Reads it. Rejections: `NOT_FOUND`. Unavailable between a resume and the move of the due dates that follows it:
/// by the old ones, tasks would be marked overdue and reported that are not.
pub(crate) async fn run(tx: &Tx, deal_id: Uuid) -> Result<Worklist> {
    let deal = deals::see(tx, deal_id).await?;
    if deals::due_dates_move(tx, deal_id).await? {
        return Err(Error::unavailable("the deal's due dates are still to move"));
    }
    let plan = plans::of_deal(tx, deal_id).await?;
    let milestones = milestones::of_deal(tx, deal_id).await?;
    let tasks = tasks::of_deal(tx, deal_id).await?;
    let mut handlings = handling::of_deal(tx, deal_id).await?;
    Ok(Worklist {
        deal_name: deals::name(tx, deal_id).await?,
        deal_status: deal.status.as_str(),
        plan_state: plan.map_or(PlanState::Pending, |plan| plan.state).as_str(),
        time_zone: deal.zone.name().to_owned(),
        milestones: milestones
            .into_iter()
            .map(|milestone| WorklistMilestone {
                id: milestone.id,
                completed: milestone.is_completed(),
                version: milestone.version,
                key: milestone.key.unwrap_or_default(),
                title: milestone.title,
                buyer_title: milestone.buyer_title,
                position: milestone.position,
            })
            .collect(),
        tasks: tasks
            .into_iter()
            .map(|stored| {
                let due_at = stored.due_at.map(instant_text);
                let task = stored.task;
                let handling = handlings.remove(&task.id).map(WorklistHandling::from);
                WorklistTask {
                    id: task.id,
                    title: task.title.clone(),
                    milestone_id: task.milestone_id,
                    status: task.status.as_str(),
                    due_date: task.due.map(|due| date_text(due.date)),
                    due_time: task
                        .due
                        .and_then(|due| due.time_of_day)
                        .map(|time| format!("{:02}:{:02}", time.hour(), time.minute())),
                    overdue_since: due_at.clone().filter(|_| task.is_overdue()),
                    due_at,
                    assignee_id: task.facts.assignee_id,
                    follow_up_on: stored.details.follow_up_on.map(date_text),
                    chased_by: stored.details.chased_by,
                    is_overdue: task.is_overdue(),
                    is_blocked: task.is_blocked(),
                    required: task.required,
                    done_at: done_at(&task.facts).map(instant_text),
                    handling,
                }
            })
            .collect(),
    })
}

impl From<Handling> for WorklistHandling {
    fn from(handling: Handling) -> Self {
        Self {
            stands_since: instant_text(handling.stands_since),
            assigned_at: handling.assigned_at.map(instant_text),
            assigned_by: handling.assigned_by,
            previous_assignee_id: handling.previous_assignee_id,
            unlocked_at: handling.unlocked_at.map(instant_text),
            unlocked_by: handling.unlocked_by,
        }
    }
}

fn done_at(facts: &TaskFacts) -> Option<OffsetDateTime> {
    let completed = facts.completed.as_ref().map(|completion| completion.at);
    completed.or(facts.waived.as_ref().map(|waiver| waiver.at))
}
