//! One notice to the people of a deal, once each.

use std::collections::BTreeSet;

use domain::permission::Role;
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    notices::{NoticeKind, NoticeParams},
    repository::{
        notifications::{self, NewNotification},
        preferences, users,
    },
};

/// The parts whose holders are the client.
const CLIENT_PARTS: [&str; 3] = ["buyer", "borrower", "client"];
/// The part of a coordinator.
const COORDINATOR_PART: &str = "transaction_coordinator";

/// Who gets the notice.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub enum Audience {
    /// One user.
    #[serde(rename = "user")]
    User(Uuid),
    /// The deal's coordinators; its creator where it has none, and the administrators where that is nobody to ask.
    #[serde(rename = "COORDINATORS")]
    Coordinators,
    /// The organization's administrators.
    #[serde(rename = "ADMINS")]
    Admins,
    /// Everybody with a part in the deal and a login.
    #[serde(rename = "PARTIES")]
    Parties,
    /// Those with this part; the coordinators where nobody has it. Never a client.
    #[serde(rename = "part")]
    Part(String),
    /// The clients among them.
    #[serde(rename = "BUYERS")]
    Buyers,
    /// Who created the deal.
    #[serde(rename = "CREATOR")]
    Creator,
}

/// A notice and its recipients.
#[derive(Clone, Debug)]
pub struct Notify {
    /// The kind of occasion.
    pub kind: NoticeKind,
    /// The deal.
    pub deal_id: Uuid,
    /// The task, where it is about one.
    pub task_id: Option<Uuid>,
    /// Who gets the notice.
    pub audience: Vec<Audience>,
    /// Names the occasion.
    pub dedupe_key: String,
    /// What it is about.
    pub params: NoticeParams,
}

/// An active user who may have to do with the deal.
#[derive(Clone, Debug, FromQueryResult)]
struct Candidate {
    user_id: Uuid,
    role: String,
    is_creator: bool,
    party_roles: Vec<String>,
}

/// Stores a notification for each recipient who does not have it yet, by the channels of their preferences.
pub async fn run(tx: &mut Tx, command: &Notify) -> Result<Vec<Uuid>> {
    let candidates = candidates(tx, command).await?;
    let params = NoticeParams {
        person_name: person_name(tx, command.params.person_id).await?,
        ..command.params.clone()
    };
    let clients: BTreeSet<Uuid> = candidates
        .iter()
        .filter(|candidate| is_client(candidate))
        .map(|candidate| candidate.user_id)
        .collect();
    let mut stored = Vec::new();
    for user_id in recipients(&command.audience, &candidates) {
        let choice = preferences::of(tx, user_id).await?.choice(command.kind);
        let notice = NewNotification {
            user_id,
            kind: command.kind,
            deal_id: Some(command.deal_id),
            task_id: command.task_id,
            dedupe_key: command.dedupe_key.clone(),
            params: if clients.contains(&user_id) {
                params.for_client()
            } else {
                params.clone()
            },
            in_app: choice.in_app,
            email: choice.email,
        };
        stored.extend(notifications::insert(tx, notice).await?);
    }
    Ok(stored)
}

async fn person_name(tx: &Tx, id: Option<Uuid>) -> Result<Option<String>> {
    let Some(id) = id else {
        return Ok(None);
    };
    let person = users::find(tx, id).await?;
    Ok(person.map(|person| person.full_name))
}

/// Who may get the notice. A named user who no longer sees the deal is no candidate.
async fn candidates(tx: &Tx, command: &Notify) -> Result<Vec<Candidate>> {
    let named: Vec<Uuid> = command
        .audience
        .iter()
        .filter_map(|audience| {
            if let Audience::User(id) = audience {
                Some(*id)
            } else {
                None
            }
        })
        .collect();
    tx.all(
        "SELECT u.id AS user_id, u.role, coalesce(a.is_creator, false) AS is_creator,
                coalesce(a.party_roles, '{}') AS party_roles
           FROM users u LEFT JOIN ctx.deal_access a
             ON a.organization_id = u.organization_id AND a.deal_id = $2 AND a.user_id = u.id
          WHERE u.organization_id = $1 AND u.status = 'ACTIVE' AND u.role <> 'SYSTEM'
            AND (a.user_id IS NOT NULL OR u.role = 'ADMIN'
              OR (u.id = ANY($3) AND ($2::uuid IS NULL OR ctx.may_be_assigned(u.id, $2))))",
        [
            tx.actor().organization_id.into(),
            command.deal_id.into(),
            named.into(),
        ],
    )
    .await
}

fn is_client(candidate: &Candidate) -> bool {
    candidate.role == Role::Buyer.as_str()
}

