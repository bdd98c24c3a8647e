//! The four shipped templates, for tests.

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

/// The shipped template of this name, parsed.
pub(crate) fn shipped(name: &str) -> Template {
    let (_, source) = SHIPPED
        .iter()
        .find(|(shipped, _)| *shipped == name)
        .unwrap();
    parse(source).unwrap()
}
