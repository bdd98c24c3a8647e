//! What tests build on: the running stack, people in a fresh organization, a client that speaks like one, the
//! invariants that must hold in the database, and the switch that stops a server.
//!
//! `scripts/test` starts the stack and passes its URLs. A test makes its own organization and never looks at another's
//! rows, so all of them can run side by side. Deliberately without stand-ins.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should say so and stop"
)]

mod answers;
mod broker;
mod client;
mod database;
mod described;
mod history;
mod keys;
mod mail;
mod metrics;
mod office;
mod organization;
mod program;
mod redis;
mod requests;
mod service_token;
mod stack;
mod wait;

pub use answers::{
    days_from_today, ids, iso, random_id, refuses_case, refuses_field, refuses_permission,
    refuses_reference, text, today,
};
pub use broker::dead_letters;
pub use client::{Client, Response, base64url};
pub use database::Database;
pub use history::{event_types, history};
pub use keys::{KeyFiles, ed25519_private_key};
pub use mail::{Mail, mails_to};
pub use metrics::Metrics;
pub use office::{Office, address, plain_deal};
pub use organization::{Deal, Organization, User, buyer_purchase};
pub use program::{Ended, Instance, Running, free_address, run_program, settings_of};
pub use redis::{connections_to_redis, kept_for_ms};
pub use requests::{all_items, patch_at, post_once};
pub use service_token::ServiceToken;
pub use stack::{LogFrom, Stack, stack};
pub use wait::{eventually, eventually_within};
