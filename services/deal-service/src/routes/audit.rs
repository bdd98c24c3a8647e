//! `/api/audit`: the organization's audit log, for its administrators.

mod csv;
pub(crate) mod export;

use actix_web::{HttpResponse, web};
use contracts::field::{self, instant_text};
use domain::rejection::Rejection;
use platform::{
    error::Result,
    http::{
        Authorized, Cursors, Cut, Page, Query as Parameters, Routes, page::PAGE_BYTES_MAX,
        permission::ViewAudit,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::queries::{
    audit_log::Auditor,
    list_audit::{self, LogFilters, LogOrder, PlacedRow, Portion},
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/audit", list)
        .get("/api/audit/export", export::export)
}

/// What a list of audit rows is narrowed to, and how it is cut.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// The entity's id.
    entity: Option<Uuid>,
    /// Who did it.
    user: Option<Uuid>,
    /// What happened: `tasks.task.completed`.
    #[serde(rename = "type")]
    #[param(example = "tasks.task.completed")]
    event_type: Option<String>,
    /// This instant or later.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
    /// 1 to 100, 25 by default.
    limit: Option<u32>,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// One state transition as it was recorded.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditItem {
    id: Uuid,
    /// The row's place in the organization's log: 1, 2, 3 … without a gap.
    #[schema(minimum = 1)]
    sequence: i64,
    event_type: String,
    entity_type: String,
    entity_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    deal_id: Option<Uuid>,
    /// Who did it; the organization's SYSTEM user where nobody did.
    user_id: Uuid,
    /// On whose account the SYSTEM user did it.
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<Uuid>,
    /// From where; `null` for the SYSTEM user.
    ip_address: Option<String>,
    request_id: Option<String>,
    /// The event that led to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause_event_id: Option<Uuid>,
    /// The idempotency key of the request that led to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<String>,
    /// The entity's version after it.
    version: i64,
    #[schema(format = DateTime)]
    created_at: String,
    /// The entity before; `null` at its creation.
    #[schema(value_type = Option<Object>)]
    before: Value,
    /// The entity after; `null` at its deletion.
    #[schema(value_type = Option<Object>)]
    after: Value,
}

impl AuditItem {
    fn of(placed: &PlacedRow) -> Self {
        let row = &placed.row;
        Self {
            id: row.id,
            sequence: placed.sequence,
            event_type: row.event_type.clone(),
            entity_type: row.entity_type.clone(),
            entity_id: row.entity_id,
            deal_id: row.deal_id,
            user_id: row.user_id,
            on_behalf_of: row.on_behalf_of,
            ip_address: row.ip_address.clone(),
            request_id: row.request_id.clone(),
            cause_event_id: row.cause_event_id,
            idempotency_key: row.idempotency_key.clone(),
            version: row.aggregate_version,
            created_at: instant_text(row.created_at),
            before: row.before().clone(),
            after: row.after().clone(),
        }
    }
}

/// The organization's audit log, newest first. A page ends early where its rows are large; `nextCursor` says whether there
/// are more.
///
/// **Permissions**: ADMIN.
#[utoipa::path(get, path = "/api/audit", operation_id = "listAudit", tag = "audit", params(AuditQuery),
    responses((status = 200, description = "A page of the log", body = Page<AuditItem>)))]
pub(crate) async fn list(
    caller: Authorized<ViewAudit>,
    query: Parameters<AuditQuery>,
    cursors: web::Data<Cursors>,
    auditor: web::Data<Auditor>,
) -> Result<HttpResponse> {
    let query = query.0;
    let filters = LogFilters {
        entity_id: query.entity,
        user_id: query.user,
        event_type: query.event_type.clone(),
        from: instant("from", query.from.as_deref())?,
        to: instant("to", query.to.as_deref())?,
    };
    let scope = (
        query.entity,
        query.user,
        &query.event_type,
        &query.from,
        &query.to,
    );
    list_audit::place(&auditor, &caller).await?;
    let page = auditor
        .read(&caller, async |tx| {
            let cursor = query.cursor.as_deref();
            let cut: Cut<i64> = cursors.cut(tx, "audit", &scope, query.limit, cursor)?;
            let portion = Portion {
                order: LogOrder::NewestFirst,
                after: cut.after,
                rows: cut.limit,
                bytes: PAGE_BYTES_MAX,
            };
            let read = list_audit::run(tx, &filters, portion).await?;
            cut.page_of(read.rows, read.more, |placed| placed.sequence)
        })
        .await?;
    Ok(HttpResponse::Ok().json(page.map(|placed| AuditItem::of(&placed))))
}

fn instant(field: &'static str, text: Option<&str>) -> Result<Option<OffsetDateTime>, Rejection> {
    text.map(|text| {
        field::instant(field, text).map_err(|_| {
            Rejection::field(
                field,
                "format",
                format!("{field} must be an instant with its offset, such as 2026-03-02T14:05:00Z"),
            )
        })
    })
    .transpose()
}
