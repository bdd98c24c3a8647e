//! What clients say with a step of a deal.

use domain::{rejection::Rejection, text};
use platform::http::Body;
use serde::Deserialize;
use utoipa::ToSchema;

/// What holding a deal may say.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(crate) struct HoldBody {
    /// Why, for the history.
    #[schema(max_length = 1000)]
    pub(crate) reason: Option<String>,
}

impl Body for HoldBody {
    fn check(&self) -> Result<(), Rejection> {
        self.reason
            .as_deref()
            .map_or(Ok(()), |reason| text::reason(reason).map(drop))
    }
}

/// What reopening a deal may say.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(crate) struct ReopenBody {
    /// Why, for the history.
    #[schema(max_length = 1000)]
    pub(crate) reason: Option<String>,
}

impl Body for ReopenBody {
    fn check(&self) -> Result<(), Rejection> {
        self.reason
            .as_deref()
            .map_or(Ok(()), |reason| text::reason(reason).map(drop))
    }
}

/// What resuming a deal says.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResumeBody {
    /// Whether open due dates move by the days held; they stay by default.
    #[serde(default)]
    pub(crate) shift_due_dates: bool,
}

impl Body for ResumeBody {}

/// What closing a deal may say.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub(crate) struct CloseBody {
    /// Closes although required tasks are open; needs manage_tasks.
    #[serde(default)]
    pub(crate) force: bool,
}

impl Body for CloseBody {}

/// What cancelling a deal says.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub(crate) struct CancelBody {
    /// Why, for the history.
    #[schema(max_length = 1000)]
    pub(crate) reason: String,
}

impl Body for CancelBody {
    fn check(&self) -> Result<(), Rejection> {
        text::reason(&self.reason).map(drop)
    }
}

/// What activating a deal says: nothing so far.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
pub(crate) struct ActivateBody {}

impl Body for ActivateBody {}
