//! The templates that the caller's organization can use: the shipped ones and its own, by key and version.

use platform::{
    db::Tx,
    error::Result,
    http::page::{Cursors, Cut, Page},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::repository::templates::{self, StoredTemplate};

/// The query parameters.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct ListTemplates {
    /// 1 to 100, default 25.
    limit: Option<u32>,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// A version of a template, without what it says.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateSummary {
    pub(super) id: Uuid,
    /// The template's stable name, under which deals are made from its newest published version.
    #[schema(example = "us_residential_purchase_buyer")]
    key: String,
    /// Counts the versions under this key.
    template_version: i32,
    name: String,
    /// PURCHASE, LISTING, REFINANCE or NEW_CONSTRUCTION.
    deal_type: String,
    /// DRAFT or PUBLISHED; a published version never changes.
    status: String,
    /// Whether it came with the product; the others are the organization's own.
    shipped: bool,
    pub(super) version: i64,
}

impl TemplateSummary {
    /// The summary of a stored version.
    pub(crate) fn of(stored: &StoredTemplate) -> Self {
        Self {
            id: stored.id,
            key: stored.key.clone(),
            template_version: stored.template_version,
            name: stored.name.clone(),
            deal_type: stored.deal_type.clone(),
            status: stored.status.clone(),
            shipped: stored.organization_id.is_nil(),
            version: stored.version,
        }
    }
}

/// The place of a template in the order: key, version, id.
type Place = (String, i32, Uuid);

/// A page of them. Rejections: of `limit`; `CURSOR_INVALID`.
pub(crate) async fn run(
    tx: &Tx,
    cursors: &Cursors,
    query: &ListTemplates,
) -> Result<Page<TemplateSummary>> {
    let cursor = query.cursor.as_deref();
    let cut: Cut<Place> = cursors.cut(tx, "templates:key", &(), query.limit, cursor)?;
    let rows = templates::list(tx, cut.after.clone(), cut.fetch()).await?;
    let page = cut.page(rows, |stored| {
        (stored.key.clone(), stored.template_version, stored.id)
    })?;
    Ok(page.map(|stored| TemplateSummary::of(&stored)))
}
