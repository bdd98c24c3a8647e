//! Everything between the socket and a service's handlers.

pub mod authorized;
pub mod body;
pub mod caller;
pub mod conditional;
pub mod context;
pub mod contract;
pub mod health;
pub mod merge_patch;
pub mod middleware;
pub mod openapi;
pub mod paced;
pub mod page;
pub mod path;
pub mod permission;
pub mod query;
mod routes;
pub mod server;
mod strict_json;
mod underway;
pub mod validate;

pub use authorized::{Authorized, Requires};
pub use body::{Body, Json, JsonOrEmpty};
pub use caller::{Access, Caller};
pub use conditional::{Conditional, ExpectedVersion};
pub use context::{RequestContext, bearer};
pub use contract::{Argument, Contract};
pub use health::{Check, Probes, Readiness};
pub use merge_patch::MergePatch;
pub use paced::paced;
pub use page::{Cursors, Cut, Page};
pub use path::{PathId, PathIds};
pub use query::Query;
pub use routes::Routes;
pub use server::serve;
pub use validate::Fields;
