//! What people are called who have to do with a deal: nothing of them but names and parts.

use std::collections::BTreeMap;

use domain::{holdup::Holder, party::PartyRole};
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::services::PartyInput;

/// The names of a deal's parties, and of users.
#[derive(Clone, Debug)]
pub(crate) struct People {
    /// In the order in which they became parties.
    parties: Vec<Party>,
    /// Full names by the user's id.
    users: BTreeMap<Uuid, String>,
}

#[derive(Clone, Debug)]
struct Party {
    role: PartyRole,
    name: String,
    user_id: Option<Uuid>,
}

#[derive(FromQueryResult)]
struct PartyRow {
    role: String,
    name: String,
    user_id: Option<Uuid>,
}

#[derive(FromQueryResult)]
struct UserRow {
    id: Uuid,
    full_name: String,
}

/// Reads the parties of a deal that the caller sees, and the names of these users of the caller's organization.
pub(crate) async fn of_deal(tx: &Tx, deal_id: Uuid, users: Vec<Uuid>) -> Result<People> {
    let parties: Vec<PartyRow> = tx
        .all(
            "SELECT role, name, user_id FROM ctx.party_names($1)",
            [deal_id.into()],
        )
        .await?;
    let users: Vec<UserRow> = tx
        .all(
            "SELECT id, full_name FROM ctx.user_names($1)",
            [users.into()],
        )
        .await?;
    Ok(People {
        parties: parties
            .into_iter()
            .filter_map(|row| {
                Some(Party {
                    role: PartyRole::parse(&row.role)?,
                    name: row.name,
                    user_id: row.user_id,
                })
            })
            .collect(),
        users: users
            .into_iter()
            .map(|row| (row.id, row.full_name))
            .collect(),
    })
}

/// Who plays which part in a deal that the caller sees, in the order in which they became parties.
pub(crate) async fn parties(tx: &Tx, deal_id: Uuid) -> Result<Vec<PartyInput>> {
    let parties: Vec<PartyRow> = tx
        .all(
            "SELECT role, name, user_id FROM ctx.party_names($1)",
            [deal_id.into()],
        )
        .await?;
    let parties = parties.into_iter().map(|row| PartyInput {
        role: row.role,
        user_id: row.user_id,
    });
    Ok(parties.collect())
}

impl People {
    /// Who is to do a task: the assigned user, else the first party that plays the part which owns it, else that part. A
    /// party goes by its name in the deal, whether the task is assigned to it yet or not.
    pub(crate) fn holder(
        &self,
        assignee_id: Option<Uuid>,
        owner_role: Option<PartyRole>,
    ) -> Holder<'_> {
        if let Some((id, name)) = assignee_id.and_then(|id| self.users.get_key_value(&id)) {
            let party = self.party_of(*id, owner_role);
            return Holder::Person {
                name: party.map_or(name, |party| &party.name),
                role: party.map(|party| party.role),
            };
        }
        let Some(role) = owner_role else {
            return Holder::Nobody;
        };
        match self.parties.iter().find(|party| party.role == role) {
            Some(party) => Holder::Person {
                name: &party.name,
                role: Some(role),
            },
            None => Holder::Role(role),
        }
    }

    /// The party that a user is, of several the one with the wanted part.
    fn party_of(&self, user_id: Uuid, wanted: Option<PartyRole>) -> Option<&Party> {
        let is_user = |party: &&Party| party.user_id == Some(user_id);
        let mut wanted_ones = self.parties.iter().filter(is_user);
        wanted_ones
            .find(|party| Some(party.role) == wanted)
            .or_else(|| self.parties.iter().find(is_user))
    }
}
