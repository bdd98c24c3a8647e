//! What handlers and consumers work with: the database, and the other services.

use std::collections::BTreeMap;

use platform::{
    auth::ServiceKeys,
    client::{Errand, ServiceClient},
    db::{Db, PoolSize},
    error::Result,
    http::Cursors,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{SCHEMA, config::Config, repository::tasks};

/// The parts of a running task-service. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    pub(crate) db: Db,
    pub(crate) keys: ServiceKeys,
    pub(crate) cursors: Cursors,
    pub(crate) deal_service: ServiceClient,
}

/// What deal-service knows of a deal that a plan is made from. Confidential: it holds facts.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PlanInput {
    /// The version of the deal that all this is from.
    pub(crate) version: i64,
    pub(crate) template_id: Option<Uuid>,
    #[serde(default)]
    pub(crate) facts: Map<String, Value>,
    /// Dates given when the deal was created, `YYYY-MM-DD` by key.
    #[serde(default)]
    pub(crate) key_dates: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) parties: Vec<PartyInput>,
}

impl PlanInput {
    /// The dates that the deal was given, and nothing else.
    pub(crate) fn without_template(&self) -> Self {
        Self {
            template_id: None,
            facts: Map::new(),
            ..self.clone()
        }
    }
}

/// A party of the deal.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PartyInput {
    /// The part it plays, as in templates.
    pub(crate) role: String,
    /// Its login, if it has one.
    pub(crate) user_id: Option<Uuid>,
}

impl Services {
    /// Connects when something is first needed.
    pub(crate) fn connect(config: &Config) -> anyhow::Result<Self> {
        let db = Db::connect(&config.database_url, SCHEMA, PoolSize::Requests)?;
        Ok(Self {
            db: db.with_sights(tasks::SIGHTS),
            keys: config.service_keys.clone(),
            cursors: Cursors::new(&config.service_keys),
            deal_service: ServiceClient::new("deal-service", config.deal_service_url.as_str())?,
        })
    }

    /// Asks deal-service what a deal's plan is to be made from. Not inside a session.
    pub(crate) async fn plan_input(
        &self,
        organization_id: Uuid,
        deal_id: Uuid,
        request_id: Option<&str>,
    ) -> Result<PlanInput> {
        let errand = Errand {
            organization_id,
            on_behalf_of: None,
            request_id: request_id.map(str::to_owned),
        };
        let calls = self.deal_service.for_service(&self.keys, &errand)?;
        Ok(calls
            .get(&format!("/internal/deals/{deal_id}/plan-input"))
            .await?)
    }
}

impl PlanInput {
    /// For a deal without a template.
    pub(crate) fn nothing() -> Self {
        Self {
            version: 0,
            template_id: None,
            facts: Map::new(),
            key_dates: BTreeMap::new(),
            parties: Vec::new(),
        }
    }
}
