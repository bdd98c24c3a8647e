//! ON_HOLD → ACTIVE: deadlines run again, moved by the days held or as they were.

use anyhow::Context as _;
use domain::zone::Zone;
use platform::{db::Tx, error::Result};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{lock_to_steer, status};
use crate::{
    history::Shift,
    repository::deals::{self, Deal, SeenDeal},
};

/// What becomes of due dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DueDates {
    /// They stay as they were.
    Keep,
    /// They move by the days held.
    Shift,
}

pub(crate) async fn run(tx: &mut Tx, id: Uuid, due_dates: DueDates) -> Result<SeenDeal> {
    let seen = lock_to_steer(tx, id).await?;
    let step = seen.deal.status.resume()?;
    let shift = Shift {
        shift_due_dates: due_dates == DueDates::Shift,
        held_days: held_days(&seen.deal, tx.now())?,
    };
    if shift.shift_due_dates && shift.held_days > 0 {
        deals::wait_for_due_dates(tx, &seen.deal).await?;
    }
    status::take(tx, seen, step, Some(shift)).await
}

/// Calendar days held, in the deal's zone.
fn held_days(deal: &Deal, now: OffsetDateTime) -> Result<u32> {
    let zone = Zone::parse(&deal.time_zone).context("a deal's time zone")?;
    let Some(held_since) = deal.held_since else {
        return Ok(0);
    };
    let days = (zone.local_date(now) - zone.local_date(held_since)).whole_days();
    Ok(u32::try_from(days).unwrap_or(0))
}
