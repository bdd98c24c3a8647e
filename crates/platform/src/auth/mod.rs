//! Who somebody is: access tokens of people, and tokens of services among each other.
//!
//! Deliberately without permissions: they are decided when a database session is opened.

pub mod jwks;
pub mod service_token;
pub mod token;

pub use service_token::{InternalCaller, ServiceKeys, callers};
pub use token::{AccessClaims, TokenVerifier};
