//! The use cases that change something, one a file.

pub mod log_out;
pub mod open_session;
pub mod refresh_session;
pub mod sign_up;
