//! `/api/deals/{id}/workflow`: the state of a deal's workflow, asked of the workflow itself.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use domain::rejection::Rejection;
use platform::{
    client::ServiceClient,
    config::HttpUrl,
    error::{Error, Result},
    http::{Access as _, Authorized, PathId, Routes, permission::ViewDeals},
};
use serde::{Deserialize, Serialize};
use temporalio_client::{
    Client, WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowHandle, WorkflowQueryOptions,
    errors::WorkflowQueryError,
};
use utoipa::ToSchema;

use crate::{
    config::TemporalSettings,
    temporal::Temporal,
    workflows::{
        DealLifecycle,
        deal_lifecycle::{self, Progress},
    },
};

/// A workflow has so long to answer.
const QUERY_TIMEOUT: Duration = Duration::from_secs(3);

/// Where administrators find a workflow in Temporal's own interface.
#[derive(Clone, Debug)]
pub(crate) struct TemporalPages {
    /// The interface's address; no links without.
    pub(crate) ui_url: Option<HttpUrl>,
    /// The namespace.
    pub(crate) namespace: String,
}

impl TemporalPages {
    pub(crate) fn new(settings: &TemporalSettings) -> Self {
        Self {
            ui_url: settings.ui_url.clone(),
            namespace: settings.namespace.clone(),
        }
    }
}

/// The state of a deal's workflow.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WorkflowAnswer {
    /// Temporal's id of it.
    workflow_id: String,
    /// RUNNING until the deal is closed or cancelled, then COMPLETED; FAILED or TERMINATED call for an administrator.
    status: &'static str,
    #[serde(flatten)]
    progress: Progress,
    /// The workflow in Temporal's interface; for administrators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    temporal_url: Option<String>,
}

/// How the caller sees the deal, as deal-service says.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sight {
    sees_as_staff: bool,
    is_administrator: bool,
}

pub(super) fn routes() -> Routes {
    Routes::default().get("/api/deals/{id}/workflow", get)
}

/// The state of the deal's workflow: milestone, what it waits for, next wake-up.
///
/// **Permissions**: everybody who may view the deal. **Rejections**: `NOT_FOUND` for a deal that is not visible, or
/// that has never been active; 503 while Temporal, or the workflow, does not answer within three seconds.
#[utoipa::path(get, path = "/api/deals/{id}/workflow", operation_id = "getDealWorkflow", tag = "workflow", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The state of the workflow", body = WorkflowAnswer)))]
pub(crate) async fn get(
    caller: Authorized<ViewDeals>,
    id: PathId,
    deals: web::Data<ServiceClient>,
    temporal: web::Data<Temporal>,
    pages: web::Data<TemporalPages>,
) -> Result<HttpResponse> {
    let PathId(deal_id) = id;
    // This service has no database to ask: deal-service opens the caller's session and says what it sees.
    let sight: Sight = deals
        .for_caller(caller.caller())
        .get(&format!("/internal/deals/{deal_id}/visibility"))
        .await?;
    let workflow_id = deal_lifecycle::workflow_id(deal_id);
    let (status, progress) = ask(&temporal, &workflow_id).await?;
    let progress = if sight.sees_as_staff {
        for_staff(progress)
    } else {
        for_client(progress)
    };
    let temporal_url = sight
        .is_administrator
        .then(|| pages.link(&workflow_id))
        .flatten();
    Ok(HttpResponse::Ok().json(WorkflowAnswer {
        workflow_id,
        status,
        progress,
        temporal_url,
    }))
}

/// Staff reads its own words.
fn for_staff(mut progress: Progress) -> Progress {
    if let Some(milestone) = &mut progress.milestone {
        milestone.buyer_title = None;
    }
    progress
}

/// What a client of the deal sees: plain words, and neither tasks that it may not see, nor why a plan failed, which
/// names facts.
fn for_client(mut progress: Progress) -> Progress {
    if let Some(milestone) = &mut progress.milestone
        && let Some(plain) = milestone.buyer_title.take()
    {
        milestone.title = plain;
    }
    Progress {
        waiting_for: Vec::new(),
        completed_task_ids: Vec::new(),
        plan_failure: None,
        ..progress
    }
}

/// The run's status and what it answers by itself; a run that has ended answers as it ended.
async fn ask(temporal: &Temporal, workflow_id: &str) -> Result<(&'static str, Progress)> {
    let client = temporal
        .client()
        .ok_or_else(|| Error::unavailable("Temporal has not been there yet"))?;
    let run: WorkflowHandle<Client, DealLifecycle> = client.get_workflow_handle(workflow_id);
    let questions = async {
        let progress = match run
            .query(DealLifecycle::progress, (), WorkflowQueryOptions::default())
            .await
        {
            Ok(progress) => progress,
            Err(WorkflowQueryError::NotFound(_)) => return Err(Rejection::NotFound.into()),
            Err(error) => return Err(Error::unavailable(format!("the workflow: {error}"))),
        };
        let described = run
            .describe(WorkflowDescribeOptions::default())
            .await
            .map_err(|error| Error::unavailable(format!("Temporal: {error}")))?;
        Ok((status_word(described.status()), progress))
    };
    in_time(questions).await
}

/// What the workflow answers, where it does so in time.
async fn in_time<T>(questions: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(QUERY_TIMEOUT, questions)
        .await
        .unwrap_or_else(|_| Err(Error::unavailable("the workflow does not answer")))
}

fn status_word(status: WorkflowExecutionStatus) -> &'static str {
    match status {
        WorkflowExecutionStatus::Completed => "COMPLETED",
        WorkflowExecutionStatus::Failed | WorkflowExecutionStatus::TimedOut => "FAILED",
        WorkflowExecutionStatus::Canceled => "CANCELLED",
        WorkflowExecutionStatus::Terminated => "TERMINATED",
        // A run that continued as new goes on in its successor.
        _ => "RUNNING",
    }
}

impl TemporalPages {
    fn link(&self, workflow_id: &str) -> Option<String> {
        let ui_url = self.ui_url.as_ref()?.as_str();
        let namespace = &self.namespace;
        Some(format!(
            "{ui_url}/namespaces/{namespace}/workflows/{workflow_id}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_leads_to_the_workflow_in_its_namespace() {
        let pages = TemporalPages {
            ui_url: Some("http://127.0.0.1:8233/".parse().unwrap()),
            namespace: "haushavn".to_owned(),
        };
        assert_eq!(
            pages.link("deal-7").as_deref(),
            Some("http://127.0.0.1:8233/namespaces/haushavn/workflows/deal-7")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_workflow_that_does_not_answer_within_three_seconds_is_unavailable() {
        let after = async |milliseconds| {
            let answering = async {
                tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                Ok("an answer")
            };
            in_time(answering).await
        };
        assert!(after(2_999).await.is_ok());
        assert!(matches!(after(3_001).await, Err(Error::Unavailable { .. })));
    }
}
