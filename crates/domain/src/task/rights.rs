//! Who may do what with one task, given that it may see the deal.

use uuid::Uuid;

use super::TaskState;
use crate::{
    permission::{Permission, PermissionSet},
    rejection::Rejection,
};

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The user.
    pub user_id: Uuid,
    /// What the user may do.
    pub permissions: PermissionSet,
}

/// Whether the actor may complete the task: its own; any task with `manage_tasks`; an unassigned one with
/// `assign_tasks`, since it could assign it to itself.
///
/// # Errors
/// `FORBIDDEN`, naming what would do.
pub fn may_complete(task: &TaskState, actor: &Actor) -> Result<(), Rejection> {
    if actor.permissions.has(Permission::ManageTasks) {
        return Ok(());
    }
    match task.facts.assignee_id {
        Some(assignee) if assignee == actor.user_id => Ok(()),
        Some(_) => Err(Rejection::forbidden(&[Permission::ManageTasks])),
        None if actor.permissions.has(Permission::AssignTasks) => Ok(()),
        None => Err(Rejection::forbidden(&[
            Permission::AssignTasks,
            Permission::ManageTasks,
        ])),
    }
}

/// Whether the actor may see the task. Who sees only its own deals sees in them only what is meant for clients and what
/// is assigned to it.
#[must_use]
pub fn may_see(task: &TaskState, actor: &Actor) -> bool {
    actor
        .permissions
        .has_any(&[Permission::ViewDeals, Permission::ViewAllDeals])
        || task.buyer_visible
        || task.facts.assignee_id == Some(actor.user_id)
}
