//! The templates that Haushavn ships, built into the program.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use anyhow::Context as _;
use domain::template::{FactKind, Template, parse};
use platform::config::Secret;
use sqlx::{Connection as _, postgres::PgConnection};
use uuid::Uuid;

/// The sources. A published version never changes: an edit needs a new `version` in the file.
const SOURCES: [&str; 4] = [
    include_str!("../templates/us_residential_purchase_buyer.yaml"),
    include_str!("../templates/us_residential_listing_seller.yaml"),
    include_str!("../templates/us_new_construction_buyer.yaml"),
    include_str!("../templates/us_refinance.yaml"),
];

/// Every fact that a shipped template asks about, with the sorts of value that it compares it with.
static FACT_KINDS: LazyLock<BTreeMap<String, BTreeSet<FactKind>>> = LazyLock::new(|| {
    let mut kinds: BTreeMap<String, BTreeSet<FactKind>> = BTreeMap::new();
    for template in SOURCES.iter().filter_map(|source| parse(source).ok()) {
        for (name, of_fact) in template.fact_kinds() {
            kinds.entry(name.to_owned()).or_default().extend(of_fact);
        }
    }
    kinds
});

/// The sorts of value with which shipped templates compare this fact; `None` if none asks about it.
pub(crate) fn fact_kinds(name: &str) -> Option<&'static BTreeSet<FactKind>> {
    FACT_KINDS.get(name)
}

/// Loads them as the schema's owner. Loading again changes nothing; a source that was edited without a new
/// version is refused. Answers how many were added.
pub(crate) async fn load(url: &Secret) -> anyhow::Result<u64> {
    let mut connection = PgConnection::connect(url.expose())
        .await
        .context("failed to connect as the migration role")?;
    let mut transaction = connection.begin().await?;
    let mut added = 0;
    for source in SOURCES {
        let template = parse(source)
            .map_err(|mistakes| anyhow::anyhow!("a shipped template is wrong: {mistakes:?}"))?;
        added += load_one(&mut transaction, &template, source)
            .await
            .with_context(|| format!("failed to load the template {}", template.key))?;
    }
    transaction.commit().await?;
    Ok(added)
}

async fn load_one(
    connection: &mut PgConnection,
    template: &Template,
    source: &str,
) -> anyhow::Result<u64> {
    let version = i32::try_from(template.version)?;
    let present: Option<String> = sqlx::query_scalar(
        "SELECT source FROM task.templates WHERE organization_id = $1 AND key = $2 AND template_version = $3",
    )
    .bind(Uuid::nil())
    .bind(&template.key)
    .bind(version)
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(present) = present {
        anyhow::ensure!(
            present == source,
            "version {version} is loaded already and never changes: give the file a new version"
        );
        return Ok(0);
    }
    let done = sqlx::query(
        "INSERT INTO task.templates (id, organization_id, key, template_version, name, deal_type, status, source)
         VALUES ($1, $2, $3, $4, $5, $6, 'PUBLISHED', $7)",
    )
    .bind(Uuid::now_v7())
    .bind(Uuid::nil())
    .bind(&template.key)
    .bind(version)
    .bind(&template.name)
    .bind(template.deal_type.as_str())
    .bind(source)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_template_is_well_formed_and_has_a_key_of_its_own() {
        let keys: BTreeSet<String> = SOURCES
            .iter()
            .map(|source| parse(source).unwrap().key)
            .collect();
        assert_eq!(keys.len(), SOURCES.len());
        let kinds = BTreeSet::from([FactKind::Text]);
        assert_eq!(fact_kinds("financing_type"), Some(&kinds));
    }
}
