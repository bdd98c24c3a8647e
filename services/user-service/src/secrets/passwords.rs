//! Passwords: `bcrypt(base64(HMAC-SHA-384(pepper, password)))`.
//!
//! The HMAC makes any password 64 bytes long, so bcrypt never truncates one; a password is checked exactly
//! as sent, without trimming or normalising. Hashing runs on blocking threads, a few at a time: sign-ins
//! wait for each other before they starve everything else.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use platform::{
    config::Key32,
    error::{Error, Result},
    http::validate::Fields,
};
use ring::{
    hmac,
    rand::{SecureRandom as _, SystemRandom},
};
use tokio::sync::Semaphore;

use crate::config::SecretSettings;

/// Shortest password that may be chosen, in characters.
const LENGTH_MIN: usize = 12;
/// Longest password that is looked at, in characters.
const LENGTH_MAX: usize = 256;
/// How long a sign-in waits for its turn before it is answered 503.
const TURN_TIMEOUT: Duration = Duration::from_secs(10);

/// Hashes and checks passwords.
#[derive(Clone, Debug)]
pub struct Passwords {
    pepper: hmac::Key,
    /// The other pepper, while one replaces the other.
    pepper_also: Option<hmac::Key>,
    cost: u32,
    turns: Arc<Semaphore>,
    /// Checked where there is no account, so that both take the same time.
    dummy: Arc<str>,
}

/// What checking a password found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another password, or no account.
    Wrong,
    /// The password.
    Right,
    /// The password, hashed with the other pepper or with less work than today: to be hashed again.
    Outdated,
}

impl Verdict {
    /// Whether the password is the right one.
    pub fn is_right(self) -> bool {
        self != Self::Wrong
    }
}

/// A password that may be chosen: 12 to 256 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct NewPassword(String);

/// A password as somebody typed it to prove who they are: at most 256 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct TypedPassword(String);

impl NewPassword {
    /// Takes the password exactly as sent; notes `min_length` or `max_length` otherwise.
    pub fn parse(fields: &mut Fields, field: &str, password: &str) -> Option<Self> {
        if password.chars().count() < LENGTH_MIN {
            fields.refuse(
                field,
                "min_length",
                format!("must have at least {LENGTH_MIN} characters"),
            );
            return None;
        }
        TypedPassword::parse(fields, field, password).map(|TypedPassword(password)| Self(password))
    }
}

impl TypedPassword {
    /// Takes the password exactly as sent, a short one too: it is simply wrong later. Notes `required` or
    /// `max_length` otherwise.
    pub fn parse(fields: &mut Fields, field: &str, password: &str) -> Option<Self> {
        if password.is_empty() {
            fields.required(field);
            return None;
        }
        if password.chars().count() > LENGTH_MAX {
            fields.refuse(
                field,
                "max_length",
                format!("must have at most {LENGTH_MAX} characters"),
            );
            return None;
        }
        Some(Self(password.to_owned()))
    }
}

impl std::fmt::Debug for NewPassword {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("NewPassword(..)")
    }
}

impl std::fmt::Debug for TypedPassword {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("TypedPassword(..)")
    }
}

impl Passwords {
    /// Prepares hashing; takes the time of one hash.
    pub fn new(settings: &SecretSettings) -> anyhow::Result<Self> {
        let mut nobody = [0; 32];
        SystemRandom::new()
            .fill(&mut nobody)
            .map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?;
        let turns = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Ok(Self {
            pepper: pepper_of(&settings.password_pepper),
            pepper_also: settings.password_pepper_also.as_ref().map(pepper_of),
            cost: settings.bcrypt_cost,
            turns: Arc::new(Semaphore::new(turns)),
            dummy: bcrypt::hash(STANDARD.encode(nobody), settings.bcrypt_cost)?.into(),
        })
    }

    /// The hash to store.
    pub async fn hash(&self, password: &NewPassword) -> Result<String> {
        self.hash_text(&password.0).await
    }

    /// The hash to store instead of an outdated one.
    pub async fn hash_again(&self, password: &TypedPassword) -> Result<String> {
        self.hash_text(&password.0).await
    }

    async fn hash_text(&self, password: &str) -> Result<String> {
        let peppered = peppered(&self.pepper, password);
        let cost = self.cost;
        self.in_turn(move || bcrypt::hash(peppered, cost)).await
    }

    /// Whether this is the password behind the hash. Without a hash: no, after the same time.
    pub async fn verify(&self, password: &TypedPassword, hash: Option<String>) -> Result<Verdict> {
        let of_pepper = peppered(&self.pepper, &password.0);
        let also = self.pepper_also.as_ref();
        let of_other = also.map(|pepper| peppered(pepper, &password.0));
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.to_string());
        let cost = self.cost;
        let verdict = self
            .in_turn(move || {
                Ok(if bcrypt::verify(of_pepper, &hash)? {
                    let parts: bcrypt::HashParts = hash.parse()?;
                    let is_current = parts.get_cost() >= cost;
                    if is_current {
                        Verdict::Right
                    } else {
                        Verdict::Outdated
                    }
                } else if let Some(other) = of_other
                    && bcrypt::verify(other, &hash)?
                {
                    Verdict::Outdated
                } else {
                    Verdict::Wrong
                })
            })
            .await?;
        Ok(if known { verdict } else { Verdict::Wrong })
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> bcrypt::BcryptResult<T> + Send + 'static,
    ) -> Result<T> {
        let turn = tokio::time::timeout(TURN_TIMEOUT, self.turns.clone().acquire_owned())
            .await
            .map_err(|_| Error::unavailable("too many passwords are being checked"))?
            .context("wait for a turn to check a password")?;
        let outcome = tokio::task::spawn_blocking(move || {
            let outcome = work();
            drop(turn);
            outcome
        });
        Ok(outcome
            .await
            .context("check a password")?
            .context("check a password")?)
    }
}

