//! user-service as its clients meet it: through the gateway, with everything running; its internal routes
//! as the other services call them.
//!
//! One file per use case. Each test makes its own organization; nothing here looks into the service.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say so and stop"
)]

mod accept_invitation;
mod access_tokens;
mod change_password;
mod disable_user;
mod forged_tokens;
mod internal_sessions;
mod invite_user;
mod list_users;
mod log_in;
mod log_out;
mod me;
mod notifications;
mod organization;
mod preferences;
mod refresh;
mod reset_password;
mod rotate_keys;
mod sessions;
mod sign_up;
mod support;
mod update_user;
mod upkeep;
