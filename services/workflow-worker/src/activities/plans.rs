//! Calls of task-service: the plan, its worklist, overdue tasks, milestones.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use time::OffsetDateTime;
use uuid::Uuid;

use super::remote::Remote;
use crate::{
    agenda::{self, Agenda, Deal},
    worklist::Worklist,
};

/// The activities that task-service answers.
#[derive(Debug)]
pub struct PlanActivities {
    /// task-service.
    pub task_service: Remote,
}

/// Whose plan to make.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplyPlan {
    /// The tenant.
    pub organization_id: Uuid,
    /// The deal.
    pub deal_id: Uuid,
}

/// The plan as it was made, now or earlier.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppliedPlan {
    /// APPLIED, or what else became of it.
    pub state: String,
}

/// Whose worklist to read, and as of when.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadWorklist {
    /// The tenant.
    pub organization_id: Uuid,
    /// The deal.
    pub deal_id: Uuid,
    /// The deal's name as the workflow last read it, in case task-service does not give it.
    #[serde(default)]
    pub deal_name: Option<String>,
    /// The workflow's present instant.
    #[serde(with = "time::serde::rfc3339")]
    pub now: OffsetDateTime,
}

/// Which task has passed its due instant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MarkOverdue {
    /// The tenant.
    pub organization_id: Uuid,
    /// The task.
    pub task_id: Uuid,
}

/// What the task is now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Marked {
    /// The task's status.
    pub status: String,
}

/// Which milestone to look at.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckMilestone {
    /// The tenant.
    pub organization_id: Uuid,
    /// The milestone.
    pub milestone_id: Uuid,
}

/// Whether the milestone is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Checked {
    /// True once every task in it is done.
    pub completed: bool,
}

#[activities]
impl PlanActivities {
    /// Makes the deal's plan from its template; made already, it stays as it is. Refused where the template
    /// and the deal's facts and dates give no plan, which task-service records with the reason.
    #[activity(name = "apply_deal_template")]
    pub async fn apply_deal_template(
        self: Arc<Self>,
        context: ActivityContext,
        input: ApplyPlan,
    ) -> Result<AppliedPlan, ActivityError> {
        let path = format!("/internal/deals/{}/plan", input.deal_id);
        self.task_service
            .call(&context, input.organization_id, async |calls| {
                calls.post(&path, &json!({})).await
            })
            .await
    }

    /// Reads the deal's worklist and what follows from it at the workflow's present instant.
    ///
    /// What follows is worked out here and not in the workflow, so that its history records the answer: a rule
    /// may then change without breaking the replay of running deals.
    #[activity(name = "load_worklist")]
    pub async fn load_worklist(
        self: Arc<Self>,
        context: ActivityContext,
        input: LoadWorklist,
    ) -> Result<Agenda, ActivityError> {
        let path = format!("/internal/deals/{}/worklist", input.deal_id);
        let worklist: Worklist = self
            .task_service
            .call(&context, input.organization_id, async |calls| {
                calls.get(&path).await
            })
            .await?;
        let deal = Deal {
            id: input.deal_id,
            name: worklist.deal_name.clone().or(input.deal_name),
        };
        Ok(agenda::of(&deal, &worklist, input.now)?)
    }

    /// Marks a task OVERDUE whose due instant has passed. Says what the task is afterwards.
    #[activity(name = "mark_overdue")]
    pub async fn mark_overdue(
        self: Arc<Self>,
        context: ActivityContext,
        input: MarkOverdue,
    ) -> Result<Marked, ActivityError> {
        let path = format!("/internal/tasks/{}/overdue", input.task_id);
        self.task_service
            .call(&context, input.organization_id, async |calls| {
                calls.post(&path, &json!({})).await
            })
            .await
    }

    /// Asks whether a milestone is done, which task-service then records.
    #[activity(name = "check_milestone_completion")]
    pub async fn check_milestone_completion(
        self: Arc<Self>,
        context: ActivityContext,
        input: CheckMilestone,
    ) -> Result<Checked, ActivityError> {
        let path = format!("/internal/milestones/{}/check", input.milestone_id);
        self.task_service
            .call(&context, input.organization_id, async |calls| {
                calls.post(&path, &json!({})).await
            })
            .await
    }
}
