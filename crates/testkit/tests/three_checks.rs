//! Gateway, service and database each refuse by themselves what the permission matrix refuses, the gateway lets through
//! what it allows, and another organization's things look like things that do not exist.
//!
//! Generated from the OpenAPI document: a route that is added is checked, and one without an example
//! request here fails the test.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on should say why"
)]

mod three_checks {
    mod authority;
    mod database;
    mod routes;
    mod strangers;
    mod support;
}
