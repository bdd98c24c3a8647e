//! Everything between the socket and a service's handlers.

pub mod authorized;
pub mod caller;
pub mod permission;

pub use authorized::{Authorized, Requires};
pub use caller::{Access, Caller};
