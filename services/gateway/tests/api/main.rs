//! The gateway with a real service behind it: an actix server in the same process that plays all services.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod connections;
mod faults;
mod limits;
mod pages;
mod refusals;
mod streaming;
mod support;
