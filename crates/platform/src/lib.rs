//! What every service needs besides its business: settings, telemetry, errors, HTTP, identity, the broker, the cache,
//! database sessions and the outbox.
//!
//! Deliberately without any rule of the domain: it knows who asks and how to answer, not what is right.

pub mod auth;
pub mod cache;
pub mod client;
pub mod config;
pub mod db;
pub mod error;
pub mod http;
pub mod messaging;
pub mod outbox;
pub mod service;
pub mod shutdown;
pub mod telemetry;
pub mod tls;
pub mod wait;
