//! Removes a party from a deal. Its login loses sight of the deal, unless it plays another part or created it.

use platform::{db::Tx, error::Result, http::conditional::ExpectedVersion};
use uuid::Uuid;

use super::lock_to_steer;
use crate::{
    history,
    repository::{
        deals,
        parties::{self, Party},
    },
};

pub(crate) async fn run(
    tx: &mut Tx,
    deal_id: Uuid,
    party_id: Uuid,
    expected: ExpectedVersion,
) -> Result<()> {
    let seen = lock_to_steer(tx, deal_id).await?;
    let before = parties::get(tx, deal_id, party_id).await?;
    expected.check(before.version)?;
    seen.deal.status.require_open()?;
    let after = Party {
        version: before.version + 1,
        ..before.clone()
    };
    parties::mark_removed(tx, &after).await?;
    deals::touch_summary(tx, deal_id).await?;
    tx.emit(history::party_removed(&before, &after));
    Ok(())
}
