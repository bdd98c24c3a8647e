//! The broker: one topic exchange, a queue per consuming service, delayed retry, dead letters.
//!
//! This carries messages at least once and in no promised order; what makes that safe is in the services'
//! databases: the outbox, and the inbox with the events that came too early.

mod connection;
mod consumer;
mod dead;
mod publisher;
mod settle;
pub mod topology;
mod turns;

pub use consumer::{Delivery, Outcome, consume};
pub use dead::{DeadLetter, list, redrive};
pub use publisher::{Publisher, Unpublished};
pub use topology::Subscription;
