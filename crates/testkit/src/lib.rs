//! What tests stand on: the running stack, people in a fresh organization, a client that speaks like
//! one, the invariants that must hold in the database, and the switch that stops a server.
//!
//! `scripts/test` starts the stack and tells where it is. A test makes its own organization and never
//! looks at another's rows, so all of them can run side by side. Deliberately without stand-ins.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should say so and stop"
)]

mod broker;
mod client;
mod database;
mod keys;
mod mail;
mod metrics;
mod organization;
mod stack;
mod wait;

pub use broker::dead_letters;
pub use client::{Client, Response, base64url};
pub use database::Database;
pub use keys::{KeyFiles, ed25519_private_key};
pub use mail::{Mail, mails_to};
pub use metrics::Metrics;
pub use organization::{Deal, Organization, User, buyer_purchase};
pub use stack::{LogFrom, Stack, stack};
pub use wait::{eventually, eventually_within};
