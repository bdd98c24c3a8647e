//! What adding, changing and publishing an organization's template have in common.

use domain::rejection::Rejection;
use platform::{
    db::{Change, Tx},
    error::Result,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::repository::templates::{self, StoredTemplate};

/// The template. A shipped one is found as well; being published, it cannot be saved. Rejections: `NOT_FOUND`.
pub(super) async fn find(tx: &Tx, id: Uuid) -> Result<StoredTemplate> {
    Ok(templates::find(tx, id).await?.ok_or(Rejection::NotFound)?)
}

/// Writes a draft at its next version, and records the change. Rejections: `TEMPLATE_PUBLISHED`, `VERSION_CONFLICT`.
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

/// Only the audit log has it: a deal names the version that it was made from. The log holds a source once, in the row
/// that brought it; other rows have its digest.
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
        after: record_with_news(before, after),
    });
}

fn record_with_news(before: Option<&StoredTemplate>, after: &StoredTemplate) -> Value {
    let mut written = record(after);
    if before.is_none_or(|before| before.source != after.source) {
        written["source"] = after.source.clone().into();
    }
    written
}

fn record(template: &StoredTemplate) -> Value {
    json!({
        "id": template.id,
        "key": template.key,
        "templateVersion": template.template_version,
        "name": template.name,
        "dealType": template.deal_type,
        "status": template.status,
        "sourceBytes": template.source.len(),
        "sourceSha256": hex::encode(Sha256::digest(&template.source)),
        "version": template.version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_holds_a_source_once() {
        let draft = StoredTemplate {
            id: Uuid::nil(),
            organization_id: Uuid::nil(),
            key: "ours".to_owned(),
            template_version: 1,
            name: "Ours".to_owned(),
            deal_type: "PURCHASE".to_owned(),
            status: "DRAFT".to_owned(),
            source: "key: ours".to_owned(),
            version: 1,
        };
        let published = StoredTemplate {
            status: "PUBLISHED".to_owned(),
            version: 2,
            ..draft.clone()
        };
        let changed = StoredTemplate {
            source: "key: ours # other".to_owned(),
            version: 2,
            ..draft.clone()
        };
        let source_of = |row: &Value| row.get("source").cloned();
        assert_eq!(source_of(&record(&draft)), None);
        assert_eq!(
            source_of(&record_with_news(None, &draft)),
            Some(draft.source.clone().into())
        );
        assert_eq!(source_of(&record_with_news(Some(&draft), &published)), None);
        let news = record_with_news(Some(&draft), &changed);
        assert_eq!(source_of(&news), Some(changed.source.clone().into()));
        assert_ne!(news["sourceSha256"], record(&draft)["sourceSha256"]);
    }
}
