//! The parts of a template as they are shown: the plan that its source describes.

use domain::template::{Anchor, Constraint, DateRule, Milestone, TaskRule};
use serde::Serialize;
use utoipa::ToSchema;

use contracts::records::DueRule;

/// A date that people enter.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateAnchor {
    #[schema(example = "closing_date")]
    key: String,
    title: String,
    /// Whether a deal cannot become active without it.
    required: bool,
    /// Whether it may be cleared while the deal runs.
    revocable: bool,
    /// RESO's name for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reso: Option<String>,
    /// The calendar by which it should be a business day; another day is a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    needs_business_day: Option<String>,
}

/// A date that follows by a rule.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateDate {
    key: String,
    title: String,
    rule: DueRule,
    /// Whether the contract sets it.
    contractual: bool,
    /// Whether a regulation sets it: it is counted on the safe side.
    regulatory: bool,
    buyer_visible: bool,
}

/// A relation that two dates should have.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateConstraint {
    key: String,
    /// ERROR or WARNING.
    severity: &'static str,
    before: String,
    after: String,
    /// The least number of calendar days between them.
    min_days: i32,
}

/// A stage of the plan.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateMilestone {
    key: String,
    title: String,
    /// In plain words, for the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    buyer_title: Option<String>,
}

/// A piece of work.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateTask {
    key: String,
    title: String,
    milestone: String,
    kind: &'static str,
    /// The part that does it.
    owner_role: &'static str,
    /// The part that chases an outside owner, and gets the reminders as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    chased_by: Option<&'static str>,
    rule: DueRule,
    depends_on: Vec<String>,
    est_days: u32,
    buyer_visible: bool,
    critical: bool,
    required: bool,
    licensed_only: bool,
    /// The e-mail whose draft goes with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    email_template: Option<&'static str>,
}

impl From<&Anchor> for TemplateAnchor {
    fn from(anchor: &Anchor) -> Self {
        Self {
            key: anchor.key.clone(),
            title: anchor.title.clone(),
            required: anchor.required,
            revocable: anchor.revocable,
            reso: anchor.reso.clone(),
            needs_business_day: anchor.needs_business_day.clone(),
        }
    }
}

impl From<&DateRule> for TemplateDate {
    fn from(date: &DateRule) -> Self {
        Self {
            key: date.key.clone(),
            title: date.title.clone(),
            rule: DueRule::of(&date.due),
            contractual: date.contractual,
            regulatory: date.regulatory,
            buyer_visible: date.buyer_visible,
        }
    }
}

impl From<&Constraint> for TemplateConstraint {
    fn from(constraint: &Constraint) -> Self {
        Self {
            key: constraint.key.clone(),
            severity: constraint.severity.as_str(),
            before: constraint.before.clone(),
            after: constraint.after.clone(),
            min_days: constraint.min_days,
        }
    }
}

impl From<&Milestone> for TemplateMilestone {
    fn from(milestone: &Milestone) -> Self {
        Self {
            key: milestone.key.clone(),
            title: milestone.title.clone(),
            buyer_title: milestone.client_title.clone(),
        }
    }
}

impl From<&TaskRule> for TemplateTask {
    fn from(task: &TaskRule) -> Self {
        Self {
            key: task.key.clone(),
            title: task.title.clone(),
            milestone: task.milestone.clone(),
            kind: task.kind.as_str(),
            owner_role: task.role.as_str(),
            chased_by: task.chased_by.map(|role| role.as_str()),
            rule: DueRule::of(&task.due),
            depends_on: task.depends_on.clone(),
            est_days: task.est_days,
            buyer_visible: task.buyer_visible,
            critical: task.critical,
            required: task.required,
            licensed_only: task.licensed_only,
            email_template: task.email_template.map(|email| email.as_str()),
        }
    }
}
