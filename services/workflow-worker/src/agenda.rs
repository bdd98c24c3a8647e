//! What a deal's worklist asks for at an instant: which notices to send, what is overdue, which milestones are reached,
//! and when to look again.
//!
//! A pure function of the worklist and the instant. It names every step whose time has come, also those already taken:
//! the workflow remembers by the step's key what has been done. So no step is lost when a workflow starts again, and
//! none is taken twice.

mod deadlines;
#[cfg(test)]
mod tests;
mod turns;

use anyhow::Context as _;
use contracts::field;
use domain::{
    deal::DealStatus,
    milestone::{self, TaskCounts},
    task::TaskStatus,
    zone::Zone,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    activities::{Audience, Params},
    worklist::{Worklist, WorklistMilestone, WorklistTask},
};

/// The deal, as notices name it.
#[derive(Clone, Debug)]
pub struct Deal {
    /// Its id.
    pub id: Uuid,
    /// Its name, where it is known.
    pub name: Option<String>,
}

impl Deal {
    fn params(&self) -> Params {
        Params {
            deal_name: self.name.clone(),
            ..Params::default()
        }
    }
}

/// What is to be done for a deal, and what the workflow shows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Agenda {
    /// What the deal is called.
    #[serde(default)]
    pub deal_name: Option<String>,
    /// Whether the workflow has work, waits, or is through.
    pub standing: Standing,
    /// The deal's status as it is stored.
    pub deal_status: String,
    /// PENDING, APPLIED or FAILED.
    pub plan_state: String,
    /// The first milestone that is not done.
    pub milestone: Option<Milestone>,
    /// Open tasks that could be done now, in the plan's order.
    pub waiting_for: Vec<Uuid>,
    /// Completed tasks; waived ones are not among them.
    pub completed_task_ids: Vec<Uuid>,
    /// Everything whose time has come, done already or not.
    pub steps: Vec<Step>,
    /// When the next step's time comes; none while nothing is due or the deal is on hold.
    #[serde(with = "time::serde::rfc3339::option")]
    pub next_wakeup_at: Option<OffsetDateTime>,
}

impl Agenda {
    /// One line for the Temporal interface.
    pub fn summary(&self) -> String {
        let milestone = self
            .milestone
            .as_ref()
            .map_or("none", |milestone| &milestone.title);
        format!(
            "deal {}, plan {}, milestone {milestone}, {} tasks completed, waiting for {}",
            self.deal_status,
            self.plan_state,
            self.completed_task_ids.len(),
            self.waiting_for.len()
        )
    }
}

/// What the deal's status means for the workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Standing {
    /// Deadlines count.
    Running,
    /// On hold: nothing becomes overdue and nobody is reminded.
    Paused,
    /// Closed or cancelled.
    Ended,
}

impl Standing {
    const fn of(status: DealStatus) -> Self {
        match status {
            DealStatus::Active => Self::Running,
            DealStatus::Draft | DealStatus::OnHold => Self::Paused,
            DealStatus::Closed | DealStatus::Cancelled => Self::Ended,
        }
    }
}

/// A milestone as the workflow shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Milestone {
    /// Its id.
    pub id: Uuid,
    /// The template's key.
    pub key: String,
    /// For people; in plain words for a client.
    pub title: String,
    /// For clients, in plain words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub buyer_title: Option<String>,
}

/// Something to be done once, and its notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Names the occasion. The same occasion has the same key whenever it is asked.
    pub key: String,
    /// What has to succeed before the notice is sent.
    pub action: Action,
    /// The notice.
    pub notice: Notice,
}

/// What a step does beside sending its notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Action {
    /// Nothing.
    None,
    /// Marks a task OVERDUE.
    MarkOverdue {
        /// The task.
        #[serde(rename = "taskId")]
        task_id: Uuid,
    },
    /// Has a milestone recorded as done.
    CheckMilestone {
        /// The milestone.
        #[serde(rename = "milestoneId")]
        milestone_id: Uuid,
    },
}

