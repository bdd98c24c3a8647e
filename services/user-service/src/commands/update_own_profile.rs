//! A user's own name, language or theme changes.

use contracts::event::UserChange;
use domain::rejection::Rejection;
use platform::{db::Tx, error::Result, http::ExpectedVersion};

use crate::{
    appearance::{Locale, Theme},
    repository::users::{self, User},
};

/// What users say of themselves.
#[derive(Clone, Debug)]
pub struct OwnProfile {
    /// The user's name.
    pub full_name: String,
    /// The language, as the browser asks without.
    pub locale: Option<Locale>,
    /// The theme.
    pub theme: Theme,
}

/// Changes the acting user to what `decide` makes of the present one, and answers it.
///
/// # Errors
/// A stale version.
pub async fn run(
    tx: &mut Tx,
    expected: ExpectedVersion,
    decide: impl Fn(&User) -> Result<OwnProfile>,
) -> Result<User> {
    let before = users::lock(tx, tx.actor().user_id)
        .await?
        .ok_or(Rejection::Unauthenticated)?;
    let OwnProfile {
        full_name,
        locale,
        theme,
    } = decide(&before)?;
    expected.check(before.version)?;
    let after = User {
        full_name,
        locale,
        theme,
        ..before.clone()
    };
    if after == before {
        return Ok(before);
    }
    let after = User {
        version: before.version + 1,
        ..after
    };
    users::update(tx, UserChange::Updated, &before, &after).await?;
    Ok(after)
}
