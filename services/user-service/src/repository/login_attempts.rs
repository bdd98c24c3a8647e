//! Attempts to sign in, counted before the password is looked at: by `domain::lockout`'s rules.
//!
//! Counting first means that many guesses at once count as many. Attempts at an address without an account are counted
//! like any other, so a lockout does not reveal whether there is one.

use domain::{
    lockout::{self, FAILURE_FADES_AFTER, FAILURES_COUNTED_MAX, Failures, STRANGERS_WINDOW},
    rejection::Rejection,
};
use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use time::{Duration, OffsetDateTime};

/// Whom an attempt concerns and where it comes from, as HMAC.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The account; the address, where there is no account.
    pub subject: Vec<u8>,
    /// The client's network.
    pub network: Vec<u8>,
    /// When it was counted among the guesses of strangers; `None` where it came from a known network.
    pub guessed_at: Option<OffsetDateTime>,
}

#[derive(FromQueryResult)]
struct FailureRow {
    failures: i32,
    last_at: OffsetDateTime,
    locked_until: Option<OffsetDateTime>,
}

#[derive(FromQueryResult)]
struct GuessRow {
    recent: Vec<OffsetDateTime>,
}

/// Counts an attempt from a network from which the owner has signed in.
///
/// # Errors
/// `TOO_MANY_ATTEMPTS` while attempts from there are refused; such an attempt does not count.
pub async fn count(tx: &Tx, subject: Vec<u8>, network: Vec<u8>) -> Result<Attempt> {
    count_failure(tx, &subject, &network).await?;
    Ok(Attempt {
        subject,
        network,
        guessed_at: None,
    })
}

/// Counts an attempt from any other network: among those of all strangers as well.
///
/// # Errors
/// As [`count`].
pub async fn count_stranger(tx: &Tx, subject: Vec<u8>, network: Vec<u8>) -> Result<Attempt> {
    tx.run(
        "INSERT INTO stranger_guesses (subject, recent, last_at) VALUES ($1, '{}', clock_timestamp())
         ON CONFLICT (subject) DO NOTHING",
        [subject.clone().into()],
    )
    .await?;
    let row: Option<GuessRow> = tx
        .first(
            "SELECT recent FROM stranger_guesses WHERE subject = $1 FOR UPDATE",
            [subject.clone().into()],
        )
        .await?;
    let now = OffsetDateTime::now_utc();
    let recent = row.map(|row| row.recent).unwrap_or_default();
    let counted = lockout::count_guess(&recent, now).map_err(too_many)?;
    tx.run(
        "UPDATE stranger_guesses SET recent = $2, last_at = $3 WHERE subject = $1",
        [subject.clone().into(), counted.into(), now.into()],
    )
    .await?;
    count_failure(tx, &subject, &network).await?;
    Ok(Attempt {
        subject,
        network,
        guessed_at: Some(now),
    })
}

async fn count_failure(tx: &Tx, subject: &[u8], network: &[u8]) -> Result<()> {
    let key = || [subject.to_vec().into(), network.to_vec().into()];
    tx.run(
        "INSERT INTO login_attempts (subject, network, failures, last_at) VALUES ($1, $2, 0, clock_timestamp())
         ON CONFLICT (subject, network) DO NOTHING",
        key(),
    )
    .await?;
    let row: Option<FailureRow> = tx
        .first(
            "SELECT failures, last_at, locked_until FROM login_attempts WHERE subject = $1 AND network = $2 FOR UPDATE",
            key(),
        )
        .await?;
    let present = row.map(|row| Failures {
        count: row.failures,
        last_at: row.last_at,
        locked_until: row.locked_until,
    });
    let counted = lockout::count_failure(present, OffsetDateTime::now_utc()).map_err(too_many)?;
    let [subject, network] = key();
    tx.run(
        "UPDATE login_attempts SET failures = $3, last_at = $4, locked_until = $5 WHERE subject = $1 AND network = $2",
        [
            subject,
            network,
            counted.count.into(),
            counted.last_at.into(),
            counted.locked_until.into(),
        ],
    )
    .await?;
    Ok(())
}

/// The attempt had the right password: it was no guess, and the failures from its network are forgotten.
pub async fn succeeded(tx: &Tx, attempt: &Attempt) -> Result<()> {
    tx.run(
        "DELETE FROM login_attempts WHERE subject = $1 AND network = $2",
        [
            attempt.subject.clone().into(),
            attempt.network.clone().into(),
        ],
    )
    .await?;
    if let Some(guessed_at) = attempt.guessed_at {
        tx.run(
            "UPDATE stranger_guesses SET recent = array_remove(recent, $2) WHERE subject = $1",
            [attempt.subject.clone().into(), guessed_at.into()],
        )
        .await?;
    }
    Ok(())
}

/// Forgets all attempts at an account: a mail to its owner proved who it is.
pub async fn forget(tx: &Tx, subject: &[u8]) -> Result<()> {
    for sql in [
        "DELETE FROM stranger_guesses WHERE subject = $1",
        "DELETE FROM login_attempts WHERE subject = $1",
    ] {
        tx.run(sql, [subject.to_vec().into()]).await?;
    }
    Ok(())
}

/// Deletes a batch of failures that have faded; answers how many.
pub async fn delete_faded(tx: &Tx, limit: i32) -> Result<u64> {
    tx.run(
        "DELETE FROM login_attempts WHERE (subject, network) IN
           (SELECT subject, network FROM login_attempts WHERE last_at < $1 LIMIT $2)",
        [
            (tx.now() - FAILURE_FADES_AFTER * FAILURES_COUNTED_MAX).into(),
            limit.into(),
        ],
    )
    .await
}

/// Deletes a batch of guesses that do not count any more; answers how many.
pub async fn delete_old_guesses(tx: &Tx, limit: i32) -> Result<u64> {
    tx.run(
        "DELETE FROM stranger_guesses WHERE subject IN
           (SELECT subject FROM stranger_guesses WHERE last_at < $1 LIMIT $2)",
        [(tx.now() - STRANGERS_WINDOW).into(), limit.into()],
    )
    .await
}

fn too_many(wait: Duration) -> Rejection {
    Rejection::TooManyAttempts {
        retry_after_seconds: u64::try_from(wait.whole_seconds() + 1).unwrap_or(1),
    }
}
