//! DRAFT → ACTIVE, once every date that the deal's template requires is there.

use std::collections::HashSet;

use anyhow::Context as _;
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::{lock_to_steer, status};
use crate::repository::deals::{Deal, SeenDeal};

/// `required_anchors` are the dates that the deal's own template version requires. Whether they are set is read under
/// the deal's lock, as closing reads its tasks: a date that was just cleared is missing.
pub(crate) async fn run(tx: &mut Tx, id: Uuid, required_anchors: &[String]) -> Result<SeenDeal> {
    let seen = lock_to_steer(tx, id).await?;
    let missing = missing(tx, &seen.deal, required_anchors).await?;
    let step = seen.deal.status.activate(&missing)?;
    status::take(tx, seen, step, None).await
}

#[derive(FromQueryResult)]
struct DatedKeys {
    is_stored: bool,
    keys: Vec<String>,
}

async fn missing(tx: &Tx, deal: &Deal, required: &[String]) -> Result<Vec<String>> {
    if required.is_empty() {
        return Ok(Vec::new());
    }
    let row: Option<DatedKeys> = tx
        .first(
            "SELECT is_stored, keys FROM ctx.dated_keys($1)",
            [deal.id.into()],
        )
        .await?;
    let row = row.context("ctx.dated_keys gave no row")?;
    // Until somebody moves them, the dates are those that the deal was created with.
    let dated: HashSet<&str> = if row.is_stored {
        row.keys.iter().map(String::as_str).collect()
    } else {
        deal.initial_key_dates.keys().map(String::as_str).collect()
    };
    let missing = required.iter().filter(|key| !dated.contains(key.as_str()));
    Ok(missing.cloned().collect())
}
