//! A deal's plan: its milestones with their tasks, in order.

use contracts::field::date_text;
use domain::{
    deal::PlanState,
    milestone::{TaskCounts, states},
    party::PartyRole,
    task::StoredTask,
};
use platform::{db::Tx, error::Result};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    repository::{
        deals,
        milestones::{self, Milestone},
        plans, tasks,
    },
    views::is_staff,
};

/// A plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Plan)]
pub(crate) struct PlanView {
    /// PENDING, APPLIED or FAILED.
    pub(crate) plan_state: &'static str,
    /// Why it could not be made; not for clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) template_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) template_version: Option<i32>,
    pub(crate) milestones: Vec<PlanMilestone>,
    /// Tasks that belong to no milestone.
    pub(crate) other_tasks: Vec<PlanTask>,
}

/// A milestone of a plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanMilestone {
    pub(crate) id: String,
    pub(crate) key: Option<String>,
    pub(crate) title: String,
    /// In plain words, for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) buyer_title: Option<String>,
    /// DONE, CURRENT or UPCOMING.
    pub(crate) state: &'static str,
    pub(crate) tasks: Vec<PlanTask>,
}

/// A task of a plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanTask {
    pub(crate) id: String,
    pub(crate) key: Option<String>,
    pub(crate) title: String,
    /// PENDING, IN_PROGRESS, BLOCKED, OVERDUE, COMPLETED or WAIVED.
    pub(crate) status: &'static str,
    pub(crate) owner_role: Option<&'static str>,
    pub(crate) assignee_id: Option<Uuid>,
    #[schema(format = "date")]
    pub(crate) due_date: Option<String>,
    /// Whether the due date is a projection, because the task is blocked.
    pub(crate) projected: bool,
    pub(crate) critical: bool,
    pub(crate) buyer_visible: bool,
    /// What it waits for: ids of tasks.
    pub(crate) depends_on: Vec<String>,
}

/// Reads the plan as far as the caller sees it. Rejections: `NOT_FOUND`.
pub(crate) async fn run(tx: &Tx, deal_id: Uuid) -> Result<PlanView> {
    deals::see(tx, deal_id).await?;
    let plan = plans::of_deal(tx, deal_id).await?;
    let milestones = milestones::of_deal(tx, deal_id).await?;
    let tasks = tasks::of_deal(tx, deal_id).await?;
    let is_staff = is_staff(tx.actor());
    let counts: Vec<TaskCounts> = milestones
        .iter()
        .map(|milestone| counts(milestone, &tasks))
        .collect();
    let of_milestone = |id: Option<Uuid>| -> Vec<PlanTask> {
        let its = tasks.iter().filter(|stored| stored.task.milestone_id == id);
        its.map(|stored| PlanTask::of(stored, &tasks)).collect()
    };
    let template = plan.as_ref().and_then(|plan| plan.template.as_ref());
    Ok(PlanView {
        plan_state: plan
            .as_ref()
            .map_or(PlanState::Pending, |plan| plan.state)
            .as_str(),
        failure: plan
            .as_ref()
            .and_then(|plan| plan.failure.clone())
            .filter(|_| is_staff),
        template_key: template.map(|template| template.key.clone()),
        template_version: template.map(|template| template.version),
        milestones: milestones
            .iter()
            .zip(states(&counts))
            .map(|(milestone, state)| PlanMilestone {
                id: milestone.id.to_string(),
                key: milestone.key.clone(),
                // A client reads the words that are meant for clients.
                title: milestone
                    .buyer_title
                    .clone()
                    .filter(|_| !is_staff)
                    .unwrap_or_else(|| milestone.title.clone()),
                buyer_title: milestone.buyer_title.clone(),
                state: state.as_str(),
                tasks: of_milestone(Some(milestone.id)),
            })
            .collect(),
        other_tasks: of_milestone(None),
    })
}

/// How many of a milestone's tasks are in each state. A client does not see them all: the rest counts as waiting.
fn counts(milestone: &Milestone, tasks: &[StoredTask]) -> TaskCounts {
    let seen = tasks
        .iter()
        .filter(|stored| stored.task.milestone_id == Some(milestone.id))
        .fold(TaskCounts::default(), |counts, stored| {
            counts.and(&stored.task)
        });
    let open = u32::try_from(milestone.open_tasks).unwrap_or_default();
    let total = u32::try_from(milestone.total_tasks).unwrap_or_default();
    TaskCounts {
        done: total.saturating_sub(open),
        ready: seen.ready,
        blocked: open.saturating_sub(seen.ready),
    }
}

impl PlanTask {
    fn of(stored: &StoredTask, seen: &[StoredTask]) -> Self {
        let task = &stored.task;
        Self {
            id: task.id.to_string(),
            key: task.key.clone(),
            title: task.title.clone(),
            status: task.status.as_str(),
            owner_role: task.owner_role.map(PartyRole::as_str),
            assignee_id: task.facts.assignee_id,
            due_date: task.due.map(|due| date_text(due.date)),
            projected: task.is_blocked() && task.due.is_some(),
            critical: stored.details.critical,
            buyer_visible: task.buyer_visible,
            depends_on: stored
                .details
                .depends_on
                .iter()
                .filter(|id| seen.iter().any(|other| other.task.id == **id))
                .map(ToString::to_string)
                .collect(),
        }
    }
}
