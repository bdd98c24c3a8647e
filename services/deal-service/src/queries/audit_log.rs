//! Reads the audit log, through a pool of its own with the role `auditor`. What a caller may read of it is
//! decided by the log's row policies: all of the organization's with view_audit, a deal's by who works on it.

use domain::rejection::Rejection;
use platform::{
    db::{Db, ServiceScope, Tx},
    error::Result,
    http::Access,
};
use sea_orm::FromQueryResult;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

/// The database as the auditor sees it. It can read the log and nothing else.
#[derive(Clone, Debug)]
pub(crate) struct Auditor(Db);

impl Auditor {
    /// Wraps a pool with the role `auditor`.
    pub(crate) fn new(db: Db) -> Self {
        Self(db)
    }

    /// A session that reads the log.
    pub(crate) async fn read<T>(
        &self,
        access: &impl Access,
        work: impl AsyncFn(&mut Tx) -> Result<T>,
    ) -> Result<T> {
        self.0.read(access, work).await
    }

    /// A session that gives rows their places.
    pub(crate) async fn write<T>(
        &self,
        access: &impl Access,
        work: impl AsyncFn(&mut Tx) -> Result<T>,
    ) -> Result<T> {
        self.0.write(access, work).await
    }

    /// A session of the organization's SYSTEM user that reads the log.
    pub(crate) async fn service<T>(
        &self,
        scope: &ServiceScope,
        work: impl AsyncFn(&mut Tx) -> Result<T>,
    ) -> Result<T> {
        self.0.service(scope, work).await
    }

    /// Is it there? For readiness.
    pub(crate) async fn ping(&self) -> anyhow::Result<()> {
        self.0.ping().await
    }
}

/// One state transition as it was recorded.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct AuditRow {
    pub(crate) id: Uuid,
    pub(super) insertion_order: i64,
    pub(crate) deal_id: Option<Uuid>,
    pub(crate) user_id: Uuid,
    pub(crate) on_behalf_of: Option<Uuid>,
    pub(crate) event_type: String,
    pub(crate) entity_type: String,
    pub(crate) entity_id: Uuid,
    pub(crate) aggregate_version: i64,
    pub(crate) event_data: Value,
    pub(crate) request_id: Option<String>,
    pub(crate) cause_event_id: Option<Uuid>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) ip_address: Option<String>,
    pub(crate) created_at: OffsetDateTime,
}

impl AuditRow {
    /// The entity before; `null` at its creation.
    pub(crate) fn before(&self) -> &Value {
        &self.event_data["before"]
    }

    /// The entity after; `null` at its deletion.
    pub(crate) fn after(&self) -> &Value {
        &self.event_data["after"]
    }

    /// Its position in time.
    pub(crate) fn place(&self) -> Place {
        let at = self.created_at.unix_timestamp_nanos() / 1_000;
        Place {
            at: i64::try_from(at).unwrap_or(i64::MAX),
            order: self.insertion_order,
        }
    }
}

/// What an [`AuditRow`] is read from, of `audit.audit_log a`; its `event_data` comes with it.
pub(super) const COLUMNS: &str =
    "a.id, a.insertion_order, a.deal_id, a.user_id, a.on_behalf_of, a.event_type, a.entity_type, a.entity_id,
     a.aggregate_version, a.request_id, a.cause_event_id, a.idempotency_key, host(a.ip_address) AS ip_address, a.created_at";

/// The record without what people wrote at length, which no sentence about it repeats.
const WITHOUT_LONG_TEXTS: &str = "a.event_data #- '{before,description}' #- '{after,description}' #- '{before,body}' #- '{after,body}'";

/// A row's position in time: an instant in Unix microseconds, and the order among rows of one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    at: i64,
    order: i64,
}

impl Place {
    fn instant(self) -> Result<OffsetDateTime, Rejection> {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.at) * 1_000)
            .map_err(|_| Rejection::CursorInvalid)
    }
}

/// At most `limit` rows of a deal behind `after`, newest first, without the notices that were sent about it.
pub(crate) async fn deal_rows(
    tx: &Tx,
    deal_id: Uuid,
    after: Option<Place>,
    limit: u64,
) -> Result<Vec<AuditRow>> {
    let limit = i64::try_from(limit).map_err(anyhow::Error::from)?;
    let (at, order) = match after {
        Some(place) => (Some(place.instant()?), Some(place.order)),
        None => (None, None),
    };
    tx.all_built(
        format!(
            "SELECT {COLUMNS}, {WITHOUT_LONG_TEXTS} AS event_data FROM audit.audit_log a
              WHERE a.organization_id = $1 AND a.deal_id = $2 AND a.entity_type <> 'notification'
                AND ($3::timestamptz IS NULL OR (a.created_at, a.insertion_order) < ($3, $4))
              ORDER BY a.created_at DESC, a.insertion_order DESC LIMIT $5"
        ),
        vec![
            tx.actor().organization_id.into(),
            deal_id.into(),
            at.into(),
            order.into(),
            limit.into(),
        ],
    )
    .await
}

/// What last happened to one entity of a deal.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct LastRow {
    pub(crate) entity_type: String,
    pub(crate) entity_id: Uuid,
    /// The entity's version after it.
    pub(crate) version: i64,
    /// The entity before; `null` at its creation.
    pub(crate) before: Value,
    /// The entity after; `null` at its deletion.
    pub(crate) after: Value,
}

/// The last row of the deal, its plan and of each thing in it up to an instant, or of all time: folded, they are the
/// deal. Comments and notices are left out, as there may be any number of them.
pub(crate) async fn last_rows(
    tx: &Tx,
    deal_id: Uuid,
    until: Option<OffsetDateTime>,
) -> Result<Vec<LastRow>> {
    tx.all(
        "SELECT DISTINCT ON (entity_type, entity_id) entity_type, entity_id, aggregate_version AS version,
                event_data -> 'before' AS before, event_data -> 'after' AS after
           FROM audit.audit_log
          WHERE organization_id = $1 AND deal_id = $2 AND ($3::timestamptz IS NULL OR created_at <= $3)
            AND entity_type IN ('deal', 'plan', 'milestone', 'task', 'key_dates')
          ORDER BY entity_type, entity_id, aggregate_version DESC",
        [
            tx.actor().organization_id.into(),
            deal_id.into(),
            until.into(),
        ],
    )
    .await
}

#[derive(FromQueryResult)]
struct UserName {
    id: Uuid,
    full_name: String,
}

/// The names of users of the organization.
pub(crate) async fn names(
    tx: &Tx,
    users: Vec<Uuid>,
) -> Result<std::collections::HashMap<Uuid, String>> {
    let rows: Vec<UserName> = tx
        .all(
            "SELECT id, full_name FROM ctx.user_names($1)",
            [users.into()],
        )
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, row.full_name))
        .collect())
}
