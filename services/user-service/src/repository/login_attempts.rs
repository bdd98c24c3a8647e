//! Attempts to sign in, counted by address before the password is looked at.
//!
//! Counting first means that many guesses at once count as many. An address without an account is counted
//! like any other, so a lockout tells nothing.

use domain::rejection::Rejection;
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use time::{Duration, OffsetDateTime};

/// After this many attempts in a row without success the address is locked.
const ATTEMPTS_FREE: i32 = 5;
/// The first lock; each further failure doubles it.
const LOCK_FIRST: Duration = Duration::minutes(1);
/// No lock lasts longer.
const LOCK_MAX: Duration = Duration::minutes(15);
/// An address that nobody tried for so long starts anew.
const FORGOTTEN_AFTER: Duration = Duration::hours(1);

#[derive(FromQueryResult)]
struct Attempts {
    attempts: i32,
    last_attempt_at: OffsetDateTime,
    locked_until: Option<OffsetDateTime>,
}

/// Counts an attempt.
///
/// # Errors
/// `TOO_MANY_ATTEMPTS` while the address is locked; such an attempt does not count.
pub async fn count(tx: &Tx, address_hash: &[u8]) -> Result<()> {
    let key = || sea_orm::Value::from(address_hash.to_vec());
    tx.run(
        "INSERT INTO login_attempts (address_hash, attempts, last_attempt_at) VALUES ($1, 0, clock_timestamp())
         ON CONFLICT (address_hash) DO NOTHING",
        [key()],
    )
    .await?;
    let now = OffsetDateTime::now_utc();
    let present: Option<Attempts> = tx
        .first(
            "SELECT attempts, last_attempt_at, locked_until FROM login_attempts WHERE address_hash = $1 FOR UPDATE",
            [key()],
        )
        .await?;
    let Some(present) = present else {
        // Somebody succeeded and removed the row in this very moment: there is nothing to count against.
        return Ok(());
    };
    if let Some(until) = present.locked_until.filter(|until| *until > now) {
        let left = (until - now).whole_seconds() + 1;
        return Err(Rejection::TooManyAttempts {
            retry_after_seconds: u64::try_from(left).unwrap_or(1),
        }
        .into());
    }
    let attempts = if present.last_attempt_at + FORGOTTEN_AFTER < now {
        1
    } else {
        present.attempts + 1
    };
    tx.run(
        "UPDATE login_attempts SET attempts = $2, last_attempt_at = $3, locked_until = $4 WHERE address_hash = $1",
        [key(), attempts.into(), now.into(), lock_after(attempts).map(|lock| now + lock).into()],
    )
    .await?;
    Ok(())
}

/// Forgets the attempts of an address: the right password, or a mail to it, proved who it is.
pub async fn forget(tx: &Tx, address_hash: &[u8]) -> Result<()> {
    tx.run(
        "DELETE FROM login_attempts WHERE address_hash = $1",
        [address_hash.to_vec().into()],
    )
    .await?;
    Ok(())
}

/// Deletes a batch of what nobody tried for long.
pub async fn delete_old(tx: &Tx) -> Result<u64> {
    tx.run(
        "DELETE FROM login_attempts WHERE address_hash IN (SELECT address_hash FROM login_attempts
          WHERE last_attempt_at < $1 LIMIT 500)",
        [(tx.now() - FORGOTTEN_AFTER).into()],
    )
    .await
}

/// How long the address is locked when this attempt fails too.
fn lock_after(attempts: i32) -> Option<Duration> {
    let doublings = attempts - ATTEMPTS_FREE;
    match doublings {
        ..0 => None,
        0..=3 => Some(LOCK_FIRST * (1 << doublings)),
        _ => Some(LOCK_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_begins_with_the_fifth_failure_and_doubles_up_to_15_minutes() {
        let minutes: Vec<i64> = (1..=11)
            .map(|n| lock_after(n).map_or(0, Duration::whole_minutes))
            .collect();
        assert_eq!(minutes, [0, 0, 0, 0, 1, 2, 4, 8, 15, 15, 15]);
    }

    #[test]
    fn guessing_costs_at_most_ten_tries_in_any_15_minutes() {
        let mut at = Duration::ZERO;
        let mut tries = Vec::new();
        for attempt in 1..=40 {
            tries.push(at);
            at += lock_after(attempt).unwrap_or(Duration::ZERO);
        }
        let most = tries
            .iter()
            .map(|from| {
                tries
                    .iter()
                    .filter(|at| (*from..*from + Duration::minutes(15)).contains(*at))
                    .count()
            })
            .max();
        assert!(most <= Some(10), "{most:?}");
    }
}
