//! Changes a party. When its login changes, the one user loses sight of the deal and the other gains it.

use platform::{db::Tx, error::Result, http::conditional::ExpectedVersion};
use uuid::Uuid;

use super::{add_party::PartyFields, lock_to_steer};
use crate::{
    history,
    repository::{
        deals::{self, SeenDeal},
        parties::{self, Party},
    },
};

/// `change` makes the new fields from the present ones: a replacement, or a patch.
pub(crate) async fn run(
    tx: &mut Tx,
    deal_id: Uuid,
    party_id: Uuid,
    expected: ExpectedVersion,
    change: impl Fn(&Party) -> Result<PartyFields>,
) -> Result<(SeenDeal, Party)> {
    let seen = lock_to_steer(tx, deal_id).await?;
    let before = parties::get(tx, deal_id, party_id).await?;
    expected.check(before.version)?;
    seen.deal.status.require_open()?;
    let fields = change(&before)?;
    if fields.user_id != before.user_id {
        parties::require_user(tx, fields.user_id, "userId").await?;
    }
    let after = Party {
        id: before.id,
        deal_id,
        role: fields.role,
        name: fields.name,
        email: fields.email,
        phone: fields.phone,
        company: fields.company,
        user_id: fields.user_id,
        buyer_contact: fields.buyer_contact,
        version: before.version,
    };
    if after == before {
        return Ok((seen, before));
    }
    let after = Party {
        version: before.version + 1,
        ..after
    };
    parties::update(tx, &after).await?;
    deals::touch_summary(tx, deal_id).await?;
    tx.emit(history::party_updated(&before, &after));
    Ok((seen, after))
}
