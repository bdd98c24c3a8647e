//! A mail that was given up is sent again.

use domain::rejection::Rejection;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use crate::repository::notifications::{self, Undelivered};

/// Has the mail delivered again.
///
/// # Errors
/// `NOT_FOUND` when there is no such mail, or it is not given up (any more).
pub async fn run(tx: &mut Tx, id: Uuid) -> Result<Undelivered> {
    let notification = notifications::lock_dead(tx, id)
        .await?
        .ok_or(Rejection::NotFound)?;
    let undelivered = notifications::undelivered(tx, id)
        .await?
        .ok_or(Rejection::NotFound)?;
    notifications::requeue(tx, &notification).await?;
    Ok(undelivered)
}
