//! A plan as it is recorded.

use domain::deal::PlanState;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{MilestoneRecord, number, version};
use crate::{text, v1};

/// A plan of a deal, with its milestones as they came with it. Its facts are confidential.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanRecord {
    /// The plan.
    pub id: Uuid,
    /// Its deal.
    pub deal_id: Uuid,
    /// The template that it was made from.
    pub template_id: Option<Uuid>,
    /// The template's key.
    pub template_key: Option<String>,
    /// The template's version.
    pub template_version: Option<i32>,
    /// What it was made from: texts, numbers and flags.
    pub facts: Map<String, Value>,
    /// Whether it is made.
    #[serde(with = "text::plan_state")]
    pub state: PlanState,
    /// Why it could not be made.
    pub failure: Option<String>,
    /// Its milestones, in their order.
    pub milestones: Vec<MilestoneRecord>,
    /// The version, counted from 1.
    pub version: i64,
}

impl PlanRecord {
    /// What is published of it.
    pub fn event(&self, counts: v1::PlanCounts) -> v1::PlanEvent {
        v1::PlanEvent {
            plan_id: self.id.to_string(),
            deal_id: self.deal_id.to_string(),
            template_id: self.template_id.map(|id| id.to_string()),
            template_key: self.template_key.clone(),
            template_version: self.template_version.map(number),
            state: self.state.as_str().to_owned(),
            milestones: self.milestones.iter().map(MilestoneRecord::event).collect(),
            counts: Some(counts),
            version: version(self.version),
        }
    }
}
