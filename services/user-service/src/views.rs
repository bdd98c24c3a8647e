//! What clients are shown of users and organizations.

use std::collections::BTreeMap;

use contracts::field::instant_text;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    holidays::HolidayCalendar,
    repository::{organizations::Organization, users::User},
};

/// A user, as shown to themselves and to those who manage users.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserView {
    /// The user's id.
    pub id: Uuid,
    /// The user's organization.
    pub organization_id: Uuid,
    /// The address the user signs in with.
    #[schema(example = "coordinator@brokerage.example")]
    pub email: String,
    /// The user's name.
    pub full_name: String,
    /// BUYER, BUYER_AGENT, TRANSACTION_COORDINATOR or ADMIN.
    #[schema(example = "TRANSACTION_COORDINATOR")]
    pub role: String,
    /// INVITED, ACTIVE or DISABLED.
    #[schema(example = "ACTIVE")]
    pub status: String,
    /// When the user signed up or was invited.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// 1 at creation, plus 1 at each change.
    pub version: i64,
}

/// A user, as shown to everybody else in the organization.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ColleagueView {
    /// The user's id.
    pub id: Uuid,
    /// The user's name.
    pub full_name: String,
    /// BUYER, BUYER_AGENT, TRANSACTION_COORDINATOR or ADMIN.
    #[schema(example = "BUYER_AGENT")]
    pub role: String,
}

/// A user, as much as the caller may see.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum AnyUserView {
    /// For those who manage users.
    Whole(UserView),
    /// For everybody else.
    Colleague(ColleagueView),
}

/// An organization.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationView {
    /// Its id.
    pub id: Uuid,
    /// What it is called.
    #[schema(example = "Harbour Realty")]
    pub name: String,
    /// IANA name.
    #[schema(example = "America/New_York")]
    pub timezone: String,
    /// Its own business holidays, beside the federal ones.
    pub holiday_calendar: Option<HolidayCalendar>,
    /// What roles may do beyond the default.
    pub role_grants: BTreeMap<String, Vec<String>>,
    /// 1 at creation, plus 1 at each change.
    pub version: i64,
}

impl From<&User> for UserView {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            organization_id: user.organization_id,
            email: user.email.clone(),
            full_name: user.full_name.clone(),
            role: user.role.as_str().to_owned(),
            status: user.status.as_str().to_owned(),
            created_at: instant_text(user.created_at()),
            version: user.version,
        }
    }
}

impl From<&User> for ColleagueView {
    fn from(user: &User) -> Self {
        Self {
            id: user.id,
            full_name: user.full_name.clone(),
            role: user.role.as_str().to_owned(),
        }
    }
}

impl OrganizationView {
    /// The view of a stored organization.
    pub fn of(organization: &Organization) -> platform::error::Result<Self> {
        Ok(Self {
            id: organization.id,
            name: organization.name.clone(),
            timezone: organization.time_zone.clone(),
            holiday_calendar: HolidayCalendar::restore(organization.holiday_calendar.clone())?,
            role_grants: organization.role_grants.clone(),
            version: organization.version,
        })
    }
}
