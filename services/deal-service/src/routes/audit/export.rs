//! `/api/audit/export`: the whole log as a file, page by page.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Bytes},
};
use domain::rejection::Rejection;
use futures::{Stream, StreamExt as _, stream};
use platform::{
    error::{Error, Result},
    http::{Authorized, Query as Parameters, paced, permission::ViewAudit},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{AuditItem, csv, instant};
use crate::queries::{
    audit_log::Auditor,
    list_audit::{self, LogFilters, LogOrder, PlacedRow, Portion},
};

/// Rows that an export reads in one session, at most.
const PAGE_ROWS: u32 = 500;
/// Bytes of records that an export reads in one session, at most, but for the last few rows: an export holds about three
/// such pages.
const PAGE_BYTES: usize = 256 * 1024;
/// Pages that are read ahead of the reader.
const PAGES_AHEAD: usize = 1;
/// A reader who does not take a page within this time loses its export.
const READER_PATIENCE: Duration = Duration::from_secs(30);
/// Exports of one organization at a time.
const EXPORTS_OF_AN_ORGANIZATION: usize = 2;
/// Exports at a time: they share the log's few connections with those who look at the log.
const EXPORTS_MAX: usize = 8;
/// `Retry-After` of a refused export, in seconds.
const RETRY_AFTER_SECONDS: u64 = 10;

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
    /// `jsonl` (default, exact) or `csv`.
    #[serde(default)]
    #[param(value_type = Option<String>, example = "jsonl", pattern = "^(jsonl|csv)$")]
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

/// The exports under way, by organization.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exports(Arc<Mutex<HashMap<Uuid, usize>>>);

/// A place among the exports under way, until it is dropped.
#[derive(Debug)]
struct ExportPlace {
    exports: Exports,
    organization_id: Uuid,
}

impl Exports {
    /// Takes a place. 429 when the organization has its own already, 503 when others have them all.
    fn enter(&self, organization_id: Uuid) -> Result<ExportPlace> {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.get(&organization_id).copied().unwrap_or_default()
            >= EXPORTS_OF_AN_ORGANIZATION
        {
            return Err(Rejection::RateLimited {
                retry_after_seconds: RETRY_AFTER_SECONDS,
            }
            .into());
        }
        if under_way.values().sum::<usize>() >= EXPORTS_MAX {
            return Err(Error::Unavailable {
                retry_after_s: RETRY_AFTER_SECONDS,
                reason: "too many exports of the audit log are under way".to_owned(),
            });
        }
        *under_way.entry(organization_id).or_default() += 1;
        Ok(ExportPlace {
            exports: self.clone(),
            organization_id,
        })
    }
}

impl Drop for ExportPlace {
    fn drop(&mut self) {
        let mut under_way = self
            .exports
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = under_way.get_mut(&self.organization_id) {
            *count -= 1;
            if *count == 0 {
                under_way.remove(&self.organization_id);
            }
        }
    }
}

/// The audit log as a file, oldest first, with every column: a file of JSON lines or CSV, streamed.
///
/// JSON lines are exact. In CSV a text that a spreadsheet would run as a formula (it begins with `=`, `+`, `-`, `@`, a
/// tab or a line break) or that begins with an apostrophe has an apostrophe in front: remove one from every cell that
/// begins with one, and the file is what the log says. Numbers stay numbers.
///
/// An organization has two exports at a time. If the client reads nothing for half a minute, the file breaks off.
///
/// **Permissions**: ADMIN. **Rejections**: `RATE_LIMITED` while two exports of the organization are under way.
#[utoipa::path(get, path = "/api/audit/export", operation_id = "exportAudit", tag = "audit", params(ExportQuery),
    responses((status = 200, description = "The log", content((String = "application/x-ndjson"), (String = "text/csv")))))]
pub(crate) async fn export(
    caller: Authorized<ViewAudit>,
    query: Parameters<ExportQuery>,
    auditor: web::Data<Auditor>,
    exports: web::Data<Exports>,
) -> Result<HttpResponse> {
    let query = query.0;
    let format = query.format;
    let filters = LogFilters {
        entity_id: query.entity,
        user_id: query.user,
        event_type: query.event_type,
        from: instant("from", query.from.as_deref())?,
        to: instant("to", query.to.as_deref())?,
    };
    let organization_id = auditor
        .read(&caller, async |tx| Ok(tx.actor().organization_id))
        .await?;
    let place = exports.enter(organization_id)?;
    list_audit::place(&auditor, &caller).await?;
    let export = Export {
        auditor,
        caller,
        filters,
        format,
        next: Next::Page(None),
        _place: place,
    };
    // A refusal must come before the first byte.
    let (first, export) = export.page().await?;
    let head = match format {
        ExportFormat::Jsonl => Vec::new(),
        ExportFormat::Csv => csv::heading()?,
    };
    let (content_type, name) = match format {
        ExportFormat::Jsonl => ("application/x-ndjson", "audit.jsonl"),
        ExportFormat::Csv => ("text/csv; charset=utf-8", "audit.csv"),
    };
    let begun = stream::iter([Bytes::from(head), first].map(Ok::<_, Error>));
    let body = paced(begun.chain(rest(export)), PAGES_AHEAD, READER_PATIENCE);
    Ok(HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{name}\""),
        ))
        .streaming(body))
}

/// An export under way. Each page is a session of its own, which decides again whether the caller may read.
struct Export {
    auditor: web::Data<Auditor>,
    caller: Authorized<ViewAudit>,
    filters: LogFilters,
    format: ExportFormat,
    next: Next,
    _place: ExportPlace,
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
        let portion = Portion {
            order: LogOrder::OldestFirst,
            after,
            rows: PAGE_ROWS,
            bytes: PAGE_BYTES,
        };
        let read = self
            .auditor
            .read(&self.caller, async |tx| {
                list_audit::run(tx, filters, portion).await
            })
            .await?;
        let mut text = Vec::new();
        for row in &read.rows {
            text.extend(written(row, self.format)?);
        }
        let next = match read.rows.last() {
            Some(last) if read.more => Next::Page(Some(last.sequence)),
            _ => Next::End,
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

fn written(row: &PlacedRow, format: ExportFormat) -> Result<Vec<u8>> {
    let item = AuditItem::of(row);
    match format {
        ExportFormat::Jsonl => {
            let mut line = serde_json::to_vec(&item).map_err(anyhow::Error::from)?;
            line.push(b'\n');
            Ok(line)
        }
        ExportFormat::Csv => csv::line(&item),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organization_has_two_exports_and_all_together_have_eight() {
        let exports = Exports::default();
        let own = Uuid::from_u128(1);
        let first = exports.enter(own).unwrap();
        let _second = exports.enter(own).unwrap();
        assert!(matches!(
            exports.enter(own),
            Err(Error::Rejected(Rejection::RateLimited { .. }))
        ));
        drop(first);
        let again = exports.enter(own).unwrap();
        let others: Vec<ExportPlace> = (2..8)
            .map(|number| exports.enter(Uuid::from_u128(number)).unwrap())
            .collect();
        assert!(matches!(
            exports.enter(Uuid::from_u128(99)),
            Err(Error::Unavailable { .. })
        ));
        drop((again, others));
        exports.enter(Uuid::from_u128(99)).unwrap();
    }
}
