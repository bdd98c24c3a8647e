//! The only SQL of this service: rows to aggregates and back, with the history of each change.

pub mod credentials;
pub mod email_verifications;
pub mod login_attempts;
pub mod mail_quotas;
pub mod notifications;
pub mod organizations;
pub mod password_resets;
pub mod preferences;
pub mod sessions;
pub mod sign_in_networks;
pub mod signing_keys;
pub mod users;
