//! A milestone as it is recorded.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{number, version};
use crate::{field::instant_text, text, v1};

/// A milestone of a plan. Its counts of tasks are left out: they follow from its tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MilestoneRecord {
    /// The milestone.
    pub id: Uuid,
    /// Its deal.
    pub deal_id: Uuid,
    /// The template's key.
    pub key: Option<String>,
    /// What it is called.
    pub title: String,
    /// What it is called to the client.
    pub buyer_title: Option<String>,
    /// Its place, for reading.
    pub position: i32,
    /// When its last task was done.
    #[serde(with = "text::instant::option")]
    pub completed_at: Option<OffsetDateTime>,
    /// Counts its completions and reopenings; 0 when it comes with its plan.
    pub version: i64,
}

impl MilestoneRecord {
    /// What is published of it.
    pub fn event(&self) -> v1::MilestoneEvent {
        v1::MilestoneEvent {
            milestone_id: self.id.to_string(),
            deal_id: self.deal_id.to_string(),
            key: self.key.clone().unwrap_or_default(),
            title: self.title.clone(),
            buyer_title: self.buyer_title.clone(),
            position: number(self.position),
            completed: self.completed_at.is_some(),
            version: version(self.version),
            completed_at: self.completed_at.map(instant_text),
        }
    }
}
