//! Templates: the shipped ones, which everybody reads, and those of an organization.

use std::sync::Arc;

use domain::template::Template;
use platform::{
    db::{Tx, is_violation},
    error::{Error, Result},
};
use sea_orm::{FromQueryResult, Value as SqlValue};
use uuid::Uuid;

use super::tasks::require_all;
use crate::parsing;

/// The organization id of the shipped templates, which belong to none.
const SHIPPED: Uuid = Uuid::nil();

/// A version of a template.
#[derive(Clone, Debug, FromQueryResult)]
pub(crate) struct StoredTemplate {
    pub(crate) id: Uuid,
    /// The nil id for a shipped one.
    pub(crate) organization_id: Uuid,
    pub(crate) key: String,
    pub(crate) template_version: i32,
    pub(crate) name: String,
    pub(crate) deal_type: String,
    /// DRAFT or PUBLISHED.
    pub(crate) status: String,
    pub(crate) source: String,
    pub(crate) version: i64,
}

impl StoredTemplate {
    /// Whether this version can no longer change.
    pub(crate) fn is_published(&self) -> bool {
        self.status == "PUBLISHED"
    }

    /// What the source says. It was parsed before it was stored, so a mistake is ours.
    pub(crate) async fn parsed(&self, tx: &Tx) -> Result<Arc<Template>> {
        let parsed = if self.is_published() {
            parsing::of_published(tx, self.id, &self.source).await
        } else {
            parsing::of_source(tx, &self.source).await
        };
        parsed.map_err(|error| match error {
            Error::Rejected(mistakes) => {
                anyhow::anyhow!("the stored template {} is wrong: {mistakes}", self.id).into()
            }
            other => other,
        })
    }
}

/// The template of this id, if it is a shipped one or the organization's own.
pub(crate) async fn find(tx: &Tx, id: Uuid) -> Result<Option<StoredTemplate>> {
    tx.first(
        "SELECT id, organization_id, key, template_version, name, deal_type, status, source, version
           FROM templates WHERE id = $1 AND organization_id IN ($2, $3)",
        [
            id.into(),
            tx.actor().organization_id.into(),
            SHIPPED.into(),
        ],
    )
    .await
}

/// The newest published version under a key; the organization's own before the shipped one.
pub(crate) async fn find_by_key(tx: &Tx, key: &str) -> Result<Option<StoredTemplate>> {
    tx.first(
        "SELECT id, organization_id, key, template_version, name, deal_type, status, source, version
           FROM templates WHERE key = $1 AND status = 'PUBLISHED' AND organization_id IN ($2, $3)
          ORDER BY (organization_id = $2) DESC, template_version DESC LIMIT 1",
        [
            key.into(),
            tx.actor().organization_id.into(),
            SHIPPED.into(),
        ],
    )
    .await
}

/// A page of the templates that the organization has, by key and version. `after` is the last one's place.
pub(crate) async fn list(
    tx: &Tx,
    after: Option<(String, i32, Uuid)>,
    fetch: u64,
) -> Result<Vec<StoredTemplate>> {
    let mut sql = "SELECT id, organization_id, key, template_version, name, deal_type, status, source, version
                     FROM templates WHERE organization_id IN ($1, $2)"
        .to_owned();
    let mut values: Vec<SqlValue> = vec![tx.actor().organization_id.into(), SHIPPED.into()];
    if let Some((key, version, id)) = after {
        sql.push_str(" AND (key, template_version, id) > ($3, $4, $5)");
        values.extend([key.into(), version.into(), id.into()]);
    }
    sql.push_str(" ORDER BY key, template_version, id LIMIT ");
    sql.push_str(&fetch.to_string());
    tx.all_built(sql, values).await
}

/// The highest version under a key in the caller's organization; 0 without any.
pub(crate) async fn last_version(tx: &Tx, key: &str) -> Result<i32> {
    #[derive(FromQueryResult)]
    struct Last {
        last: i32,
    }
    let last: Option<Last> = tx
        .first(
            "SELECT coalesce(max(template_version), 0) AS last FROM templates WHERE organization_id = $1 AND key = $2",
            [tx.actor().organization_id.into(), key.into()],
        )
        .await?;
    Ok(last.map_or(0, |last| last.last))
}

/// Adds a template. If somebody else added the same version just now, the session is tried again, with the next one.
pub(crate) async fn insert(tx: &Tx, template: &StoredTemplate) -> Result<()> {
    let added = tx
        .run(
            "INSERT INTO templates (id, organization_id, key, template_version, name, deal_type, status, source, version)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            [
                template.id.into(),
                template.organization_id.into(),
                template.key.clone().into(),
                template.template_version.into(),
                template.name.clone().into(),
                template.deal_type.clone().into(),
                template.status.clone().into(),
                template.source.clone().into(),
                template.version.into(),
            ],
        )
        .await
        .map_err(|error| {
            if is_violation(&error, "templates_key_version_key") {
                let reason = format!("another version of {} was added", template.key);
                return Error::Busy { reason };
            }
            error
        })?;
    require_all(added, 1)
}

/// Writes a draft, or publishes it, at its next version. `false`: it changed meanwhile, or is published.
pub(crate) async fn update(tx: &Tx, template: &StoredTemplate) -> Result<bool> {
    let changed = tx
        .run(
            "UPDATE templates SET name = $3, deal_type = $4, status = $5, source = $6, version = $7
              WHERE organization_id = $1 AND id = $2 AND version = $7 - 1 AND status = 'DRAFT'",
            [
                template.organization_id.into(),
                template.id.into(),
                template.name.clone().into(),
                template.deal_type.clone().into(),
                template.status.clone().into(),
                template.source.clone().into(),
                template.version.into(),
            ],
        )
        .await?;
    Ok(changed == 1)
}
