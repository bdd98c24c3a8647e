//! Everything secret: passwords, the tokens of this service's own, and the keys that sign access tokens.

pub mod passwords;
pub mod signing_keys;
pub mod tokens;
