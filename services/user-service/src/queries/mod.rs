//! Reads, one a file.

pub mod list_notifications;
pub mod list_sessions;
pub mod list_undelivered;
pub mod list_users;
pub mod profile;
