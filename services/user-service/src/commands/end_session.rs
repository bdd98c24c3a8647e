//! The end of one of the caller's own sessions, from another or from itself.

use domain::rejection::Rejection;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use crate::repository::sessions::{self, EndReason};

/// Ends the session; its tokens are invalid from the commit on.
///
/// # Errors
/// `NOT_FOUND` where it is over, somebody else's, or none.
pub async fn run(tx: &mut Tx, session_id: Uuid) -> Result<()> {
    let now = tx.now();
    let session = sessions::lock(tx, session_id)
        .await?
        .filter(|session| session.is_live(now))
        .ok_or(Rejection::NotFound)?;
    sessions::end(tx, &session, EndReason::EndedByUser).await
}