/// A notice, and who gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notice {
    /// The kind of occasion.
    pub kind: NoticeKind,
    /// The task it is about, if about one.
    pub task_id: Option<Uuid>,
    /// Who gets it.
    pub audience: Vec<Audience>,
    /// What the text is about.
    pub params: Params,
}

/// The occasions for a notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NoticeKind {
    /// A task is due in three days, or in one.
    TaskDueSoon,
    /// A task has passed its due instant.
    TaskOverdue,
    /// A task has been overdue for three days.
    TaskEscalated,
    /// The day has come on which to ask again for a task of somebody else.
    TaskFollowUp,
    /// Every task of a milestone is done.
    MilestoneReached,
    /// Every task of the deal is done.
    DealReadyToClose,
    /// The template and the deal's facts and dates gave no plan.
    PlanFailed,
    /// Tasks came to somebody through their part in the deal.
    PlanReady,
    /// Somebody was given a task by another.
    TaskAssigned,
    /// What somebody's task waited for was done by another.
    TaskUnlocked,
    /// Tasks have nobody any more, for their assignee no longer takes part.
    TasksUnassigned,
}

impl NoticeKind {
    /// The kind as user-service knows it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TaskDueSoon => "TASK_DUE_SOON",
            Self::TaskOverdue => "TASK_OVERDUE",
            Self::TaskEscalated => "TASK_ESCALATED",
            Self::TaskFollowUp => "TASK_FOLLOW_UP",
            Self::MilestoneReached => "MILESTONE_REACHED",
            Self::DealReadyToClose => "DEAL_READY_TO_CLOSE",
            Self::PlanFailed => "PLAN_FAILED",
            Self::PlanReady => "PLAN_READY",
            Self::TaskAssigned => "TASK_ASSIGNED",
            Self::TaskUnlocked => "TASK_UNLOCKED",
            Self::TasksUnassigned => "TASKS_UNASSIGNED",
        }
    }
}

/// What the worklist asks for at `now`.
///
/// # Errors
/// When a status, the time zone or a date cannot be read: task-service's contract is then incompatible.
pub fn of(deal: &Deal, worklist: &Worklist, now: OffsetDateTime) -> anyhow::Result<Agenda> {
    let status = DealStatus::parse(&worklist.deal_status)
        .with_context(|| format!("{:?} is not a deal's status", worklist.deal_status))?;
    let standing = Standing::of(status);
    let zone = Zone::parse(&worklist.time_zone)?;
    let tasks = worklist
        .tasks
        .iter()
        .map(Entry::read)
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut milestones: Vec<&WorklistMilestone> = worklist.milestones.iter().collect();
    milestones.sort_by_key(|milestone| milestone.position);
    let counts: Vec<TaskCounts> = milestones
        .iter()
        .map(|milestone| count(&tasks, milestone.id))
        .collect();

    let (steps, next_wakeup_at) = if standing == Standing::Running {
        let (mut steps, next) = deadlines::steps(deal, &tasks, &zone, now)?;
        steps.extend(turns::steps(deal, &tasks)?);
        steps.extend(reached(deal, &milestones, &counts));
        steps.extend(ready_to_close(deal, &tasks)?);
        (steps, next)
    } else if status == DealStatus::Closed {
        // The last milestones may have been reached just before.
        (reached(deal, &milestones, &counts).collect(), None)
    } else {
        (Vec::new(), None)
    };

    let current = milestone::current(&milestone::states(&counts)).map(|place| milestones[place]);
    Ok(Agenda {
        deal_name: deal.name.clone(),
        standing,
        deal_status: worklist.deal_status.clone(),
        plan_state: worklist.plan_state.clone(),
        milestone: current.map(|milestone| Milestone {
            id: milestone.id,
            key: milestone.key.clone(),
            title: milestone.title.clone(),
            buyer_title: milestone.buyer_title.clone(),
        }),
        waiting_for: ids(&tasks, |entry| entry.is_open() && !entry.task.is_blocked),
        completed_task_ids: ids(&tasks, |entry| entry.status == TaskStatus::Completed),
        steps,
        next_wakeup_at,
    })
}

