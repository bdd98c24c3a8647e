//! Writing the dates of a plan, and everything that followed with them.

use domain::cascade::Settled;
use platform::{db::Tx, error::Result};

use super::batch::{Batch, Done};
use crate::{
    events,
    planning::Ground,
    repository::{
        deals::Deal,
        key_dates::{self, KeyDates},
    },
};

/// Writes a settled plan that was computed from `ground`, whose tasks are locked: its key dates, then its tasks together
/// with those that `batch` holds already. Answers the key dates as they are now.
pub(super) async fn write<'a>(
    tx: &mut Tx,
    deal: &'a Deal,
    ground: &Ground,
    settled: Settled,
    mut batch: Batch<'a>,
    reason: &'a str,
) -> Result<(KeyDates, Done)> {
    let mut key_dates = ground.key_dates_after(&settled);
    if !ground.is_stored {
        key_dates::save(tx, &key_dates).await?;
        events::emit_key_dates(tx, &deal.zone, None, &key_dates, Some(reason))?;
    } else if key_dates != ground.key_dates {
        key_dates.version += 1;
        key_dates::save(tx, &key_dates).await?;
        let before = Some(&ground.key_dates);
        events::emit_key_dates(tx, &deal.zone, before, &key_dates, Some(reason))?;
    }
    for step in settled.steps {
        batch.add(step, Some(reason));
    }
    let done = batch.save(tx).await?;
    Ok((key_dates, done))
}

/// Stores the key dates that a deal was given at its creation, if they are not stored yet.
pub(super) async fn store_given(tx: &mut Tx, deal: &Deal, ground: &mut Ground) -> Result<()> {
    if !ground.is_stored {
        key_dates::save(tx, &ground.key_dates).await?;
        events::emit_key_dates(tx, &deal.zone, None, &ground.key_dates, None)?;
        ground.is_stored = true;
    }
    Ok(())
}
