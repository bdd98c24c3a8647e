//! `/api/audit`: the organization's audit log, for its administrators.

use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Bytes},
};
use contracts::field::{self, instant_text};
use domain::rejection::Rejection;
use futures::{Stream, stream};
use platform::{
    error::{Error, Result},
    http::{Authorized, Cursors, Cut, Page, Query as Parameters, Routes, permission::ViewAudit},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::queries::{
    audit_log::Auditor,
    list_audit::{self, LogFilters, LogOrder, PlacedRow},
};

/// Rows that an export reads in one session.
const EXPORT_PAGE: u64 = 500;

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/audit", list)
        .get("/api/audit/export", export)
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

/// What an export is narrowed to, and how it is written.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// The entity's id.
    entity: Option<Uuid>,
    /// Who did it.
    user: Option<Uuid>,
    /// What happened: `tasks.task.completed`.
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// This instant or later.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Before this instant.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
    /// `jsonl` (default) or `csv`.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "jsonl")]
    format: ExportFormat,
}

/// How an export is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ExportFormat {
    /// One JSON object a line.
    #[default]
    Jsonl,
    /// Comma-separated values, with a heading.
    Csv,
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

/// The organization's audit log, newest first.
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
            let order = LogOrder::NewestFirst;
            let rows = list_audit::run(tx, &filters, order, cut.after, cut.fetch()).await?;
            cut.page(rows, |placed| placed.sequence)
        })
        .await?;
    Ok(HttpResponse::Ok().json(page.map(|placed| AuditItem::of(&placed))))
}

/// The audit log as a file, oldest first, with every column: a file of JSON lines or CSV, streamed.
///
/// **Permissions**: ADMIN.
#[utoipa::path(get, path = "/api/audit/export", operation_id = "exportAudit", tag = "audit", params(ExportQuery),
    responses((status = 200, description = "The log", content_type = "application/x-ndjson", body = String)))]
pub(crate) async fn export(
    caller: Authorized<ViewAudit>,
    query: Parameters<ExportQuery>,
    auditor: web::Data<Auditor>,
) -> Result<HttpResponse> {
    let query = query.0;
    let format = query.format;
    let export = Export {
        auditor,
        caller,
        filters: LogFilters {
            entity_id: query.entity,
            user_id: query.user,
            event_type: query.event_type,
            from: instant("from", query.from.as_deref())?,
            to: instant("to", query.to.as_deref())?,
        },
        format,
        next: Next::Page(None),
    };
    list_audit::place(&export.auditor, &export.caller).await?;
    // A refusal must come before the first byte.
    let (first, export) = export.page().await?;
    let head = Bytes::from(match format {
        ExportFormat::Jsonl => String::new(),
        ExportFormat::Csv => CSV_HEADING.to_owned(),
    });
    let (content_type, name) = match format {
        ExportFormat::Jsonl => ("application/x-ndjson", "audit.jsonl"),
        ExportFormat::Csv => ("text/csv; charset=utf-8", "audit.csv"),
    };
    let begun = stream::iter([head, first].map(Ok::<_, Error>));
    let body = futures::StreamExt::chain(begun, rest(export));
    Ok(HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ))
        .streaming(body))
}

/// An export under way. Each page is a session of its own, which decides anew whether the caller may read.
struct Export {
    auditor: web::Data<Auditor>,
    caller: Authorized<ViewAudit>,
    filters: LogFilters,
    format: ExportFormat,
    next: Next,
}

/// What an export reads next.
#[derive(Clone, Copy)]
enum Next {
    /// The page behind this place.
    Page(Option<i64>),
    /// Nothing: the end was reached.
    End,
}

impl Export {
    async fn page(self) -> Result<(Bytes, Self)> {
        let Next::Page(after) = self.next else {
            return Ok((Bytes::new(), self));
        };
        let filters = &self.filters;
        let rows = self
            .auditor
            .read(&self.caller, async |tx| {
                list_audit::run(tx, filters, LogOrder::OldestFirst, after, EXPORT_PAGE).await
            })
            .await?;
        let mut text = String::new();
        for row in &rows {
            text.push_str(&written(row, self.format)?);
        }
        let next = match rows.last() {
            Some(last) => Next::Page(Some(last.sequence)),
            None => Next::End,
        };
        Ok((Bytes::from(text), Self { next, ..self }))
    }
}

fn rest(export: Export) -> impl Stream<Item = Result<Bytes>> {
    stream::try_unfold(export, |export| async move {
        match export.next {
            Next::End => Ok(None),
            Next::Page(_) => export.page().await.map(Some),
        }
    })
}

const CSV_HEADING: &str = "id,sequence,eventType,entityType,entityId,dealId,userId,onBehalfOf,ipAddress,requestId,\
     causeEventId,idempotencyKey,version,createdAt,before,after\r\n";

fn written(row: &PlacedRow, format: ExportFormat) -> Result<String> {
    let item = AuditItem::of(row);
    match format {
        ExportFormat::Jsonl => {
            let line = serde_json::to_string(&item).map_err(anyhow::Error::from)?;
            Ok(format!("{line}\n"))
        }
        ExportFormat::Csv => Ok(csv_line(&item)),
    }
}

fn csv_line(item: &AuditItem) -> String {
    let id = |id: &Option<Uuid>| id.map(|id| id.to_string()).unwrap_or_default();
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let cells = [
        item.id.to_string(),
        item.sequence.to_string(),
        item.event_type.clone(),
        item.entity_type.clone(),
        item.entity_id.to_string(),
        id(&item.deal_id),
        item.user_id.to_string(),
        id(&item.on_behalf_of),
        text(&item.ip_address),
        text(&item.request_id),
        id(&item.cause_event_id),
        text(&item.idempotency_key),
        item.version.to_string(),
        item.created_at.clone(),
        item.before.to_string(),
        item.after.to_string(),
    ];
    let cells: Vec<String> = cells.iter().map(|cell| csv_cell(cell)).collect();
    format!("{}\r\n", cells.join(","))
}

/// A cell after RFC 4180. What a spreadsheet would take for a formula gets an apostrophe in front.
fn csv_cell(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        let cases = [
            ("plain", "plain", "nothing special"),
            ("a,b", "\"a,b\"", "a comma"),
            ("say \"x\"", "\"say \"\"x\"\"\"", "quotes"),
            ("=1+1", "'=1+1", "a formula"),
        ];
        for (text, expected, why) in cases {
            assert_eq!(csv_cell(text), expected, "{why}");
        }
    }
}