/// The notice that no plan could be made, at `now`, for this reason.
pub fn plan_failed(deal: &Deal, reason: &str, now: OffsetDateTime) -> Step {
    Step {
        key: format!("plan-failed:{}:{}", deal.id, now.unix_timestamp()),
        action: Action::None,
        notice: Notice {
            kind: NoticeKind::PlanFailed,
            task_id: None,
            audience: vec![Audience::Coordinators],
            params: Params {
                reason: Some(reason.to_owned()),
                ..deal.params()
            },
        },
    }
}

/// A task with its status read.
struct Entry<'a> {
    task: &'a WorklistTask,
    status: TaskStatus,
}

impl<'a> Entry<'a> {
    fn read(task: &'a WorklistTask) -> anyhow::Result<Self> {
        let status = TaskStatus::parse(&task.status)
            .with_context(|| format!("{:?} is not a task's status", task.status))?;
        Ok(Self { task, status })
    }

    const fn is_open(&self) -> bool {
        !self.status.is_done()
    }

    fn params(&self, deal: &Deal) -> Params {
        Params {
            task_title: self.task.title.clone(),
            due_date: self.task.due_date.clone(),
            is_blocked: self.task.is_blocked,
            ..deal.params()
        }
    }
}

fn ids(tasks: &[Entry<'_>], wanted: impl Fn(&Entry<'_>) -> bool) -> Vec<Uuid> {
    tasks
        .iter()
        .filter(|entry| wanted(entry))
        .map(|entry| entry.task.id)
        .collect()
}

fn count(tasks: &[Entry<'_>], milestone: Uuid) -> TaskCounts {
    let mut counts = TaskCounts::default();
    for entry in tasks
        .iter()
        .filter(|entry| entry.task.milestone_id == Some(milestone))
    {
        if !entry.is_open() {
            counts.done += 1;
        } else if entry.task.is_blocked {
            counts.blocked += 1;
        } else {
            counts.ready += 1;
        }
    }
    counts
}

/// The milestones that are done. One without tasks is never done by itself, so it gives no notice. One that was
/// reopened and is done again gives another notice: its version is another. If all tasks are done but the milestone is
/// not recorded as done, the worklist was read during the completion; the completion's event leads to the next look.
fn reached<'a>(
    deal: &'a Deal,
    milestones: &'a [&WorklistMilestone],
    counts: &'a [TaskCounts],
) -> impl Iterator<Item = Step> + 'a {
    milestones
        .iter()
        .zip(counts)
        .filter(|(milestone, counts)| {
            milestone.completed && counts.total() > 0 && counts.done == counts.total()
        })
        .map(move |(milestone, _)| Step {
            key: format!("milestone-reached:{}:{}", milestone.id, milestone.version),
            action: Action::CheckMilestone {
                milestone_id: milestone.id,
            },
            notice: Notice {
                kind: NoticeKind::MilestoneReached,
                task_id: None,
                audience: vec![Audience::Parties],
                params: Params {
                    milestone_title: Some(milestone.title.clone()),
                    milestone_buyer_title: milestone.buyer_title.clone(),
                    ..deal.params()
                },
            },
        })
}

/// The instant at which the last task was done distinguishes one such occasion from the next.
fn ready_to_close(deal: &Deal, tasks: &[Entry<'_>]) -> anyhow::Result<Option<Step>> {
    if tasks.is_empty() || tasks.iter().any(Entry::is_open) {
        return Ok(None);
    }
    let mut last = None;
    for entry in tasks {
        last = last.max(field::optional_instant(
            "doneAt",
            entry.task.done_at.as_deref(),
        )?);
    }
    let since = last.map(field::instant_text).unwrap_or_default();
    Ok(Some(Step {
        key: format!("ready-to-close:{}:{since}", deal.id),
        action: Action::None,
        notice: Notice {
            kind: NoticeKind::DealReadyToClose,
            task_id: None,
            audience: vec![Audience::Coordinators],
            params: deal.params(),
        },
    }))
}
