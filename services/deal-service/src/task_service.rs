//! What this service asks of task-service, with the caller's own token and never inside a transaction.

use std::collections::BTreeMap;

use contracts::field::date_text;
use platform::{client::ServiceClient, error::Result, http::Caller};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::Date;
use utoipa::openapi::{Array, Ref};
use uuid::Uuid;

/// The plan that a template would make. Asking validates template, facts and dates.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanPreview {
    pub(crate) template_id: Uuid,
    pub(crate) template_key: String,
    /// The facts as the template writes them.
    pub(crate) facts: Map<String, Value>,
    /// Required anchors that have no date.
    pub(crate) missing_anchors: Vec<String>,
    /// As task-service computed and describes them, like what follows.
    pub(crate) key_dates: Value,
    pub(crate) milestones: Value,
    pub(crate) dropped: Value,
    pub(crate) violations: Value,
}

/// Key dates, as task-service describes them in the one document of the API.
pub(crate) fn key_dates_schema() -> Array {
    list_of("KeyDate")
}

/// As [`key_dates_schema`], for a plan's milestones.
pub(crate) fn milestones_schema() -> Array {
    list_of("PlanMilestone")
}

/// As [`key_dates_schema`], for what does not fit together.
pub(crate) fn violations_schema() -> Array {
    list_of("Violation")
}

fn list_of(schema: &str) -> Array {
    Array::new(Ref::from_schema_name(schema))
}

/// The deal that a plan is asked for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DealToPlan<'a> {
    pub(crate) template_key: &'a str,
    /// The type of a new deal, which must be the template's; a deal that is there keeps its template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deal_type: Option<&'static str>,
    pub(crate) facts: &'a Map<String, Value>,
    pub(crate) key_dates: BTreeMap<&'a str, String>,
    /// IANA name; the organization's where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_zone: Option<&'a str>,
    /// Its parties in their order: who has a login gets the tasks of its part.
    pub(crate) parties: Vec<PartyToPlan<'a>>,
}

/// A party of the deal that a plan is asked for.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PartyToPlan<'a> {
    pub(crate) role: &'a str,
    pub(crate) user_id: Option<Uuid>,
}

/// Key dates as they are sent.
pub(crate) fn dates_to_plan(key_dates: &BTreeMap<String, Date>) -> BTreeMap<&str, String> {
    key_dates
        .iter()
        .map(|(key, date)| (key.as_str(), date_text(*date)))
        .collect()
}

/// Asks for the plan. Refused as task-service refuses: `templateKey`, `facts.<key>` or `keyDates.<key>`.
pub(crate) async fn preview(
    tasks: &ServiceClient,
    caller: &Caller,
    deal: &DealToPlan<'_>,
) -> Result<PlanPreview> {
    let preview = tasks
        .for_caller(caller)
        .post("/internal/plans/preview", deal)
        .await?;
    Ok(preview)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FactsBody<'a> {
    template_id: Uuid,
    facts: &'a Map<String, Value>,
}

#[derive(Deserialize)]
struct CheckedFacts {
    facts: Map<String, Value>,
}

/// Asks whether these facts may be written of a deal that was made from this template, and how it writes them. Refused as
/// task-service refuses: `facts.<key>`.
pub(crate) async fn check_facts(
    tasks: &ServiceClient,
    caller: &Caller,
    template_id: Uuid,
    facts: &Map<String, Value>,
) -> Result<Map<String, Value>> {
    let body = FactsBody { template_id, facts };
    let calls = tasks.for_caller(caller);
    let checked: CheckedFacts = calls.post("/internal/plans/check-facts", &body).await?;
    Ok(checked.facts)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RequiredAnchors {
    required_anchors: Vec<String>,
}

/// The keys of the dates without which no deal of this template version becomes active.
pub(crate) async fn required_anchors(
    tasks: &ServiceClient,
    caller: &Caller,
    template_id: Uuid,
) -> Result<Vec<String>> {
    let path = format!("/internal/templates/{template_id}/required-anchors");
    let answer: RequiredAnchors = tasks.for_caller(caller).get(&path).await?;
    Ok(answer.required_anchors)
}
