//! The end of the caller's own session.

use domain::rejection::Rejection;
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use crate::repository::sessions::{self, EndReason};

/// Ends the session; its tokens are invalid from the commit on.
pub async fn run(tx: &mut Tx, session_id: Uuid) -> Result<()> {
    let session = sessions::lock(tx, session_id)
        .await?
        .ok_or(Rejection::Unauthenticated)?;
    sessions::end(tx, &session, EndReason::LoggedOut).await
}
