//! One version of a template: its source, and what a deal made from it will be asked for.

use domain::{rejection::Rejection, template::Template};
use platform::{db::Tx, error::Result};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::list_templates::TemplateSummary;
use crate::repository::templates::{self, StoredTemplate};

/// A version of a template.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Template)]
pub(crate) struct TemplateView {
    #[serde(flatten)]
    summary: TemplateSummary,
    /// The dates that people enter.
    anchors: Vec<TemplateAnchor>,
    /// The names of the facts that its conditions ask about.
    facts: Vec<String>,
    /// YAML.
    source: String,
}

/// A date that people enter.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateAnchor {
    #[schema(example = "closing_date")]
    key: String,
    title: String,
    /// Whether a deal cannot become active without it.
    required: bool,
}

impl TemplateView {
    /// A stored version.
    pub(crate) fn of(stored: &StoredTemplate) -> Result<Self> {
        let template = stored.parsed()?;
        Ok(Self {
            summary: TemplateSummary::of(stored),
            anchors: anchors(&template),
            facts: template
                .fact_names()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            source: stored.source.clone(),
        })
    }

    pub(crate) fn id(&self) -> Uuid {
        self.summary.id
    }

    pub(crate) fn version(&self) -> i64 {
        self.summary.version
    }
}

/// Reads it. Rejections: `NOT_FOUND`.
pub(crate) async fn run(tx: &Tx, id: Uuid) -> Result<TemplateView> {
    let stored = templates::find(tx, id).await?.ok_or(Rejection::NotFound)?;
    TemplateView::of(&stored)
}

fn anchors(template: &Template) -> Vec<TemplateAnchor> {
    let anchors = template.anchors.iter();
    anchors
        .map(|anchor| TemplateAnchor {
            key: anchor.key.clone(),
            title: anchor.title.clone(),
            required: anchor.required,
        })
        .collect()
}
