//! Adds a party to a deal, and with it the party's login to those who see the deal (`ctx.follow_party`).

use domain::party::{PartyRole, require_room};
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use super::lock_to_steer;
use crate::{
    history,
    repository::{
        deals::{self, SeenDeal},
        parties::{self, Party},
    },
};

/// What is written of a party, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PartyFields {
    pub(crate) role: PartyRole,
    pub(crate) name: String,
    pub(crate) email: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) company: Option<String>,
    pub(crate) user_id: Option<Uuid>,
    pub(crate) buyer_contact: bool,
}

pub(crate) async fn run(
    tx: &mut Tx,
    deal_id: Uuid,
    fields: &PartyFields,
) -> Result<(SeenDeal, Party)> {
    let seen = lock_to_steer(tx, deal_id).await?;
    seen.deal.status.require_open()?;
    require_room(parties::count(tx, deal_id).await?)?;
    let party = insert(tx, deal_id, fields, "userId").await?;
    deals::touch_summary(tx, deal_id).await?;
    Ok((seen, party))
}

/// Writes a party of a deal that this session created or locked. `field` names the user in refusals.
pub(super) async fn insert(
    tx: &mut Tx,
    deal_id: Uuid,
    fields: &PartyFields,
    field: &str,
) -> Result<Party> {
    parties::require_user(tx, fields.user_id, field).await?;
    let party = Party {
        id: tx.new_id(),
        deal_id,
        role: fields.role,
        name: fields.name.clone(),
        email: fields.email.clone(),
        phone: fields.phone.clone(),
        company: fields.company.clone(),
        user_id: fields.user_id,
        buyer_contact: fields.buyer_contact,
        version: 1,
    };
    parties::insert(tx, &party, field).await?;
    tx.emit(history::party_added(&party));
    Ok(party)
}
