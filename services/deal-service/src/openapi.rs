//! This service's OpenAPI document, and the door of each operation.

use platform::http::{
    openapi::{Door, finish, print},
    permission::{
        CreateDeals, ManageDeals, ManageOrganization, ViewAudit, ViewDealActivity, ViewDeals,
    },
};
use utoipa::OpenApi;

use crate::routes::{audit, deals, parties, status, views};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "deal-service",
        description = "Deals, their parties, and what people see of them."
    ),
    paths(
        deals::list,
        deals::create,
        deals::get,
        deals::put,
        deals::patch,
        deals::delete,
        parties::list,
        parties::add,
        parties::get,
        parties::put,
        parties::patch,
        parties::remove,
        status::activate,
        status::hold,
        status::resume,
        status::close,
        status::cancel,
        status::reopen,
        views::summary,
        views::timeline,
        views::activity,
        audit::list,
        audit::export,
    )
)]
struct Document;

/// The permissions of each operation, as its handler asks for them.
const DOORS: &[(&str, Door)] = &[
    ("listDeals", Door::needs::<ViewDeals>()),
    ("createDeal", Door::needs::<CreateDeals>()),
    ("getDeal", Door::needs::<ViewDeals>()),
    ("replaceDeal", Door::needs::<ManageDeals>()),
    ("patchDeal", Door::needs::<ManageDeals>()),
    ("deleteDeal", Door::needs::<ManageDeals>()),
    ("listParties", Door::needs::<ViewDeals>()),
    ("addParty", Door::needs::<ManageDeals>()),
    ("getParty", Door::needs::<ViewDeals>()),
    ("replaceParty", Door::needs::<ManageDeals>()),
    ("patchParty", Door::needs::<ManageDeals>()),
    ("removeParty", Door::needs::<ManageDeals>()),
    ("activateDeal", Door::needs::<ManageDeals>()),
    ("holdDeal", Door::needs::<ManageDeals>()),
    ("resumeDeal", Door::needs::<ManageDeals>()),
    ("closeDeal", Door::needs::<ManageDeals>()),
    ("cancelDeal", Door::needs::<ManageDeals>()),
    ("reopenDeal", Door::needs::<ManageOrganization>()),
    ("getDealSummary", Door::needs::<ViewDeals>()),
    ("getBuyerTimeline", Door::needs::<ViewDeals>()),
    ("listDealActivity", Door::needs::<ViewDealActivity>()),
    ("listAudit", Door::needs::<ViewAudit>()),
    ("exportAudit", Door::needs::<ViewAudit>()),
];

/// The document as it is committed.
pub fn document() -> anyhow::Result<String> {
    print(&finish(Document::openapi(), DOORS)?)
}
