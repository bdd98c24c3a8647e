//! Plans: from which template, with which facts, and what became of it.

use domain::deal::PlanState;
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use serde_json::Value;
use uuid::Uuid;

use super::tasks::require_all;

/// A deal's plan.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) id: Uuid,
    pub(crate) deal_id: Uuid,
    /// The version of a template that it was made from; none for a deal without a template.
    pub(crate) template: Option<TemplateRef>,
    /// What is known about the deal. Confidential.
    pub(crate) facts: Value,
    /// The version of the deal that the facts are from.
    pub(crate) deal_version: i64,
    pub(crate) state: PlanState,
    /// Why it could not be made.
    pub(crate) failure: Option<String>,
    pub(crate) version: i64,
}

/// One version of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateRef {
    pub(crate) id: Uuid,
    pub(crate) key: String,
    pub(crate) version: i32,
}

#[derive(FromQueryResult)]
struct PlanRow {
    id: Uuid,
    deal_id: Uuid,
    template_id: Option<Uuid>,
    template_key: Option<String>,
    template_version: Option<i32>,
    facts: Value,
    deal_version: i64,
    state: String,
    failure: Option<String>,
    version: i64,
}

impl PlanRow {
    fn restore(self) -> Result<Plan> {
        let state = PlanState::parse(&self.state)
            .ok_or_else(|| anyhow::anyhow!("plan {} has the state {}", self.id, self.state))?;
        let template = match (self.template_id, self.template_key, self.template_version) {
            (Some(id), Some(key), Some(version)) => Some(TemplateRef { id, key, version }),
            _ => None,
        };
        Ok(Plan {
            id: self.id,
            deal_id: self.deal_id,
            template,
            facts: self.facts,
            deal_version: self.deal_version,
            state,
            failure: self.failure,
            version: self.version,
        })
    }
}

/// The plan of a deal, if there is one that the caller may see.
pub(crate) async fn of_deal(tx: &Tx, deal_id: Uuid) -> Result<Option<Plan>> {
    let row: Option<PlanRow> = tx
        .first(
            "SELECT id, deal_id, template_id, template_key, template_version, facts, deal_version, state, failure, version
               FROM plans WHERE organization_id = $1 AND deal_id = $2",
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    row.map(PlanRow::restore).transpose()
}

/// Writes a plan, new or changed. The deal is locked exclusively.
pub(crate) async fn save(tx: &Tx, plan: &Plan) -> Result<()> {
    let template = plan.template.as_ref();
    let saved = tx
        .run(
            "INSERT INTO plans (id, organization_id, deal_id, template_id, template_key, template_version, facts,
                    deal_version, state, failure, version)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             ON CONFLICT (organization_id, deal_id) DO UPDATE
                SET template_id = excluded.template_id, template_key = excluded.template_key,
                    template_version = excluded.template_version, facts = excluded.facts,
                    deal_version = excluded.deal_version, state = excluded.state, failure = excluded.failure, version = excluded.version
              WHERE plans.version = excluded.version - 1",
            [
                plan.id.into(),
                tx.actor().organization_id.into(),
                plan.deal_id.into(),
                template.map(|template| template.id).into(),
                template.map(|template| template.key.clone()).into(),
                template.map(|template| template.version).into(),
                plan.facts.clone().into(),
                plan.deal_version.into(),
                plan.state.as_str().into(),
                plan.failure.clone().into(),
                plan.version.into(),
            ],
        )
        .await?;
    require_all(saved, 1)
}

/// Notes that a later version of the deal has the same facts. That is no change of the plan.
pub(crate) async fn note_deal_version(tx: &Tx, plan: &Plan, deal_version: i64) -> Result<()> {
    let noted = tx
        .run(
            "UPDATE plans SET deal_version = $3 WHERE organization_id = $1 AND id = $2 AND deal_version < $3",
            [
                tx.actor().organization_id.into(),
                plan.id.into(),
                deal_version.into(),
            ],
        )
        .await?;
    require_all(noted, 1)
}
