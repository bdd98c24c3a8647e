//! Following a task up. The day on which to ask again is among its details: its status does not depend on that.

use super::{Change, Task, TaskEvent};
use crate::rejection::Rejection;

impl Task {
    /// Records that somebody asked for it.
    ///
    /// # Errors
    /// `TASK_ALREADY_DONE` for a finished task.
    pub fn chase(&self) -> Result<Change, Rejection> {
        self.followed_up(TaskEvent::Chased)
    }

    /// Records that it is followed up on another day.
    ///
    /// # Errors
    /// `TASK_ALREADY_DONE` for a finished task.
    pub fn put_off(&self) -> Result<Change, Rejection> {
        self.followed_up(TaskEvent::Updated)
    }

    fn followed_up(&self, event: TaskEvent) -> Result<Change, Rejection> {
        if self.status.is_done() {
            return Err(Rejection::TaskAlreadyDone);
        }
        Ok(Change::none(self).step(event, |_| ()))
    }
}
