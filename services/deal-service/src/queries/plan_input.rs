//! What task-service makes a deal's plan from.

use platform::{db::Tx, error::Result};
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::repository::{
    deals::{self, dates_json},
    parties,
};

/// What a plan is made from. Between services only: it holds confidential facts.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanInput {
    deal_id: Uuid,
    /// The deal's version, to which all this belongs.
    version: i64,
    organization_id: Uuid,
    template_id: Option<Uuid>,
    template_key: Option<String>,
    facts: Map<String, Value>,
    /// Anchors as given at creation.
    key_dates: Value,
    time_zone: String,
    created_by: Uuid,
    status: &'static str,
    parties: Vec<PlanParty>,
}

/// A party, as far as tasks are assigned by it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlanParty {
    party_id: Uuid,
    role: &'static str,
    user_id: Option<Uuid>,
    name: String,
}

pub(crate) async fn run(tx: &Tx, deal_id: Uuid) -> Result<PlanInput> {
    let deal = deals::get(tx, deal_id).await?.deal;
    let parties = parties::all(tx, deal_id).await?;
    Ok(PlanInput {
        deal_id,
        version: deal.version,
        organization_id: deal.organization_id,
        template_id: deal.template.as_ref().map(|template| template.id),
        template_key: deal.template.map(|template| template.key),
        facts: deal.facts,
        key_dates: dates_json(&deal.initial_key_dates),
        time_zone: deal.time_zone,
        created_by: deal.created_by,
        status: deal.status.as_str(),
        parties: parties
            .into_iter()
            .map(|party| PlanParty {
                party_id: party.id,
                role: party.role.as_str(),
                user_id: party.user_id,
                name: party.name,
            })
            .collect(),
    })
}
