//! The next generation of a session's tokens.

use domain::rejection::Rejection;
use platform::{db::Tx, error::Result};
use time::Duration;
use uuid::Uuid;

use crate::{
    repository::{
        sessions::{self, EndReason, Session},
        users::{self, User},
    },
    secrets::tokens::RefreshClaim,
};

/// How long the immediate predecessor gets its successor again: the answer may have been lost.
const GRACE: Duration = Duration::seconds(10);

/// What became of a refresh token.
#[derive(Clone, Debug)]
pub enum Refreshed {
    /// The session goes on with this generation.
    GoesOn(Box<User>, Session),
    /// The token was spent: somebody has a copy. The whole family has been ended, to be committed.
    FamilyEnded(Uuid),
}

/// Spends a refresh token whose signature has been checked.
///
/// # Errors
/// `UNAUTHENTICATED` when the session is unknown or over, or its user disabled.
pub async fn run(tx: &mut Tx, claim: RefreshClaim) -> Result<Refreshed> {
    let owner = sessions::owner(tx, claim.session_id)
        .await?
        .ok_or(Rejection::Unauthenticated)?;
    tx.enter_identity(owner).await?;
    let session = sessions::lock(tx, claim.session_id)
        .await?
        .ok_or(Rejection::Unauthenticated)?;
    if !session.is_live(tx.now()) {
        return Err(Rejection::Unauthenticated.into());
    }
    let session = match use_of(claim.generation, &session, tx.now() - session.rotated_at) {
        Use::Present => sessions::rotate(tx, &session).await?,
        Use::Repeated => session,
        Use::Spent => {
            sessions::end(tx, &session, EndReason::RefreshTokenReused).await?;
            return Ok(Refreshed::FamilyEnded(session.id));
        }
    };
    let user = users::find(tx, owner)
        .await?
        .ok_or(Rejection::Unauthenticated)?;
    Ok(Refreshed::GoesOn(Box::new(user), session))
}

/// How a token relates to the newest one of its session.
#[derive(Debug, PartialEq, Eq)]
enum Use {
    /// It is the one that is good now.
    Present,
    /// It is the immediate predecessor, within the grace.
    Repeated,
    /// It was spent.
    Spent,
}

fn use_of(generation: i32, session: &Session, since_rotation: Duration) -> Use {
    if generation == session.generation {
        Use::Present
    } else if generation + 1 == session.generation && since_rotation <= GRACE {
        Use::Repeated
    } else {
        Use::Spent
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    #[test]
    fn only_the_immediate_predecessor_is_forgiven_and_not_for_long() {
        let session = Session {
            id: Uuid::nil(),
            user_id: Uuid::nil(),
            generation: 5,
            rotated_at: OffsetDateTime::UNIX_EPOCH,
            expires_at: OffsetDateTime::UNIX_EPOCH,
            revoked_at: None,
            version: 5,
        };
        for (generation, seconds, expected) in [
            (5, 0, Use::Present),
            (5, 999, Use::Present),
            (4, 10, Use::Repeated),
            (4, 11, Use::Spent),
            (3, 0, Use::Spent),
            (1, 0, Use::Spent),
        ] {
            assert_eq!(
                use_of(generation, &session, Duration::seconds(seconds)),
                expected,
                "{generation} after {seconds} s"
            );
        }
    }
}
