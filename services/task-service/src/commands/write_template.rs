//! What adding, changing and publishing an organization's template have in common.

use domain::rejection::Rejection;
use platform::{
    db::{Change, Tx},
    error::Result,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::repository::templates::{self, StoredTemplate};

/// The template. A shipped one is found as well; being published, it cannot be saved. Rejections: `NOT_FOUND`.
pub(super) async fn find(tx: &Tx, id: Uuid) -> Result<StoredTemplate> {
    Ok(templates::find(tx, id).await?.ok_or(Rejection::NotFound)?)
}

/// Writes a draft at its next version, and tells. Rejections: `TEMPLATE_PUBLISHED`, `VERSION_CONFLICT`.
pub(super) async fn save(
    tx: &mut Tx,
    event_type: &'static str,
    present: &StoredTemplate,
    next: &StoredTemplate,
) -> Result<()> {
    if present.is_published() {
        return Err(Rejection::TemplatePublished.into());
    }
    if !templates::update(tx, next).await? {
        let current = present.version + 1;
        return Err(Rejection::VersionConflict { current }.into());
    }
    tell(tx, event_type, Some(present), next);
    Ok(())
}

/// Nobody else listens: a deal names the version that it was made from.
pub(super) fn tell(
    tx: &mut Tx,
    event_type: &'static str,
    before: Option<&StoredTemplate>,
    after: &StoredTemplate,
) {
    tx.emit(Change {
        entity_type: "template",
        entity_id: after.id,
        version: after.version,
        deal_id: None,
        event_type,
        event: None,
        before: before.map_or(Value::Null, record),
        after: record(after),
    });
}

fn record(template: &StoredTemplate) -> Value {
    json!({
        "id": template.id,
        "key": template.key,
        "templateVersion": template.template_version,
        "name": template.name,
        "dealType": template.deal_type,
        "status": template.status,
        "source": template.source,
        "version": template.version,
    })
}
