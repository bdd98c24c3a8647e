//! Sign-in sessions. A session is the family of its refresh tokens.

use platform::{
    db::{Change, Tx},
    error::Result,
};
use sea_orm::FromQueryResult;
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

/// A session ends so long after the sign-in, whatever its refreshes; then its user signs in again.
pub const LIFETIME: Duration = Duration::days(30);
/// Most running sessions of a user; with one more, the oldest ends.
pub const RUNNING_MAX: usize = 50;
/// Most ended sessions of a user whose copies in the cache are dropped once more when the user's event comes.
const RECENT_MAX: i64 = 500;

/// A session as stored.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Session {
    /// Its id, the `sid` of tokens.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// The generation of the refresh token that is good now.
    pub generation: i32,
    /// When that one was made.
    pub rotated_at: OffsetDateTime,
    /// When it ends by itself.
    pub expires_at: OffsetDateTime,
    /// When it was ended.
    pub revoked_at: Option<OffsetDateTime>,
    /// 1 at the start, plus 1 at each change.
    pub version: i64,
}

/// Why a session was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Its user signed out.
    LoggedOut,
    /// A spent refresh token came back: somebody has a copy.
    RefreshTokenReused,
    /// The user's password changed.
    PasswordChanged,
    /// The user was disabled.
    UserDisabled,
    /// The user has signed in too often since.
    TooManySessions,
    /// Its user ended it from the list of sessions.
    EndedByUser,
}

impl EndReason {
    fn as_str(self) -> &'static str {
        match self {
            Self::LoggedOut => "LOGGED_OUT",
            Self::RefreshTokenReused => "REFRESH_TOKEN_REUSED",
            Self::PasswordChanged => "PASSWORD_CHANGED",
            Self::UserDisabled => "USER_DISABLED",
            Self::TooManySessions => "TOO_MANY_SESSIONS",
            Self::EndedByUser => "ENDED_BY_USER",
        }
    }
}

/// What a live session lets its user do.
#[derive(Clone, Debug, FromQueryResult)]
pub struct SessionState {
    /// The user.
    pub user_id: Uuid,
    /// The user's organization.
    pub organization_id: Uuid,
    /// The user's role.
    pub role: String,
    /// The effective permissions; `*` means all.
    pub permissions: Vec<String>,
    /// When the session ends by itself.
    pub expires_at: OffsetDateTime,
}

impl Session {
    /// Whether it can be used at this instant.
    pub fn is_live(&self, now: OffsetDateTime) -> bool {
        self.revoked_at.is_none() && self.expires_at > now
    }

    fn snapshot(&self, reason: Option<EndReason>) -> Value {
        json!({
            "id": self.id,
            "userId": self.user_id,
            "generation": self.generation,
            "expiresAt": contracts::field::instant_text(self.expires_at),
            "revokedAt": self.revoked_at.map(contracts::field::instant_text),
            "revokedReason": reason.map(EndReason::as_str),
            "version": self.version,
        })
    }
}

/// A running session as its user is shown it.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Running {
    /// Its id.
    pub id: Uuid,
    /// When its tokens were last renewed.
    pub rotated_at: OffsetDateTime,
    /// When it ends by itself.
    pub expires_at: OffsetDateTime,
    /// The address that it began from.
    pub address: Option<String>,
    /// How the client called itself with which it began.
    pub client: Option<String>,
}

/// Starts a session of the acting user, whose row the caller holds, for a client that calls itself so.
pub async fn start(tx: &mut Tx, client: Option<&str>) -> Result<Session> {
    let session = Session {
        id: tx.new_id(),
        user_id: tx.actor().user_id,
        generation: 1,
        rotated_at: tx.now(),
        expires_at: tx.now() + LIFETIME,
        revoked_at: None,
        version: 1,
    };
    tx.run(
        "INSERT INTO sessions (id, organization_id, user_id, generation, rotated_at, expires_at, address, client, version)
         VALUES ($1, $2, $3, 1, $4, $5, $6, $7, 1)",
        [
            session.id.into(),
            tx.actor().organization_id.into(),
            session.user_id.into(),
            session.rotated_at.into(),
            session.expires_at.into(),
            tx.actor().ip.map(|ip| ip.to_string()).into(),
            client.map(str::to_owned).into(),
        ],
    )
    .await?;
    tell(tx, "users.session.started", Value::Null, &session, None);
    Ok(session)
}

/// Whose session this is, before anybody is signed in.
pub async fn owner(tx: &Tx, id: Uuid) -> Result<Option<Uuid>> {
    let row: Option<Owner> = tx
        .first("SELECT user_id FROM ctx.session_owner($1)", [id.into()])
        .await?;
    Ok(row.map(|row| row.user_id))
}

#[derive(FromQueryResult)]
struct Owner {
    user_id: Uuid,
}

/// What a session lets its user do, if it is live.
pub async fn state(tx: &Tx, id: Uuid) -> Result<Option<SessionState>> {
    tx.first(
        "SELECT user_id, organization_id, role, permissions, expires_at FROM ctx.session_state($1)",
        [id.into()],
    )
    .await
}

/// A session of the acting user, locked.
pub async fn lock(tx: &Tx, id: Uuid) -> Result<Option<Session>> {
    tx.first(
        "SELECT id, user_id, generation, rotated_at, expires_at, revoked_at, version FROM sessions
          WHERE organization_id = $1 AND user_id = $2 AND id = $3 FOR UPDATE",
        [
            tx.actor().organization_id.into(),
            tx.actor().user_id.into(),
            id.into(),
        ],
    )
    .await
}

