//! Deletes a draft. Its history stays.

use platform::{db::Tx, error::Result, http::conditional::ExpectedVersion};
use uuid::Uuid;

use super::lock_to_steer;
use crate::{
    history,
    repository::deals::{self, Deal},
};

pub(crate) async fn run(tx: &mut Tx, id: Uuid, expected: ExpectedVersion) -> Result<()> {
    let before = lock_to_steer(tx, id).await?.deal;
    expected.check(before.version)?;
    before.status.delete()?;
    let after = Deal {
        version: before.version + 1,
        ..before.clone()
    };
    deals::mark_deleted(tx, &after).await?;
    tx.emit(history::deal_deleted(&before, &after));
    Ok(())
}
