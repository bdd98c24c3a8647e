//! Publishing a draft of a template: deals are made from it, and it never changes again.

use platform::{db::Tx, error::Result, http::conditional::ExpectedVersion};
use uuid::Uuid;

use super::write_template::{find, save};
use crate::repository::templates::StoredTemplate;

/// Publishes it. Rejections: `NOT_FOUND`, `VERSION_MISMATCH`, `TEMPLATE_PUBLISHED`.
pub(crate) async fn run(
    tx: &mut Tx,
    id: Uuid,
    expected: ExpectedVersion,
) -> Result<StoredTemplate> {
    let present = find(tx, id).await?;
    expected.check(present.version)?;
    let next = StoredTemplate {
        status: "PUBLISHED".to_owned(),
        version: present.version + 1,
        ..present.clone()
    };
    save(tx, "tasks.template.published", &present, &next).await?;
    Ok(next)
}