/// Makes the next generation of refresh token the good one.
pub async fn rotate(tx: &mut Tx, before: &Session) -> Result<Session> {
    let after = Session {
        generation: before.generation + 1,
        rotated_at: tx.now(),
        version: before.version + 1,
        ..before.clone()
    };
    tx.run(
        "UPDATE sessions SET generation = $3, rotated_at = $4, version = $5
          WHERE organization_id = $1 AND id = $2",
        [
            tx.actor().organization_id.into(),
            after.id.into(),
            after.generation.into(),
            after.rotated_at.into(),
            after.version.into(),
        ],
    )
    .await?;
    tell(
        tx,
        "users.session.refreshed",
        before.snapshot(None),
        &after,
        None,
    );
    Ok(after)
}

/// Ends a session.
pub async fn end(tx: &mut Tx, before: &Session, reason: EndReason) -> Result<()> {
    let after = Session {
        revoked_at: Some(tx.now()),
        version: before.version + 1,
        ..before.clone()
    };
    tx.run(
        "UPDATE sessions SET revoked_at = $3, revoked_reason = $4, version = $5
          WHERE organization_id = $1 AND id = $2",
        [
            tx.actor().organization_id.into(),
            after.id.into(),
            after.revoked_at.into(),
            reason.as_str().into(),
            after.version.into(),
        ],
    )
    .await?;
    tell(
        tx,
        "users.session.ended",
        before.snapshot(None),
        &after,
        Some(reason),
    );
    Ok(())
}

/// Ends every session of a user and answers which. However many, it is one statement; its record is the event of
/// the user's own change (a new password, disabled), which the caller emits.
pub async fn end_all(tx: &Tx, user_id: Uuid, reason: EndReason) -> Result<Vec<Uuid>> {
    let ended: Vec<Id> = tx
        .all(
            "UPDATE sessions SET revoked_at = $3, revoked_reason = $4
              WHERE organization_id = $1 AND user_id = $2 AND revoked_at IS NULL RETURNING id",
            [
                tx.actor().organization_id.into(),
                user_id.into(),
                tx.now().into(),
                reason.as_str().into(),
            ],
        )
        .await?;
    Ok(ended.into_iter().map(|row| row.id).collect())
}

/// Ends the oldest sessions of the acting user, so that there is room for one more. Answers which.
pub async fn make_room(tx: &mut Tx) -> Result<Vec<Uuid>> {
    let oldest: Vec<Session> = tx
        .all(
            "SELECT id, user_id, generation, rotated_at, expires_at, revoked_at, version FROM sessions
              WHERE organization_id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3
              ORDER BY id DESC OFFSET $4 FOR UPDATE",
            [
                tx.actor().organization_id.into(),
                tx.actor().user_id.into(),
                tx.now().into(),
                i64::try_from(RUNNING_MAX - 1).unwrap_or(i64::MAX).into(),
            ],
        )
        .await?;
    for session in &oldest {
        end(tx, session, EndReason::TooManySessions).await?;
    }
    Ok(oldest.into_iter().map(|session| session.id).collect())
}

/// The sessions of a user that are running or have ended lately.
pub async fn recent_of(tx: &Tx, user_id: Uuid) -> Result<Vec<Uuid>> {
    let rows: Vec<Id> = tx
        .all(
            "SELECT id FROM sessions WHERE organization_id = $1 AND user_id = $2 AND expires_at > clock_timestamp()
              ORDER BY revoked_at DESC LIMIT $3",
            [
                tx.actor().organization_id.into(),
                user_id.into(),
                RECENT_MAX.into(),
            ],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// At most so many running sessions of the acting user, newest first, those that began before `after`.
pub async fn own_running(tx: &Tx, after: Option<Uuid>, fetch: u64) -> Result<Vec<Running>> {
    tx.all(
        "SELECT id, rotated_at, expires_at, address, client FROM sessions
          WHERE organization_id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3
            AND ($4::uuid IS NULL OR id < $4) ORDER BY id DESC LIMIT $5",
        [
            tx.actor().organization_id.into(),
            tx.actor().user_id.into(),
            tx.now().into(),
            after.into(),
            i64::try_from(fetch).unwrap_or(i64::MAX).into(),
        ],
    )
    .await
}

/// The running sessions of a user.
pub async fn running_of(tx: &Tx, user_id: Uuid) -> Result<Vec<Uuid>> {
    let rows: Vec<Id> = tx
        .all(
            "SELECT id FROM sessions WHERE organization_id = $1 AND user_id = $2 AND revoked_at IS NULL
                AND expires_at > clock_timestamp()",
            [tx.actor().organization_id.into(), user_id.into()],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// The running sessions of everybody in the caller's organization.
pub async fn running_of_all(tx: &Tx) -> Result<Vec<Uuid>> {
    let rows: Vec<Id> = tx
        .all(
            "SELECT id FROM sessions WHERE organization_id = $1 AND revoked_at IS NULL
                AND expires_at > clock_timestamp()",
            [tx.actor().organization_id.into()],
        )
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

#[derive(FromQueryResult)]
struct Id {
    id: Uuid,
}

fn tell(
    tx: &mut Tx,
    event_type: &'static str,
    before: Value,
    after: &Session,
    reason: Option<EndReason>,
) {
    tx.emit(Change {
        entity_type: "session",
        entity_id: after.id,
        version: after.version,
        deal_id: None,
        event_type,
        event: None,
        before,
        after: after.snapshot(reason),
    });
}
