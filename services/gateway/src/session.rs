//! Whether a session is alive and what its user may do now. Never taken from the token's claims.
//!
//! Redis has it; on a miss, for an entry from before an outage, or while Redis is unavailable, user-service is asked.
//! Its answer is reused for [`KEPT_FOR`], but only while Redis is unavailable or its entry is from before an outage. So
//! a change takes effect at once if Redis answers, and within [`KEPT_FOR`] always.

use std::time::Duration;

use domain::{permission::PermissionSet, rejection::Rejection};
use moka::future::Cache;
use platform::{auth::AccessClaims, error::Error};
use serde::Deserialize;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::limits::shared::OutageClock;

/// How long an answer of user-service is reused while Redis is unavailable.
const KEPT_FOR: Duration = Duration::from_secs(3);
/// How many such answers are kept.
const KEPT_MAX: u64 = 10_000;

/// A living session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub user_id: Uuid,
    /// The organization it acts in.
    pub organization_id: Uuid,
    /// What the user may do.
    pub permissions: PermissionSet,
    /// Until when it lives.
    pub expires_at: OffsetDateTime,
}

impl Session {
    /// Reads what user-service answers.
    ///
    /// # Errors
    /// When it is not a session.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice::<View>(json).map(Into::into)
    }

    /// Whether it still lives and belongs to the user and the organization that the token names.
    fn is_of(&self, claims: &AccessClaims) -> bool {
        self.user_id == claims.user_id
            && self.organization_id == claims.org_id
            && self.expires_at > OffsetDateTime::now_utc()
    }
}

/// The JSON of `GET /internal/sessions/{sid}`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct View {
    user_id: Uuid,
    organization_id: Uuid,
    permissions: Vec<String>,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

impl From<View> for Session {
    fn from(view: View) -> Self {
        Self {
            user_id: view.user_id,
            organization_id: view.organization_id,
            permissions: PermissionSet::parse(&view.permissions.join(",")),
            expires_at: view.expires_at,
        }
    }
}

/// What user-service writes into Redis, through the platform's cache.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    /// Milliseconds since 1970.
    written_at: i64,
    /// Absent while the session is being asked for.
    value: Option<View>,
}

/// What Redis said about a session.
#[derive(Clone, Copy, Debug)]
pub enum Cached<'answer> {
    /// This JSON.
    Entry(&'answer str),
    /// It has none.
    Miss,
    /// It did not answer.
    Away,
}

/// Finds sessions, for all workers.
#[derive(Debug)]
pub struct Sessions {
    outages: OutageClock,
    kept: Cache<Uuid, Session>,
}

impl Sessions {
    /// Nothing is known yet.
    pub fn new(outages: OutageClock) -> Self {
        let kept = Cache::builder()
            .max_capacity(KEPT_MAX)
            .time_to_live(KEPT_FOR)
            .build();
        Self { outages, kept }
    }

    /// The session that the token belongs to; `ask` asks user-service, with `None` for a session that is not live.
    ///
    /// # Errors
    /// 401 when the session is over or somebody else's; 503 when neither Redis nor user-service answers.
    pub async fn find(
        &self,
        claims: &AccessClaims,
        cached: Cached<'_>,
        ask: impl Future<Output = Result<Option<Session>, Error>>,
    ) -> Result<Session, Error> {
        let session = match self.trusted(cached) {
            Trust::Yes(session) => session,
            Trust::AskAnew => {
                let session = ask.await?.ok_or(Rejection::Unauthenticated)?;
                self.kept.insert(claims.sid, session.clone()).await;
                session
            }
            Trust::AskOnceInAWhile => self.ask_once_in_a_while(claims.sid, ask).await?,
        };
        if session.is_of(claims) {
            Ok(session)
        } else {
            Err(Rejection::Unauthenticated.into())
        }
    }

    async fn ask_once_in_a_while(
        &self,
        session_id: Uuid,
        ask: impl Future<Output = Result<Option<Session>, Error>>,
    ) -> Result<Session, Error> {
        let asked = async { ask.await?.ok_or_else(|| Rejection::Unauthenticated.into()) };
        self.kept
            .try_get_with(session_id, asked)
            .await
            // The error is shared with others who waited for the same answer, so an equal one is made for each.
            .map_err(|error| match &*error {
                Error::Rejected(rejection) => rejection.clone().into(),
                other => Error::unavailable(other),
            })
    }

    fn trusted(&self, cached: Cached<'_>) -> Trust {
        match cached {
            Cached::Miss => Trust::AskAnew,
            Cached::Away => Trust::AskOnceInAWhile,
            Cached::Entry(json) => match serde_json::from_str::<Entry>(json) {
                Ok(Entry { written_at, .. }) if !self.outages.trusts(written_at) => {
                    Trust::AskOnceInAWhile
                }
                Ok(Entry { value, .. }) => {
                    value.map_or(Trust::AskAnew, |view| Trust::Yes(view.into()))
                }
                Err(error) => {
                    tracing::warn!(%error, "a session in Redis cannot be read");
                    Trust::AskAnew
                }
            },
        }
    }
}

/// What follows from what Redis said.
enum Trust {
    Yes(Session),
    AskAnew,
    AskOnceInAWhile,
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use domain::permission::Permission;
    use serde_json::{Value, json};
    use time::format_description::well_known::Rfc3339;

    use super::*;

