//! Whether facts are such that the conditions of a template can ask about them. Writes nothing.

use domain::rejection::Rejection;
use platform::{db::Tx, error::Result, http::Body};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    planning::{facts_of, require_known_facts, spelled},
    repository::templates,
};

/// Facts to be written of a deal.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CheckFacts {
    /// The version of a template that the deal was made from.
    template_id: Uuid,
    facts: Map<String, Value>,
}

impl Body for CheckFacts {}

/// Facts as they are to be stored.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CheckedFacts {
    facts: Map<String, Value>,
}

/// Checks them, and answers them as the template writes them. Rejections: of `facts.<name>`, and `NOT_FOUND` for a
/// template that the caller does not see.
pub(crate) async fn run(tx: &Tx, query: &CheckFacts) -> Result<CheckedFacts> {
    let stored = templates::find(tx, query.template_id).await?;
    let stored = stored.ok_or(Rejection::NotFound)?;
    let facts = facts_of(&query.facts)?;
    let template = stored.parsed(tx).await?;
    require_known_facts(&template, &facts)?;
    Ok(CheckedFacts {
        facts: spelled(&query.facts, &template.spelled(&facts)),
    })
}
