//! Parties: who takes part in a deal, with or without a login.

use anyhow::Context as _;
use domain::{party::PartyRole, rejection::Rejection};
use platform::{
    db::{Tx, is_violation},
    error::{Error, Result},
};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use uuid::Uuid;

/// A party as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) id: Uuid,
    pub(crate) deal_id: Uuid,
    pub(crate) role: PartyRole,
    pub(crate) name: String,
    /// Personal data.
    pub(crate) email: Option<String>,
    /// Personal data.
    pub(crate) phone: Option<String>,
    pub(crate) company: Option<String>,
    pub(crate) user_id: Option<Uuid>,
    /// Whether the buyer is meant to use its phone and e-mail.
    pub(crate) buyer_contact: bool,
    pub(crate) version: i64,
}

impl Party {
    /// The whole aggregate as the audit log keeps it.
    pub(crate) fn snapshot(&self) -> Value {
        json!({
            "id": self.id,
            "dealId": self.deal_id,
            "role": self.role.as_str(),
            "name": self.name,
            "email": self.email,
            "phone": self.phone,
            "company": self.company,
            "userId": self.user_id,
            "buyerContact": self.buyer_contact,
            "version": self.version,
        })
    }
}

#[derive(FromQueryResult)]
struct PartyRow {
    id: Uuid,
    deal_id: Uuid,
    role: String,
    name: String,
    email: Option<String>,
    phone: Option<String>,
    company: Option<String>,
    user_id: Option<Uuid>,
    buyer_contact: bool,
    version: i64,
}

impl PartyRow {
    fn restore(self) -> Result<Party> {
        let role = PartyRole::parse(&self.role).context("a party plays an unknown part")?;
        Ok(Party {
            id: self.id,
            deal_id: self.deal_id,
            role,
            name: self.name,
            email: self.email,
            phone: self.phone,
            company: self.company,
            user_id: self.user_id,
            buyer_contact: self.buyer_contact,
            version: self.version,
        })
    }
}

/// Every party of a deal that has not been removed, in the order they were added.
pub(crate) async fn all(tx: &Tx, deal_id: Uuid) -> Result<Vec<Party>> {
    let rows: Vec<PartyRow> = tx
        .all(
            "SELECT id, deal_id, role, name, email, phone, company, user_id, buyer_contact, version FROM parties
              WHERE organization_id = $1 AND deal_id = $2 AND removed_at IS NULL ORDER BY id",
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    rows.into_iter().map(PartyRow::restore).collect()
}

/// At most `limit` parties of a deal, in the order they were added, behind `after`.
pub(crate) async fn page(
    tx: &Tx,
    deal_id: Uuid,
    after: Option<Uuid>,
    limit: u64,
) -> Result<Vec<Party>> {
    let limit = i64::try_from(limit).map_err(anyhow::Error::from)?;
    let rows: Vec<PartyRow> = tx
        .all(
            "SELECT id, deal_id, role, name, email, phone, company, user_id, buyer_contact, version FROM parties
              WHERE organization_id = $1 AND deal_id = $2 AND removed_at IS NULL AND ($3::uuid IS NULL OR id > $3)
              ORDER BY id LIMIT $4",
            [
                tx.actor().organization_id.into(),
                deal_id.into(),
                after.into(),
                limit.into(),
            ],
        )
        .await?;
    rows.into_iter().map(PartyRow::restore).collect()
}

/// How many parties a deal has. The deal is locked.
pub(crate) async fn count(tx: &Tx, deal_id: Uuid) -> Result<usize> {
    #[derive(FromQueryResult)]
    struct Counted {
        parties: i64,
    }
    let row: Option<Counted> = tx
        .first(
            "SELECT count(*) AS parties FROM parties
              WHERE organization_id = $1 AND deal_id = $2 AND removed_at IS NULL",
            [tx.actor().organization_id.into(), deal_id.into()],
        )
        .await?;
    let counted = row.map_or(0, |row| row.parties);
    Ok(usize::try_from(counted).map_err(anyhow::Error::from)?)
}

/// One party of a deal, or 404.
pub(crate) async fn get(tx: &Tx, deal_id: Uuid, id: Uuid) -> Result<Party> {
    let row: Option<PartyRow> = tx
        .first(
            "SELECT id, deal_id, role, name, email, phone, company, user_id, buyer_contact, version FROM parties
              WHERE organization_id = $1 AND deal_id = $2 AND id = $3 AND removed_at IS NULL",
            [
                tx.actor().organization_id.into(),
                deal_id.into(),
                id.into(),
            ],
        )
        .await?;
    row.ok_or(Error::from(Rejection::NotFound))?.restore()
}

/// Writes a new party. A user who plays this part already is refused on `field`.
pub(crate) async fn insert(tx: &Tx, party: &Party, field: &str) -> Result<()> {
    tx.run(
        "INSERT INTO parties (id, organization_id, deal_id, role, name, email, phone, company, user_id, buyer_contact, version)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        [
            party.id.into(),
            tx.actor().organization_id.into(),
            party.deal_id.into(),
            party.role.as_str().into(),
            party.name.clone().into(),
            party.email.clone().into(),
            party.phone.clone().into(),
            party.company.clone().into(),
            party.user_id.into(),
            party.buyer_contact.into(),
            party.version.into(),
        ],
    )
    .await
    .map_err(|error| once_in_a_part(error, field))?;
    Ok(())
}

/// Writes the fields of a party whose deal is locked.
pub(crate) async fn update(tx: &Tx, party: &Party) -> Result<()> {
    tx.run(
        "UPDATE parties SET role = $4, name = $5, email = $6, phone = $7, company = $8, user_id = $9,
           buyer_contact = $10, version = $11
         WHERE organization_id = $1 AND deal_id = $2 AND id = $3",
        [
            tx.actor().organization_id.into(),
            party.deal_id.into(),
            party.id.into(),
            party.role.as_str().into(),
            party.name.clone().into(),
            party.email.clone().into(),
            party.phone.clone().into(),
            party.company.clone().into(),
            party.user_id.into(),
            party.buyer_contact.into(),
            party.version.into(),
        ],
    )
    .await
    .map_err(|error| once_in_a_part(error, "userId"))?;
    Ok(())
}

/// Removes a party from its deal. The row stays, as what its history refers to.
pub(crate) async fn mark_removed(tx: &Tx, party: &Party) -> Result<()> {
    tx.run(
        "UPDATE parties SET removed_at = clock_timestamp(), version = $4
         WHERE organization_id = $1 AND deal_id = $2 AND id = $3",
        [
            tx.actor().organization_id.into(),
            party.deal_id.into(),
            party.id.into(),
            party.version.into(),
        ],
    )
    .await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Known {
    known: bool,
}

/// Refuses a user that is not an active one of the organization; foreign and random ids alike.
pub(crate) async fn require_user(tx: &Tx, user_id: Option<Uuid>, field: &str) -> Result<()> {
    let Some(user_id) = user_id else {
        return Ok(());
    };
    let row: Option<Known> = tx
        .first("SELECT ctx.is_active_user($1) AS known", [user_id.into()])
        .await?;
    if row.is_some_and(|row| row.known) {
        Ok(())
    } else {
        Err(Rejection::UnknownReference {
            field: field.to_owned(),
        }
        .into())
    }
}

fn once_in_a_part(error: Error, field: &str) -> Error {
    if is_violation(&error, "parties_user_role_key") {
        Rejection::field(field, "unique", "this user plays this part already").into()
    } else {
        error
    }
}
