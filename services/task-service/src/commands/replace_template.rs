//! Replacing what a draft of a template says. Its key stays.

use domain::rejection::Rejection;
use platform::{db::Tx, error::Result, http::conditional::ExpectedVersion};
use uuid::Uuid;

use super::write_template::{find, save};
use crate::{parsing, repository::templates::StoredTemplate};

/// Replaces the source by what `source` makes of the present draft. Rejections: `NOT_FOUND`, `TEMPLATE_INVALID`,
/// `VERSION_MISMATCH`, `VERSION_CONFLICT`, `TEMPLATE_PUBLISHED`, and of `source` if its key changes.
pub(crate) async fn run(
    tx: &mut Tx,
    id: Uuid,
    source: impl Fn(&StoredTemplate) -> Result<String>,
    expected: ExpectedVersion,
) -> Result<StoredTemplate> {
    let present = find(tx, id).await?;
    let source = source(&present)?;
    let template = parsing::of_source(tx, &source).await?;
    if template.key != present.key {
        let message = format!("source must keep the key {}", present.key);
        return Err(Rejection::field("source", "key", message).into());
    }
    expected.check(present.version)?;
    let next = StoredTemplate {
        name: template.name.clone(),
        deal_type: template.deal_type.as_str().to_owned(),
        source,
        version: present.version + 1,
        ..present.clone()
    };
    save(tx, "tasks.template.updated", &present, &next).await?;
    Ok(next)
}
