//! The history of things, as an ADMIN reads it in the audit log.

use serde_json::Value;

use crate::{User, text};

/// The audit rows of one thing, in the order of its versions.
///
/// # Panics
/// When the log is not readable by this user.
pub async fn history(admin: &User, entity_id: &str) -> Vec<Value> {
    let path = format!("/api/audit?entity={entity_id}&limit=100");
    let answer = admin.api.get(&path).await;
    let mut rows = answer.expect(200)["items"].as_array().unwrap().clone();
    rows.sort_by_key(|row| row["version"].as_i64());
    rows
}

/// As [`history`], the event types alone.
///
/// # Panics
/// When the log is not readable by this user.
pub async fn event_types(admin: &User, entity_id: &str) -> Vec<String> {
    let rows = history(admin, entity_id).await;
    rows.iter().map(|row| text(&row["eventType"])).collect()
}
