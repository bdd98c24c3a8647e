//! Deals over weeks, in seconds: real workflows and real activities on Temporal's time-skipping test server.
//!
//! The server is a program of its own (`scripts/install` puts it beside the other tools); each test starts one,
//! for time is moved for the whole server.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say so and stop"
)]

#[path = "../support/mod.rs"]
mod support;

mod bounds;
mod deadlines;
mod notifications;
mod plans;
mod runs;
mod signals;
mod world;
