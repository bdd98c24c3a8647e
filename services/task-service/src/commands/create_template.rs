//! Adding a template of the organization's own: a draft, the next version under its key.

use platform::{db::Tx, error::Result};

use super::write_template::tell;
use crate::{
    parsing,
    repository::templates::{self, StoredTemplate},
};

/// Adds it. Rejections: `TEMPLATE_INVALID`.
pub(crate) async fn run(tx: &mut Tx, source: &str) -> Result<StoredTemplate> {
    let template = parsing::of_source(tx, source).await?;
    let stored = StoredTemplate {
        id: tx.new_id(),
        organization_id: tx.actor().organization_id,
        template_version: templates::last_version(tx, &template.key).await? + 1,
        key: template.key.clone(),
        name: template.name.clone(),
        deal_type: template.deal_type.as_str().to_owned(),
        status: "DRAFT".to_owned(),
        source: source.to_owned(),
        version: 1,
    };
    templates::insert(tx, &stored).await?;
    tell(tx, "tasks.template.created", None, &stored);
    Ok(stored)
}
