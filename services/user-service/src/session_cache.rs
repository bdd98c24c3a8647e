//! Live sessions and profiles in Redis, so that not every request asks PostgreSQL.
//!
//! What a session may do is decided by the database whenever a service opens one; the copy here serves the gateway's
//! first check. A change of a session, a user or an organization drops the copies after the commit, and the event of
//! the change drops them again.

use std::time::Duration;

use contracts::field::instant_text;
use domain::permission::PermissionSet;
use platform::cache::{Cache, Lease};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{queries::profile::Profile, repository::sessions::SessionState};

/// How long a session is kept.
const SESSION_TTL: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a profile is kept.
const PROFILE_TTL: Duration = Duration::from_secs(60 * 60);

/// The cache of sessions and profiles.
#[derive(Clone, Debug)]
pub struct SessionCache(Cache);

/// What the gateway gets of a session.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// The user.
    pub user_id: Uuid,
    /// The user's organization.
    pub organization_id: Uuid,
    /// The user's role.
    pub role: String,
    /// The effective permissions, by name; `*` means all.
    pub permissions: Vec<String>,
    /// When the session ends by itself.
    pub expires_at: String,
}

impl From<SessionState> for SessionView {
    fn from(state: SessionState) -> Self {
        let permissions = PermissionSet::parse(&state.permissions.join(","));
        Self {
            user_id: state.user_id,
            organization_id: state.organization_id,
            role: state.role,
            permissions: permissions
                .to_string()
                .split(',')
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
            expires_at: instant_text(state.expires_at),
        }
    }
}

impl SessionCache {
    /// Wraps the cache.
    pub fn new(cache: Cache) -> Self {
        Self(cache)
    }

    /// The right to keep a session, to be taken before it is read.
    pub async fn lease_session(&self, session_id: Uuid) -> Lease {
        self.0.lease(&session_key(session_id)).await
    }

    /// Keeps a session for the gateway, unless it was dropped since the lease was taken.
    pub async fn keep_session(&self, lease: Lease, view: &SessionView) {
        self.0.fill(lease, view, SESSION_TTL).await;
    }

    /// Drops sessions that ended or whose rights changed.
    pub async fn drop_sessions(&self, session_ids: &[Uuid]) {
        let keys: Vec<String> = session_ids.iter().copied().map(session_key).collect();
        self.0.delete(&keys).await;
    }

    /// A user's profile, if it is kept.
    pub async fn profile(&self, user_id: Uuid) -> Option<Profile> {
        self.0.get_json(&profile_key(user_id)).await
    }

    /// The right to keep a user's profile, to be taken before it is read.
    pub async fn lease_profile(&self, user_id: Uuid) -> Lease {
        self.0.lease(&profile_key(user_id)).await
    }

    /// Keeps a user's profile, unless it was dropped since the lease was taken.
    pub async fn keep_profile(&self, lease: Lease, profile: &Profile) {
        self.0.fill(lease, profile, PROFILE_TTL).await;
    }

    /// Drops the profiles of users that changed.
    pub async fn drop_profiles(&self, user_ids: &[Uuid]) {
        let keys: Vec<String> = user_ids.iter().copied().map(profile_key).collect();
        self.0.delete(&keys).await;
    }
}

fn session_key(session_id: Uuid) -> String {
    format!("session:{session_id}")
}

fn profile_key(user_id: Uuid) -> String {
    format!("profile:{user_id}")
}