/// Which candidates get the notice, each once, in a fixed order.
fn recipients(audience: &[Audience], candidates: &[Candidate]) -> BTreeSet<Uuid> {
    let all = |is_told: &dyn Fn(&Candidate) -> bool| -> BTreeSet<Uuid> {
        candidates
            .iter()
            .filter(|candidate| is_told(candidate))
            .map(|candidate| candidate.user_id)
            .collect()
    };
    let has_part = |candidate: &Candidate, parts: &[&str]| {
        candidate
            .party_roles
            .iter()
            .any(|part| parts.contains(&part.as_str()))
    };
    // Notices for coordinators may say what clients may not see.
    let coordinates = |candidate: &Candidate| {
        let takes_part = candidate.is_creator || !candidate.party_roles.is_empty();
        !is_client(candidate)
            && (has_part(candidate, &[COORDINATOR_PART])
                || (takes_part && candidate.role == Role::TransactionCoordinator.as_str()))
    };
    let coordinators = || {
        [
            all(&coordinates),
            all(&|candidate| candidate.is_creator && !is_client(candidate)),
            all(&|candidate| candidate.role == Role::Admin.as_str()),
        ]
        .into_iter()
        .find(|people| !people.is_empty())
        .unwrap_or_default()
    };
    audience
        .iter()
        .flat_map(|audience| match audience {
            Audience::User(id) => all(&|candidate| candidate.user_id == *id),
            Audience::Admins => all(&|candidate| candidate.role == Role::Admin.as_str()),
            Audience::Parties => all(&|candidate| !candidate.party_roles.is_empty()),
            Audience::Buyers => all(&|candidate| has_part(candidate, &CLIENT_PARTS)),
            Audience::Creator => all(&|candidate| candidate.is_creator),
            Audience::Part(part) => {
                let people = all(&|candidate| {
                    !is_client(candidate) && has_part(candidate, &[part.as_str()])
                });
                if people.is_empty() {
                    coordinators()
                } else {
                    people
                }
            }
            Audience::Coordinators => coordinators(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(id: u128, role: Role, is_creator: bool, parts: &[&str]) -> Candidate {
        Candidate {
            user_id: Uuid::from_u128(id),
            role: role.as_str().to_owned(),
            is_creator,
            party_roles: parts.iter().map(|part| (*part).to_owned()).collect(),
        }
    }

    fn told(audience: &[Audience], candidates: &[Candidate]) -> Vec<u128> {
        recipients(audience, candidates)
            .iter()
            .map(Uuid::as_u128)
            .collect()
    }

    #[test]
    fn everybody_is_told_once_by_part_and_role() {
        let people = [
            candidate(1, Role::Admin, false, &[]),
            candidate(2, Role::BuyerAgent, true, &["buyer_agent"]),
            candidate(
                3,
                Role::TransactionCoordinator,
                false,
                &["transaction_coordinator"],
            ),
            candidate(4, Role::Buyer, false, &["buyer"]),
            candidate(5, Role::BuyerAgent, false, &[]),
        ];
        let agent = Audience::Part("buyer_agent".to_owned());
        let broker = Audience::Part("broker".to_owned());
        let buyer = Audience::Part("buyer".to_owned());
        let cases: [(&[Audience], &[u128], &str); 11] = [
            (&[agent], &[2], "whoever has the part"),
            (&[broker], &[3], "nobody has it: the coordinator"),
            (&[buyer], &[3], "never a client"),
            (&[Audience::Parties], &[2, 3, 4], "whoever has a part"),
            (&[Audience::Buyers], &[4], "clients only"),
            (
                &[Audience::Coordinators],
                &[3],
                "the coordinator, not the creator",
            ),
            (&[Audience::Admins], &[1], "administrators without a part"),
            (
                &[Audience::Creator, Audience::Parties],
                &[2, 3, 4],
                "nobody twice",
            ),
            (
                &[Audience::User(Uuid::from_u128(5))],
                &[5],
                "a named user without a part",
            ),
            (
                &[Audience::User(Uuid::from_u128(9))],
                &[],
                "a user who is not active",
            ),
            (&[], &[], "nobody"),
        ];
        for (audience, expected, reason) in cases {
            assert_eq!(told(audience, &people), expected, "{reason}");
        }
    }

    #[test]
    fn without_a_coordinator_the_creator_is_told() {
        let people = [
            candidate(2, Role::BuyerAgent, true, &["buyer_agent"]),
            candidate(4, Role::Buyer, false, &["buyer"]),
        ];
        assert_eq!(told(&[Audience::Coordinators], &people), [2]);
    }

    #[test]
    fn without_coordinator_or_creator_the_administrators_are_told_and_never_a_buyer() {
        let people = [
            candidate(1, Role::Admin, false, &[]),
            candidate(4, Role::Buyer, true, &["buyer", "transaction_coordinator"]),
            candidate(5, Role::BuyerAgent, false, &["buyer_agent"]),
        ];
        assert_eq!(told(&[Audience::Coordinators], &people), [1]);
    }

    #[test]
    fn audiences_are_read_as_the_worker_writes_them() {
        let id = Uuid::from_u128(7);
        let text = serde_json::json!([
            { "user": id }, "COORDINATORS", "ADMINS", "PARTIES", "BUYERS", "CREATOR", { "part": "broker" }
        ]);
        let audience: Vec<Audience> = serde_json::from_value(text).unwrap();
        assert_eq!(audience.first(), Some(&Audience::User(id)));
        assert_eq!(audience.len(), 7);
    }
}