fn pepper_of(key: &Key32) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA384, key.expose())
}

fn peppered(pepper: &hmac::Key, password: &str) -> String {
    STANDARD.encode(hmac::sign(pepper, password.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords(bcrypt_cost: u32) -> Passwords {
        with_peppers(bcrypt_cost, "5a", None)
    }

    /// Peppers of one byte over and over.
    fn with_peppers(bcrypt_cost: u32, pepper: &str, also: Option<&str>) -> Passwords {
        let key_of = |byte: &str| -> Key32 { byte.repeat(32).parse().unwrap() };
        let key = key_of(pepper);
        Passwords::new(&SecretSettings {
            password_pepper: key.clone(),
            password_pepper_also: also.map(key_of),
            token_key: key.clone(),
            token_key_also: None,
            key_encryption_key: key,
            key_encryption_key_also: None,
            bcrypt_cost,
        })
        .unwrap()
    }

    fn typed(password: &str) -> TypedPassword {
        TypedPassword::parse(&mut Fields::new(), "password", password).unwrap()
    }

    #[actix_web::test]
    async fn a_password_is_checked_exactly_as_sent_to_its_last_character() {
        let passwords = passwords(4);
        let long = format!(" {}é", "x".repeat(253));
        let hash = passwords
            .hash(&NewPassword::parse(&mut Fields::new(), "password", &long).unwrap())
            .await
            .unwrap();
        for (candidate, expected, reason) in [
            (long.clone(), true, "the password itself"),
            (long.trim().to_owned(), false, "without its leading blank"),
            (
                long.replace('é', "e\u{301}"),
                false,
                "in another normal form",
            ),
            (long.replace('é', "e"), false, "another last character"),
            (long.replacen('x', "X", 1), false, "another case"),
        ] {
            let found = passwords
                .verify(&typed(&candidate), Some(hash.clone()))
                .await
                .unwrap();
            assert_eq!(found.is_right(), expected, "{reason}");
        }
    }

    #[actix_web::test]
    async fn without_an_account_no_password_is_right() {
        assert!(
            !passwords(4)
                .verify(&typed("anything at all"), None)
                .await
                .unwrap()
                .is_right()
        );
    }

    #[actix_web::test]
    async fn a_password_of_the_other_pepper_or_of_less_work_is_to_be_hashed_again() {
        let chosen = NewPassword::parse(&mut Fields::new(), "password", "the right password");
        let hash = with_peppers(4, "5a", None).hash(&chosen.unwrap()).await;
        let hash = hash.unwrap();
        for (cost, pepper, also, expected) in [
            (4, "5a", None, Verdict::Right),
            (4, "5a", Some("6b"), Verdict::Right),
            (5, "5a", None, Verdict::Outdated),
            (4, "6b", Some("5a"), Verdict::Outdated),
            (4, "6b", None, Verdict::Wrong),
            (4, "6b", Some("7c"), Verdict::Wrong),
        ] {
            let passwords = with_peppers(cost, pepper, also);
            let verdict = async |password: &str| {
                let password = typed(password);
                let checked = passwords.verify(&password, Some(hash.clone()));
                checked.await.unwrap()
            };
            let right = verdict("the right password").await;
            assert_eq!(right, expected, "{cost} {pepper} {also:?}");
            assert_eq!(verdict("a wrong password").await, Verdict::Wrong);
        }
    }

    /// Times depend on the machine: what is compared is the work, a hash of the same cost in a turn of its own.
    #[actix_web::test]
    async fn an_unknown_account_takes_as_long_as_a_wrong_password() {
        let passwords = passwords(5);
        let password =
            NewPassword::parse(&mut Fields::new(), "password", "the right password").unwrap();
        let hash = passwords.hash(&password).await.unwrap();
        let wrong = typed("a wrong password");
        let cost = |hash: &str| hash.split('$').nth(2).map(str::to_owned);
        assert_eq!(cost(&passwords.dummy), cost(&hash));
        for hash in [Some(hash), None] {
            let turns = u32::try_from(passwords.turns.available_permits()).unwrap();
            let all = passwords.turns.acquire_many(turns).await.unwrap();
            let mut checking = std::pin::pin!(passwords.verify(&wrong, hash));
            assert!(futures::poll!(&mut checking).is_pending());
            drop(all);
            assert_eq!(checking.await.unwrap(), Verdict::Wrong);
        }
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        for (length, good) in [(11, false), (12, true), (256, true), (257, false)] {
            let password = "é".repeat(length);
            let parsed = NewPassword::parse(&mut Fields::new(), "password", &password);
            assert_eq!(parsed.is_some(), good, "{length} characters");
        }
        assert!(TypedPassword::parse(&mut Fields::new(), "password", "short").is_some());
        assert!(TypedPassword::parse(&mut Fields::new(), "password", "").is_none());
    }

    #[actix_web::test]
    async fn a_check_that_has_no_turn_within_ten_seconds_is_refused_for_the_moment() {
        let passwords = passwords(4);
        let turns = u32::try_from(passwords.turns.available_permits()).unwrap();
        let _all = passwords.turns.acquire_many(turns).await.unwrap();
        tokio::time::pause();
        let began = tokio::time::Instant::now();
        let password = typed("a password");
        let checking = passwords.verify(&password, None);
        let checked = tokio::time::timeout(Duration::from_hours(1), checking).await;
        assert!(
            matches!(checked, Ok(Err(Error::Unavailable { .. }))),
            "{checked:?}"
        );
        assert_eq!(began.elapsed().as_secs(), TURN_TIMEOUT.as_secs());
    }
}
