//! Everything between the socket and a service's handlers.

pub mod authorized;
pub mod caller;
pub mod context;
pub mod health;
pub mod middleware;
pub mod permission;
pub mod server;

pub use authorized::{Authorized, Requires};
pub use caller::{Access, Caller};
pub use context::{RequestContext, bearer};
pub use health::{Check, Readiness};
pub use server::serve;
