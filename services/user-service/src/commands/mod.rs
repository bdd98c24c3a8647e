//! The use cases that change something, one a file.

pub mod accept_invitation;
pub mod ask_password_reset;
pub mod change_password;
pub mod choose_preferences;
pub mod count_attempt;
pub mod deliver_notification;
pub mod disable_user;
pub mod end_session;
pub mod invite_user;
pub mod log_out;
pub mod notify;
pub mod open_session;
pub mod read_notifications;
pub mod refresh_session;
pub mod resend_notification;
pub mod reset_password;
pub mod sign_up;
pub mod update_organization;
pub mod update_own_profile;
pub mod update_user;
pub mod verify_email;
