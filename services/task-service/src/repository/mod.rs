//! Rows and the aggregates that they hold: the only place with SQL that writes.
//!
//! Every statement names the organization beside the row policies, takes bound parameters only, and serves
//! any number of rows at once. What may be done is not decided here.

pub(crate) mod chases;
pub(crate) mod comments;
pub(crate) mod deals;
pub(crate) mod dependencies;
pub(crate) mod handling;
pub(crate) mod holidays;
pub(crate) mod key_dates;
pub(crate) mod leaving;
pub(crate) mod milestones;
pub(crate) mod people;
pub(crate) mod plans;
pub(crate) mod task_row;
pub(crate) mod tasks;
pub(crate) mod templates;

use contracts::records::DueRule;
use domain::template::Rule;
use platform::error::Result;
use serde_json::Value;

/// A due rule as it is stored.
fn rule(stored: Value) -> Result<Rule> {
    let rule: DueRule = serde_json::from_value(stored).map_err(anyhow::Error::from)?;
    Ok(rule.restore().map_err(anyhow::Error::from)?)
}
