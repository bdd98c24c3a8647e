//! One version of a template: its source, what a deal made from it will be asked for, and the plan that it describes.

use domain::{
    rejection::Rejection,
    template::{FactRule, Template},
};
use platform::{db::Tx, error::Result};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    list_templates::TemplateSummary,
    template_plan::{
        TemplateAnchor, TemplateConstraint, TemplateDate, TemplateMilestone, TemplateTask,
    },
};
use crate::repository::templates::{self, StoredTemplate};

/// A version of a template.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Template)]
pub(crate) struct TemplateView {
    #[serde(flatten)]
    summary: TemplateSummary,
    /// buyer, seller or borrower: whom the organization works for.
    side: &'static str,
    /// RESO's `TransactionType`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reso_transaction_type: Option<&'static str>,
    /// us_generic or us_federal_lending: the calendars of rules and closings that name none.
    counting_profile: &'static str,
    /// The client's part.
    client_role: &'static str,
    /// Every part that plays a role in it.
    roles: Vec<&'static str>,
    /// Those of the organization itself.
    internal_roles: Vec<&'static str>,
    /// The dates that people enter.
    anchors: Vec<TemplateAnchor>,
    /// The names of the facts that it asks about.
    facts: Vec<String>,
    /// The words that it knows for a fact; another one is taken, with a warning.
    fact_values: Vec<TemplateFact>,
    /// The dates that follow by rules.
    key_dates: Vec<TemplateDate>,
    /// What the dates should satisfy.
    constraints: Vec<TemplateConstraint>,
    /// The stages, in their order.
    milestones: Vec<TemplateMilestone>,
    /// The work, in its order.
    tasks: Vec<TemplateTask>,
    /// YAML.
    source: String,
}

/// A fact with the words that the template knows for it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct TemplateFact {
    #[schema(example = "financing_type")]
    key: String,
    values: Vec<String>,
}

impl From<&FactRule> for TemplateFact {
    fn from(fact: &FactRule) -> Self {
        Self {
            key: fact.key.clone(),
            values: fact.values.clone(),
        }
    }
}

impl TemplateView {
    /// A stored version.
    pub(crate) async fn of(tx: &Tx, stored: &StoredTemplate) -> Result<Self> {
        let template: &Template = &*stored.parsed(tx).await?;
        let parts =
            |roles: &[domain::party::PartyRole]| roles.iter().map(|role| role.as_str()).collect();
        Ok(Self {
            summary: TemplateSummary::of(stored),
            side: template.side.as_str(),
            reso_transaction_type: template.reso_transaction_type.map(|kind| kind.as_str()),
            counting_profile: template.counting_profile.as_str(),
            client_role: template.client_role.as_str(),
            roles: parts(&template.roles),
            internal_roles: parts(&template.internal_roles),
            anchors: template.anchors.iter().map(Into::into).collect(),
            facts: template
                .fact_names()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            fact_values: template.facts.iter().map(Into::into).collect(),
            key_dates: template.dates.iter().map(Into::into).collect(),
            constraints: template.constraints.iter().map(Into::into).collect(),
            milestones: template.milestones.iter().map(Into::into).collect(),
            tasks: template.tasks.iter().map(Into::into).collect(),
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
    TemplateView::of(tx, &stored).await
}
