//! The long-running processes: one for each running deal, one for each notification.
//!
//! Workflow code is replayed from its history, so it has no clock, no randomness and no input or output of its own,
//! only `ctx`, and a change of what it commands needs `ctx.patched("…")` as long as runs of the old code exist
//! (`tests/histories` holds histories of released versions, which must replay). It holds no rules either: what is to be
//! done is decided by [`crate::agenda`], within an activity, and read here from its answer.

mod calls;
pub mod deal_lifecycle;
pub mod notification;

pub use deal_lifecycle::DealLifecycle;
pub use notification::Notification;

/// The task queue of [`DealLifecycle`] and its activities.
pub const DEAL_QUEUE: &str = "deal-lifecycle";
/// The task queue of [`Notification`] and its activities.
pub const NOTIFICATION_QUEUE: &str = "notifications";
