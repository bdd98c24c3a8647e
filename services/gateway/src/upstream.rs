//! The services behind the gateway, and the OpenAPI documents they have committed.

use serde_json::Value;

/// A service that answers for some of the public routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Upstream {
    /// Identity, users, organization, notifications.
    UserService,
    /// Deals, parties, summaries, audit.
    DealService,
    /// Tasks, plans, key dates, templates.
    TaskService,
    /// The live state of workflows.
    WorkflowWorker,
}

impl Upstream {
    /// Every service, in the order of the merged document.
    pub const ALL: [Self; 4] = [
        Self::UserService,
        Self::DealService,
        Self::TaskService,
        Self::WorkflowWorker,
    ];

    /// The service's name, as in logs, metrics and service tokens.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserService => "user-service",
            Self::DealService => "deal-service",
            Self::TaskService => "task-service",
            Self::WorkflowWorker => "workflow-worker",
        }
    }

    /// The service's place in [`Upstream::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The document as the service has committed it.
    const fn committed(self) -> &'static str {
        match self {
            Self::UserService => include_str!("../../user-service/openapi.json"),
            Self::DealService => include_str!("../../deal-service/openapi.json"),
            Self::TaskService => include_str!("../../task-service/openapi.json"),
            Self::WorkflowWorker => include_str!("../../workflow-worker/openapi.json"),
        }
    }
}

/// The OpenAPI document of one service.
#[derive(Clone, Debug)]
pub struct ServiceDocument {
    /// Whose document it is.
    pub upstream: Upstream,
    /// The document.
    pub document: Value,
}

/// The documents that this gateway was built with.
///
/// # Errors
/// When a document is not JSON.
pub fn committed_documents() -> Result<Vec<ServiceDocument>, serde_json::Error> {
    Upstream::ALL
        .into_iter()
        .map(|upstream| {
            let document = serde_json::from_str(upstream.committed())?;
            Ok(ServiceDocument { upstream, document })
        })
        .collect()
}
