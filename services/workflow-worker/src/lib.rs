//! Workflows: a deal is followed from its activation to its end, a notification until it is delivered.
//!
//! Deliberately without a database and without rules: the state is Temporal's, the rules are the domain's, and all
//! changes are made by the services that activities call.

pub mod activities;
pub mod agenda;
pub mod config;
pub mod dead_letters;
pub mod openapi;
mod routes;
mod serve;
mod starters;
mod temporal;
pub mod worker;
pub mod workflows;
pub mod worklist;

pub use serve::serve;

/// The service's name, in logs and tokens.
pub const NAME: &str = "workflow-worker";
