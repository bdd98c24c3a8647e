//! task-service: templates, plans, key dates and tasks.
//!
//! It owns what is to be done in a deal and by when. Deliberately without any knowledge of the deal's own fields: it
//! reads from the shared authority whether a deal exists, runs and may be seen, and asks deal-service what a plan is
//! made from.

// Consumers and commands nest deeper than the compiler's default limit for computing layouts.
#![recursion_limit = "256"]

mod commands;
mod config;
mod consumers;
mod events;
mod holidays;
pub mod openapi;
mod parsing;
mod planning;
mod queries;
mod repository;
mod routes;
mod serve;
mod services;
mod shipped;
mod sight;
mod views;

pub use serve::{load_templates, migrate, serve};

/// The service's name, in logs, events and tokens.
pub const NAME: &str = "task-service";

/// The schema that is this service's own.
const SCHEMA: &str = "task";
