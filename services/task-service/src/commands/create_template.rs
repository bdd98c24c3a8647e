//! Adding a template of the organization's own: a draft, the next version under its key.

use platform::{db::Tx, error::Result};

use super::write_template::{read, tell};
use crate::repository::templates::{self, StoredTemplate};

/// Adds it. Rejections: `TEMPLATE_INVALID`.
pub(crate) async fn run(tx: &mut Tx, source: &str) -> Result<StoredTemplate> {
    let template = read(source)?;
    let stored = StoredTemplate {
        id: tx.new_id(),
        organization_id: tx.actor().organization_id,
        template_version: templates::last_version(tx, &template.key).await? + 1,
        key: template.key,
        name: template.name,
        deal_type: template.deal_type.as_str().to_owned(),
        status: "DRAFT".to_owned(),
        source: source.to_owned(),
        version: 1,
    };
    templates::insert(tx, &stored).await?;
    tell(tx, "tasks.template.created", None, &stored);
    Ok(stored)
}
