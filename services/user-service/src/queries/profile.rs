//! Who the caller is.

use domain::rejection::Rejection;
use platform::{db::Tx, error::Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    appearance::{Locale, Theme},
    repository::{email_verifications, organizations, users},
    views::{OrganizationView, UserView},
};

/// A user and the user's organization, as kept in the cache for an hour.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// The user.
    pub user: UserView,
    /// The user's organization.
    pub organization: OrganizationView,
    /// Whether mail is known to reach the user.
    pub email_verified: bool,
    /// The language that the user chose, if any.
    pub locale: Option<Locale>,
    /// The theme that the user chose; the device's unless they did.
    pub theme: Theme,
}

/// The caller's own profile.
pub async fn run(tx: &Tx) -> Result<Profile> {
    let user = users::find(tx, tx.actor().user_id)
        .await?
        .ok_or(Rejection::Unauthenticated)?;
    let organization = organizations::own(tx).await?;
    Ok(Profile {
        user: UserView::from(&user),
        organization: OrganizationView::of(&organization)?,
        email_verified: email_verifications::is_verified(tx, user.id).await?,
        locale: user.locale,
        theme: user.theme,
    })
}
