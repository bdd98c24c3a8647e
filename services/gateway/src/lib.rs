//! The only public door of Haushavn: checks who asks and what for, limits how often, and passes requests on to
//! the services as streams.
//!
//! Deliberately without any business: it knows routes, permissions and limits, and nothing of deals and tasks.
//! It is not a trust boundary either: every service verifies tokens and permissions again.

pub mod body;
pub mod breaker;
pub mod config;
pub mod docs;
pub mod door;
pub mod envelope;
pub mod headers;
pub mod identity;
pub mod limits;
pub mod openapi;
pub mod proxy;
pub mod routes;
pub mod server;
pub mod session;
pub mod state;
pub mod trusted_proxies;
pub mod upstream;
pub mod visit;

pub use server::serve;

/// The service's name.
pub const NAME: &str = "gateway";
