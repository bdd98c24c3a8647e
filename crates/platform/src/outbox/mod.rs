//! Carries committed events from a service's outbox to the broker: at least once, in order for each
//! aggregate, never skipping one.
//!
//! Any number of relays may run. They share the work by row locks on sixteen shards (an aggregate is
//! always in the same one), so one relay at a time publishes an aggregate, and a crashed one frees its
//! shards with its connection. There is no cursor: a row is due until it is marked, so a transaction that
//! commits late is simply found later. A crash between confirm and mark publishes again; consumers know.
//!
//! Tenants do not delay each other: a batch takes a share of each organization's events, and an event that is not taken
//! holds up its own aggregate alone.

mod held;
mod relay;
mod step;

#[cfg(test)]
pub(crate) use self::relay::CONNECTIONS_MAX;
pub use self::{held::held, relay::Relay};
