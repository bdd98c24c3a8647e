//! What workflows have done: each activity is one call of another service, with a limit on its time.
//!
//! A call may be made again after a crash or a lost answer, so each carries an idempotency key and each route
//! it calls is harmless to repeat. Failures that no repetition mends are typed and not retried. Deliberately
//! without rules: what a worklist means is decided in [`crate::agenda`].

mod notices;
mod plans;
pub mod remote;

pub use notices::{Audience, DeliverNotification, EmailOutcome, NoticeActivities, Notify, Params};
pub use plans::{
    AppliedPlan, ApplyPlan, CheckMilestone, Checked, LoadWorklist, MarkOverdue, Marked,
    PlanActivities,
};
