//! The acting user has read notifications.

use domain::rejection::Rejection;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use crate::repository::notifications::{self, Notification};

/// Most notifications that are marked at once; a caller who has more asks again.
const AT_ONCE_MAX: i64 = 1_000;

/// Marks one as read. Once more changes nothing.
///
/// # Errors
/// `NOT_FOUND` when it is not in the user's list.
pub async fn one(tx: &mut Tx, id: Uuid) -> Result<Notification> {
    let notification = notifications::lock_own(tx, id)
        .await?
        .ok_or(Rejection::NotFound)?;
    if notification.read_at.is_some() {
        return Ok(notification);
    }
    let mut read = notifications::mark_read(tx, &[notification]).await?;
    Ok(read.pop().ok_or(Rejection::NotFound)?)
}

/// Marks all as read and answers how many there were.
pub async fn all(tx: &mut Tx) -> Result<usize> {
    let unread = notifications::lock_unread(tx, AT_ONCE_MAX).await?;
    Ok(notifications::mark_read(tx, &unread).await?.len())
}