    fn claims() -> AccessClaims {
        AccessClaims {
            user_id: Uuid::from_u128(1),
            org_id: Uuid::from_u128(2),
            role: "ADMIN".to_owned(),
            sid: Uuid::from_u128(3),
            iss: "haushavn".to_owned(),
            aud: "haushavn-api".to_owned(),
            exp: i64::MAX,
            iat: 0,
        }
    }

    fn view(expires_at: OffsetDateTime, permissions: &[&str]) -> Value {
        json!({
            "userId": Uuid::from_u128(1),
            "organizationId": Uuid::from_u128(2),
            "role": "BUYER",
            "permissions": permissions,
            "expiresAt": expires_at.format(&Rfc3339).unwrap(),
        })
    }

    fn living(permissions: &[&str]) -> Value {
        view(
            OffsetDateTime::now_utc() + Duration::from_secs(60),
            permissions,
        )
    }

    /// An entry in Redis, written some time from now.
    fn entry(value: &Value, from_now: time::Duration) -> String {
        let written_at = (OffsetDateTime::now_utc() + from_now).unix_timestamp() * 1_000;
        json!({ "writtenAt": written_at, "value": value }).to_string()
    }

    /// Finds a session with user-service answering `answer`, and returns whether it was asked.
    async fn find(
        sessions: &Sessions,
        cached: Cached<'_>,
        answer: Option<Value>,
    ) -> (Result<Session, Error>, bool) {
        let asked = Cell::new(false);
        let ask = async {
            asked.set(true);
            Ok(answer.map(|json| Session::parse(json.to_string().as_bytes()).unwrap()))
        };
        let found = sessions.find(&claims(), cached, ask).await;
        (found, asked.get())
    }

    fn is_unauthenticated(found: &Result<Session, Error>) -> bool {
        matches!(found, Err(Error::Rejected(Rejection::Unauthenticated)))
    }

    #[actix_web::test]
    async fn permissions_come_from_the_session_and_not_from_the_claims() {
        let sessions = Sessions::new(OutageClock::default());
        let json = entry(&living(&["view_own_deals"]), time::Duration::ZERO);
        let (found, asked) = find(&sessions, Cached::Entry(&json), None).await;
        let permissions = found.unwrap().permissions;
        assert!(permissions.has(Permission::ViewOwnDeals));
        assert!(!permissions.has(Permission::ManageTasks));
        assert!(!asked);
    }

    #[actix_web::test]
    async fn a_miss_or_a_dropped_session_is_asked_every_time_so_that_an_end_counts_at_once() {
        let sessions = Sessions::new(OutageClock::default());
        let dropped = json!({ "writtenAt": 1 }).to_string();
        for cached in [Cached::Miss, Cached::Entry(&dropped)] {
            let (found, asked) = find(&sessions, cached, Some(living(&["*"]))).await;
            assert!(asked && found.unwrap().permissions.is_all());
            let (found, asked) = find(&sessions, cached, None).await;
            assert!(asked && is_unauthenticated(&found));
        }
    }

    #[actix_web::test]
    async fn while_redis_is_away_an_answer_is_used_again() {
        let sessions = Sessions::new(OutageClock::default());
        let (_, asked) = find(&sessions, Cached::Away, Some(living(&["*"]))).await;
        assert!(asked);
        let (found, asked) = find(&sessions, Cached::Away, None).await;
        assert!(!asked && found.is_ok());
    }

    #[actix_web::test]
    async fn an_entry_from_before_an_outage_is_not_believed() {
        let outages = OutageClock::default();
        let sessions = Sessions::new(outages.clone());
        outages.now_away();
        let before = entry(&living(&["*"]), time::Duration::seconds(-1));
        let (found, asked) = find(&sessions, Cached::Entry(&before), None).await;
        assert!(asked && is_unauthenticated(&found));
        let after = entry(&living(&["*"]), time::Duration::seconds(1));
        let (found, asked) = find(&sessions, Cached::Entry(&after), None).await;
        assert!(!asked && found.is_ok());
    }

    #[actix_web::test]
    async fn a_session_that_is_over_or_somebody_elses_is_refused() {
        let sessions = Sessions::new(OutageClock::default());
        let over = view(OffsetDateTime::now_utc() - Duration::from_secs(1), &["*"]);
        let mut of_another = living(&["*"]);
        of_another["userId"] = json!(Uuid::from_u128(9));
        let mut elsewhere = living(&["*"]);
        elsewhere["organizationId"] = json!(Uuid::from_u128(9));
        for value in [over, of_another, elsewhere] {
            let json = entry(&value, time::Duration::ZERO);
            let (found, _) = find(&sessions, Cached::Entry(&json), None).await;
            assert!(is_unauthenticated(&found));
        }
    }

    #[actix_web::test]
    async fn answers_about_ten_thousand_sessions_are_kept_and_no_more() {
        let sessions = Sessions::new(OutageClock::default());
        for number in 0..12_000 {
            let claims = AccessClaims {
                sid: Uuid::from_u128(number),
                ..claims()
            };
            let ask = async { Ok(Session::parse(living(&["*"]).to_string().as_bytes()).ok()) };
            assert!(sessions.find(&claims, Cached::Away, ask).await.is_ok());
        }
        sessions.kept.run_pending_tasks().await;
        assert!(sessions.kept.entry_count() <= 10_000);
    }
}
