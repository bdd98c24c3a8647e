//! The broker: one topic exchange, a queue per consuming service, delayed retry, dead letters.
//!
//! Deliberately without the outbox and the inbox: this carries messages at least once and in no promised
//! order; what makes that safe stands in the services' databases.

mod connection;
mod consumer;
mod dead;
mod publisher;
pub mod topology;

pub use consumer::{Delivery, Outcome, consume};
pub use dead::{DeadLetter, list, redrive};
pub use publisher::Publisher;
pub use topology::Subscription;
