//! Deals: what they are, who takes part, how they go from status to status, and what people see of them.
//!
//! Deliberately without plans, tasks and dates: those belong to task-service, and come back as events that
//! feed this service's read models.

mod commands;
pub mod config;
mod consumers;
mod gauges;
mod history;
pub mod openapi;
pub mod placing;
mod queries;
pub mod rebuild;
mod repository;
mod routes;
mod serve;
mod services;
mod task_service;
pub mod upkeep;
mod wire;
mod words;

pub use serve::{migrate, serve};

/// The service's name, in logs, events and tokens.
pub const NAME: &str = "deal-service";

/// The schema that is this service's own.
const SCHEMA: &str = "deal";
