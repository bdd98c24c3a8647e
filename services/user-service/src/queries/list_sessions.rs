//! The caller's own running sessions, newest first.

use contracts::field::instant_text;
use platform::{db::Tx, error::Result};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::repository::{
    sessions::{self, Running},
    users::created_at,
};

/// A session of one's own.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnSession {
    /// Its id.
    pub id: Uuid,
    /// When it began, with a sign-in.
    #[schema(format = DateTime)]
    pub started_at: String,
    /// When it was last renewed: a session in use is renewed every quarter of an hour.
    #[schema(format = DateTime)]
    pub last_used_at: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// The address that it began from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "203.0.113.7")]
    pub address: Option<String>,
    /// The program that it began with, as it called itself (`User-Agent`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Whether this request came with it.
    pub is_current: bool,
}

impl OwnSession {
    /// What the caller is shown, who came with the session `current`.
    pub fn of(session: Running, current: Uuid) -> Self {
        Self {
            id: session.id,
            started_at: instant_text(created_at(session.id)),
            last_used_at: instant_text(session.rotated_at),
            expires_at: instant_text(session.expires_at),
            address: session.address,
            client: session.client,
            is_current: session.id == current,
        }
    }
}

/// At most so many sessions, those that began before `after`.
pub async fn run(tx: &Tx, after: Option<Uuid>, fetch: u64) -> Result<Vec<Running>> {
    sessions::own_running(tx, after, fetch).await
}
