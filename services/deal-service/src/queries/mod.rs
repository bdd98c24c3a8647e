//! What can be asked, one question a file, straight from SQL into what the answer needs.

pub(crate) mod activity;
pub(crate) mod audit_log;
pub(crate) mod buyer_timeline;
pub(crate) mod deal_as_of;
pub(crate) mod get_summary;
pub(crate) mod list_audit;
pub(crate) mod list_deals;
pub(crate) mod plan_input;
pub(crate) mod search;
