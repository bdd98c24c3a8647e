//! deal-service as its clients meet it: through the gateway, with everything running.
//!
//! One file per use case. Each test makes its own organization; nothing here looks into the service.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say so and stop"
)]

mod activate_deal;
mod activity;
mod audit;
mod buyer_timeline;
mod close_deal;
mod confidential;
mod create_deal;
mod create_deal_once;
mod deal_as_of;
mod delete_deal;
mod dry_run;
mod foreign_organization;
mod get_deal;
mod list_deals;
mod migrations;
mod parties;
mod rebuild;
mod search;
mod status;
mod summary;
mod support;
mod update_deal;
