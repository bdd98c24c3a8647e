//! user-service: organizations, users, sign-in, notifications and mail.
//!
//! It alone knows passwords, makes tokens and sends mail. Deliberately without any knowledge of deals and
//! tasks beyond their names in notifications: who takes part in a deal it reads from the shared authority.

pub mod appearance;
pub mod commands;
pub mod config;
pub mod consumers;
pub mod holidays;
pub mod lockout;
pub mod mail;
pub mod notices;
pub mod openapi;
pub mod queries;
pub mod repository;
pub mod routes;
pub mod secrets;
mod serve;
pub mod services;
pub mod session_cache;
mod upkeep;
pub mod views;

pub use serve::{migrate, rotate_keys, serve};

/// The service's name, in logs, events and tokens.
pub const NAME: &str = "user-service";

/// The schema that is this service's own.
const SCHEMA: &str = "identity";
