//! The acting user chooses how to be notified.

use std::collections::BTreeMap;

use platform::{db::Tx, error::Result, http::ExpectedVersion};

use crate::repository::preferences::{self, Choice, Preferences};

/// Stores the choices; only what departs from the default is kept.
///
/// # Errors
/// A stale version.
pub async fn run(
    tx: &mut Tx,
    expected: ExpectedVersion,
    choices: BTreeMap<String, Choice>,
) -> Result<Preferences> {
    let before = preferences::lock_own(tx).await?;
    expected.check(before.version)?;
    let departures: BTreeMap<_, _> = choices
        .into_iter()
        .filter(|(_, choice)| *choice != Choice::DEFAULT)
        .collect();
    if departures == before.choices {
        return Ok(before);
    }
    preferences::store(tx, &before, departures).await
}
