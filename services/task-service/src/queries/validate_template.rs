//! What is wrong with a template: mistakes in its form, names that it does not have, tasks that wait for each
//! other or can never start. Writes nothing.

use domain::rejection::Rejection;
use platform::{
    db::Tx,
    error::{Error, Result},
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{parsing, repository::templates};

/// The findings.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateFindings {
    /// Whether it could be published.
    valid: bool,
    /// Every mistake, by line.
    errors: Vec<TemplateMistake>,
}

/// A mistake.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateMistake {
    /// Counted from 1.
    line: usize,
    message: String,
}

/// Checks `source`, or without it what is stored. Rejections: `NOT_FOUND`, and of `source` if it is too long.
pub(crate) async fn run(tx: &Tx, id: Uuid, source: Option<&str>) -> Result<TemplateFindings> {
    let stored = templates::find(tx, id).await?.ok_or(Rejection::NotFound)?;
    match parsing::of_source(tx, source.unwrap_or(&stored.source)).await {
        Ok(_) => Ok(TemplateFindings {
            valid: true,
            errors: Vec::new(),
        }),
        Err(Error::Rejected(Rejection::TemplateInvalid { errors })) => Ok(TemplateFindings {
            valid: false,
            errors: errors
                .into_iter()
                .map(|error| TemplateMistake {
                    line: error.line,
                    message: error.message,
                })
                .collect(),
        }),
        Err(other) => Err(other),
    }
}
