//! A new organization with its first administrator and its SYSTEM user.

use std::collections::BTreeMap;

use contracts::event::UserChange;
use domain::{email::EmailAddress, permission::Role};
use platform::{db::Tx, error::Result};

use super::{
    open_session::{self, Opened},
    verify_email,
};
use crate::appearance::Theme;
use crate::repository::{
    credentials,
    organizations::{self, Organization},
    users::{self, User, UserStatus},
};

/// What a founder enters.
#[derive(Clone, Debug)]
pub struct SignUp {
    /// What the organization is called.
    pub organization_name: String,
    /// IANA name of its time zone.
    pub time_zone: String,
    /// The founder's name.
    pub full_name: String,
    /// The founder's address.
    pub email: EmailAddress,
    /// The founder's password, hashed.
    pub password_hash: String,
    /// The founder's network, as HMAC.
    pub network: Vec<u8>,
    /// How the founder's client calls itself.
    pub client: Option<String>,
}

/// Founds the organization, has the founder's address verified by a mail, and signs the founder in.
///
/// # Errors
/// `EMAIL_TAKEN`.
pub async fn run(tx: &mut Tx, command: &SignUp) -> Result<Opened> {
    let organization = Organization {
        id: tx.new_id(),
        name: command.organization_name.clone(),
        time_zone: command.time_zone.clone(),
        holiday_calendar: None,
        role_grants: BTreeMap::new(),
        version: 1,
    };
    let user = User {
        id: tx.new_id(),
        organization_id: organization.id,
        email: command.email.as_written().to_owned(),
        email_key: command.email.normal().to_owned(),
        full_name: command.full_name.clone(),
        role: Role::Admin,
        status: UserStatus::Active,
        invited_until: None,
        joined_at: Some(tx.now()),
        locale: None,
        theme: Theme::default(),
        version: 1,
    };
    tx.enter_signup(organization.id, user.id).await?;
    organizations::insert(tx, &organization).await?;
    users::insert_system(tx).await?;
    users::insert(tx, &user, UserChange::Joined).await?;
    credentials::store(tx, &command.password_hash).await?;
    verify_email::ask(tx, &user).await?;
    open_session::start(tx, user, &command.network, command.client.as_deref()).await
}
