//! Parties as clients write them.

use domain::{party::PartyRole, rejection::Rejection};
use platform::http::{Body, Fields, openapi::words::PartyRoleWord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::unread;
use crate::{commands::add_party::PartyFields, repository::parties::Party};

/// A party of a deal: a person or a company, with or without a login.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PartyFields)]
pub(crate) struct PartyBody {
    /// The part it plays: `buyer`, `buyer_agent`, `lender` …
    #[schema(value_type = PartyRoleWord, example = "lender")]
    role: String,
    #[schema(max_length = 200)]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 254, format = "email")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 40)]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    company: Option<String>,
    /// The user who is this party.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Uuid>,
    /// Whether the buyer is meant to use its phone and e-mail; by default so for agents, coordinator, lender and title.
    #[serde(skip_serializing_if = "Option::is_none")]
    buyer_contact: Option<bool>,
}

impl Body for PartyBody {
    fn check(&self) -> Result<(), Rejection> {
        self.read().map(drop)
    }
}

impl PartyBody {
    /// Any valid party, to see whether a patch is wrong by itself.
    pub(crate) fn sample() -> Self {
        Self {
            role: PartyRole::Other.to_string(),
            name: "x".to_owned(),
            email: None,
            phone: None,
            company: None,
            user_id: None,
            buyer_contact: None,
        }
    }

    /// The fields of a party as they are, for a patch to change.
    pub(crate) fn of(party: &Party) -> Self {
        Self {
            role: party.role.to_string(),
            name: party.name.clone(),
            email: party.email.clone(),
            phone: party.phone.clone(),
            company: party.company.clone(),
            user_id: party.user_id,
            buyer_contact: Some(party.buyer_contact),
        }
    }

    pub(crate) fn read(&self) -> Result<PartyFields, Rejection> {
        let mut checked = Fields::new();
        checked
            .text("name", &self.name, 1..=200)
            .optional_text("phone", self.phone.as_deref(), 1..=40)
            .optional_text("company", self.company.as_deref(), 1..=200);
        if let Some(email) = &self.email {
            checked.email("email", email);
        }
        let role = PartyRole::parse(&self.role);
        if role.is_none() {
            let words: Vec<&str> = PartyRole::ALL.iter().map(|role| role.as_str()).collect();
            checked.one_of("role", &self.role, &words);
        }
        checked.finish()?;
        let role = role.ok_or_else(unread)?;
        let trimmed = |text: &Option<String>| text.as_deref().map(|text| text.trim().to_owned());
        Ok(PartyFields {
            role,
            name: self.name.trim().to_owned(),
            email: trimmed(&self.email),
            phone: trimmed(&self.phone),
            company: trimmed(&self.company),
            user_id: self.user_id,
            buyer_contact: self
                .buyer_contact
                .unwrap_or(role.is_buyer_contact_by_default()),
        })
    }
}

/// The body of PUT: the party's fields, and the version they are meant to replace unless `If-Match` says it.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutPartyBody {
    /// The part it plays: `buyer`, `buyer_agent`, `lender` …
    #[schema(value_type = PartyRoleWord, example = "lender")]
    role: String,
    #[schema(max_length = 200)]
    name: String,
    #[schema(max_length = 254, format = "email")]
    email: Option<String>,
    #[schema(max_length = 40)]
    phone: Option<String>,
    #[schema(max_length = 200)]
    company: Option<String>,
    /// The user who is this party.
    user_id: Option<Uuid>,
    /// Whether the buyer is meant to use its phone and e-mail; by default so for agents, coordinator, lender and title.
    buyer_contact: Option<bool>,
    /// The version that is replaced; `If-Match` may say it instead.
    pub(crate) version: Option<i64>,
}

impl Body for PutPartyBody {
    fn check(&self) -> Result<(), Rejection> {
        self.read().map(drop)
    }
}

impl PutPartyBody {
    pub(crate) fn read(&self) -> Result<PartyFields, Rejection> {
        PartyBody {
            role: self.role.clone(),
            name: self.name.clone(),
            email: self.email.clone(),
            phone: self.phone.clone(),
            company: self.company.clone(),
            user_id: self.user_id,
            buyer_contact: self.buyer_contact,
        }
        .read()
    }
}
