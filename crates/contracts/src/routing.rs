//! Routing keys: what happened, as `<context>.<entity>.<event>`, the same string as the event's type.

/// The topic exchange that every event is published to.
pub const EXCHANGE: &str = "haushavn.events";

/// A person was invited to an organization.
pub const USER_INVITED: &str = "users.user.invited";
/// An invited person set a password and can sign in.
pub const USER_JOINED: &str = "users.user.joined";
/// A user's name or role changed.
pub const USER_UPDATED: &str = "users.user.updated";
/// A user can no longer sign in.
pub const USER_DISABLED: &str = "users.user.disabled";
/// An organization's settings or role grants changed.
pub const ORGANIZATION_UPDATED: &str = "users.organization.updated";

/// A deal was created, as a draft.
pub const DEAL_CREATED: &str = "deals.deal.created";
/// A deal's fields changed, not its status.
pub const DEAL_UPDATED: &str = "deals.deal.updated";
/// A draft became active.
pub const DEAL_ACTIVATED: &str = "deals.deal.activated";
/// An active deal was put on hold.
pub const DEAL_HELD: &str = "deals.deal.held";
/// A held deal is active again.
pub const DEAL_RESUMED: &str = "deals.deal.resumed";
/// A deal was closed.
pub const DEAL_CLOSED: &str = "deals.deal.closed";
/// A deal was cancelled.
pub const DEAL_CANCELLED: &str = "deals.deal.cancelled";
/// A closed deal is active again.
pub const DEAL_REOPENED: &str = "deals.deal.reopened";
/// A draft was deleted.
pub const DEAL_DELETED: &str = "deals.deal.deleted";
/// A party was added to a deal.
pub const PARTY_ADDED: &str = "deals.party.added";
/// A party changed.
pub const PARTY_UPDATED: &str = "deals.party.updated";
/// A party was removed from a deal.
pub const PARTY_REMOVED: &str = "deals.party.removed";

/// A template's plan was applied to a deal.
pub const PLAN_APPLIED: &str = "tasks.plan.applied";
/// The facts that a deal's plan follows changed.
pub const PLAN_REVISED: &str = "tasks.plan.revised";
/// Key dates of a deal were set or moved.
pub const KEY_DATES_CHANGED: &str = "tasks.key_dates.changed";
/// A task was added.
pub const TASK_CREATED: &str = "tasks.task.created";
/// A task's fields or dates changed.
pub const TASK_UPDATED: &str = "tasks.task.updated";
/// A task was assigned or unassigned.
pub const TASK_ASSIGNED: &str = "tasks.task.assigned";
/// Somebody asked for a task that others are to do.
pub const TASK_CHASED: &str = "tasks.task.chased";
/// Work on a task began.
pub const TASK_STARTED: &str = "tasks.task.started";
/// The last open dependency of a task was satisfied.
pub const TASK_UNLOCKED: &str = "tasks.task.unlocked";
/// A task waits for another one again.
pub const TASK_BLOCKED: &str = "tasks.task.blocked";
/// A task was completed.
pub const TASK_COMPLETED: &str = "tasks.task.completed";
/// A task was waived.
pub const TASK_WAIVED: &str = "tasks.task.waived";
/// A completed or waived task is open again.
pub const TASK_REOPENED: &str = "tasks.task.reopened";
/// An open task passed its due instant.
pub const TASK_OVERDUE: &str = "tasks.task.overdue";
/// A task was deleted.
pub const TASK_DELETED: &str = "tasks.task.deleted";
/// Every task of a milestone is done.
pub const MILESTONE_COMPLETED: &str = "tasks.milestone.completed";
/// A task of a done milestone is open again.
pub const MILESTONE_REOPENED: &str = "tasks.milestone.reopened";
/// A comment was written on a task.
pub const COMMENT_ADDED: &str = "tasks.comment.added";

/// A notification is to be delivered.
pub const NOTIFICATION_CREATED: &str = "notifications.notification.created";
/// A notification whose mail was given up is to be delivered again.
pub const NOTIFICATION_REQUEUED: &str = "notifications.notification.requeued";

/// Binding pattern: everything about users and organizations.
pub const ALL_USERS: &str = "users.#";
/// Binding pattern: everything about deals and parties.
pub const ALL_DEALS: &str = "deals.#";
/// Binding pattern: everything about plans, key dates, tasks, milestones and comments.
pub const ALL_TASKS: &str = "tasks.#";
/// Binding pattern: everything about notifications.
pub const ALL_NOTIFICATIONS: &str = "notifications.#";
