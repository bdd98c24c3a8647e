//! How people want to be notified: in the application, by mail, both or neither, for each kind of occasion.

use std::collections::BTreeMap;

use anyhow::Context as _;
use platform::{
    db::{Change, Tx},
    error::Result,
};
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::notices::NoticeKind;

/// How a user wants to be notified of one kind of occasion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// In the application.
    pub in_app: bool,
    /// By mail.
    pub email: bool,
}

impl Choice {
    /// Without a choice, notices go out both ways.
    pub const DEFAULT: Self = Self {
        in_app: true,
        email: true,
    };
}

/// A user's choices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// Of the stored row; `None` before the first choice.
    id: Option<Uuid>,
    /// Where the user departs from the default.
    pub choices: BTreeMap<String, Choice>,
    /// 0 before the first choice, then plus 1 at each change.
    pub version: i64,
}

#[derive(FromQueryResult)]
struct Row {
    id: Uuid,
    choices: Value,
    version: i64,
}

impl Preferences {
    /// How the user is notified of this kind.
    pub fn choice(&self, kind: NoticeKind) -> Choice {
        self.choices
            .get(kind.as_str())
            .copied()
            .unwrap_or(Choice::DEFAULT)
    }

    fn snapshot(&self, user_id: Uuid) -> Value {
        json!({ "id": self.id, "userId": user_id, "choices": self.choices, "version": self.version })
    }
}

/// A user's choices; only the SYSTEM user reads those of others.
pub async fn of(tx: &Tx, user_id: Uuid) -> Result<Preferences> {
    let row: Option<Row> = tx
        .first(
            "SELECT id, choices, version FROM notification_preferences WHERE organization_id = $1 AND user_id = $2",
            [tx.actor().organization_id.into(), user_id.into()],
        )
        .await?;
    let Some(row) = row else {
        return Ok(Preferences::default());
    };
    let choices = serde_json::from_value(row.choices).context("read notification preferences")?;
    Ok(Preferences {
        id: Some(row.id),
        choices,
        version: row.version,
    })
}

/// The acting user's choices, held against other changes until the end of the session.
pub async fn lock_own(tx: &Tx) -> Result<Preferences> {
    // There may be no row yet, so the lock is on the user.
    tx.run(
        "SELECT pg_advisory_xact_lock(hashtextextended('notification_preferences ' || $1::text, 0))",
        [tx.actor().user_id.into()],
    )
    .await?;
    of(tx, tx.actor().user_id).await
}

/// Stores the acting user's choices.
pub async fn store(
    tx: &mut Tx,
    before: &Preferences,
    choices: BTreeMap<String, Choice>,
) -> Result<Preferences> {
    let id = before.id.unwrap_or_else(|| tx.new_id());
    let after = Preferences {
        id: Some(id),
        choices,
        version: before.version + 1,
    };
    let user_id = tx.actor().user_id;
    tx.run(
        "INSERT INTO notification_preferences (id, organization_id, user_id, choices, version) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (organization_id, user_id) DO UPDATE SET choices = excluded.choices, version = excluded.version",
        [
            id.into(),
            tx.actor().organization_id.into(),
            user_id.into(),
            serde_json::to_value(&after.choices).map_err(anyhow::Error::from)?.into(),
            after.version.into(),
        ],
    )
    .await?;
    tx.emit(Change {
        entity_type: "notification_preferences",
        entity_id: id,
        version: after.version,
        deal_id: None,
        event_type: "notifications.preferences.updated",
        event: None,
        before: before.id.map_or(Value::Null, |_| before.snapshot(user_id)),
        after: after.snapshot(user_id),
    });
    Ok(after)
}
