//! The four shipped templates, for tests.

use std::{collections::BTreeMap, sync::LazyLock};

use super::{Template, parse};

/// Each shipped template by a short name.
pub(crate) const SHIPPED: [(&str, &str); 4] = [
    (
        "purchase",
        include_str!(
            "../../../../services/task-service/templates/us_residential_purchase_buyer.yaml"
        ),
    ),
    (
        "new construction",
        include_str!("../../../../services/task-service/templates/us_new_construction_buyer.yaml"),
    ),
    (
        "refinance",
        include_str!("../../../../services/task-service/templates/us_refinance.yaml"),
    ),
    (
        "listing",
        include_str!(
            "../../../../services/task-service/templates/us_residential_listing_seller.yaml"
        ),
    ),
];

static PARSED: LazyLock<BTreeMap<&str, Template>> = LazyLock::new(|| {
    SHIPPED
        .iter()
        .map(|(name, source)| (*name, parse(source).unwrap()))
        .collect()
});

/// The shipped template of this name, parsed.
pub(crate) fn shipped(name: &str) -> Template {
    PARSED[name].clone()
}
