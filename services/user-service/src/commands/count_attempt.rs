//! An attempt to prove who one is by a password, counted before the password is looked at.

use std::net::IpAddr;

use domain::lockout;
use platform::{db::Tx, error::Result};

use crate::{
    repository::{
        credentials::{self, LoginRow},
        login_attempts::{self, Attempt},
    },
    secrets::tokens::{Digest, TokenKey},
};

/// Counts the attempt, and answers the account it is to be checked against, if there is one.
///
/// # Errors
/// `TOO_MANY_ATTEMPTS`.
pub async fn run(
    tx: &Tx,
    tokens: &TokenKey,
    email_key: &str,
    ip: Option<IpAddr>,
) -> Result<(Option<LoginRow>, Attempt)> {
    let network = tokens.digest(Digest::Network(&lockout::network_of(ip)));
    let account = credentials::login_lookup(tx, email_key, &network).await?;
    let subject = tokens.digest(match &account {
        Some(account) => Digest::Account(account.user_id),
        None => Digest::Address(email_key),
    });
    let attempt = if account
        .as_ref()
        .is_some_and(|account| account.is_known_network)
    {
        login_attempts::count(tx, subject, network).await?
    } else {
        login_attempts::count_stranger(tx, subject, network).await?
    };
    Ok((account, attempt))
}
