//! The templates that Haushavn ships, built into the program.

use std::{collections::BTreeSet, sync::LazyLock};

use anyhow::Context as _;
use domain::template::{Template, parse};
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

/// Every name of a fact that a shipped template asks about.
static FACT_NAMES: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let templates = SOURCES.iter().filter_map(|source| parse(source).ok());
    templates
        .flat_map(|template| {
            let names = template.fact_names().into_iter().map(str::to_owned);
            names.collect::<Vec<_>>()
        })
        .collect()
});

/// Every name of a fact that a shipped template asks about.
pub(crate) fn fact_names() -> impl Iterator<Item = &'static str> {
    FACT_NAMES.iter().map(String::as_str)
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
        assert!(fact_names().any(|name| name == "financing_type"));
    }
}
