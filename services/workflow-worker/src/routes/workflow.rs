//! `/api/deals/{id}/workflow`: how a deal's workflow stands, asked of the workflow itself.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use domain::{permission::Role, rejection::Rejection};
use platform::{
    auth::TokenVerifier,
    client::ServiceClient,
    config::HttpUrl,
    error::{Error, Result},
    http::{Access as _, Authorized, PathId, Routes, permission::ViewDeals},
};
use serde::Serialize;
use temporalio_client::{
    Client, WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowHandle, WorkflowQueryOptions,
    errors::WorkflowQueryError,
};
use utoipa::ToSchema;

use crate::{
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

/// How a deal's workflow stands.
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

pub(super) fn routes() -> Routes {
    Routes::default().get("/api/deals/{id}/workflow", get)
}

/// How the deal's workflow stands now: milestone, what it waits for, next wake-up.
///
/// **Permissions**: whoever may view the deal. **Rejections**: `NOT_FOUND` for a deal that is not visible, or that has
/// never been active; 503 while Temporal, or the workflow, does not answer within three seconds.
#[utoipa::path(get, path = "/api/deals/{id}/workflow", operation_id = "getDealWorkflow", tag = "workflow", params(("id" = Uuid, Path)),
    responses((status = 200, description = "How the workflow stands", body = WorkflowAnswer)))]
pub(crate) async fn get(
    caller: Authorized<ViewDeals>,
    id: PathId,
    deals: web::Data<ServiceClient>,
    temporal: web::Data<Temporal>,
    verifier: web::Data<TokenVerifier>,
    pages: web::Data<TemporalPages>,
) -> Result<HttpResponse> {
    let PathId(deal_id) = id;
    // Deal-service checks the permission as well: this service has no database to ask.
    deals
        .for_caller(caller.caller())
        .get::<()>(&format!("/internal/deals/{deal_id}/visibility"))
        .await?;
    let workflow_id = deal_lifecycle::workflow_id(deal_id);
    let (status, mut progress) = ask(&temporal, &workflow_id).await?;
    // The claim may be some minutes old: good enough for ids alone, and for a link to a place that has its own lock.
    let claims = verifier.verify(caller.caller().token.expose()).await;
    let role = claims.ok().and_then(|claims| Role::parse(&claims.role));
    let is_client = matches!(role, None | Some(Role::Buyer));
    if is_client {
        progress.waiting_for.clear();
        progress.completed_task_ids.clear();
    }
    if let Some(milestone) = &mut progress.milestone {
        let plain = milestone.buyer_title.take().filter(|_| is_client);
        milestone.title = plain.unwrap_or_else(|| std::mem::take(&mut milestone.title));
    }
    let temporal_url = (role == Some(Role::Admin))
        .then(|| pages.link(&workflow_id))
        .flatten();
    Ok(HttpResponse::Ok().json(WorkflowAnswer {
        workflow_id,
        status,
        progress,
        temporal_url,
    }))
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
}
