//! Making, editing, assigning and deleting tasks.

use uuid::Uuid;

use super::{Change, Due, Moment, Task, TaskEvent, TaskFacts, TaskState, TaskTransition, status};
use crate::{
    party::PartyRole,
    rejection::{FieldError, Rejection},
    text,
};

/// Everything a new task begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// Its id, made by the caller.
    pub id: Uuid,
    /// The deal it belongs to.
    pub deal_id: Uuid,
    /// The template's key, if it comes from one.
    pub key: Option<String>,
    /// Its writable fields.
    pub fields: TaskEdit,
    /// When it is due.
    pub due: Option<Due>,
    /// Whether the deal cannot be closed without it.
    pub required: bool,
    /// The user who is to do it.
    pub assignee_id: Option<Uuid>,
    /// How many of the tasks that it waits for are unfinished.
    pub open_dependencies: u32,
}

/// The fields that people write, beside the due date; an edit gives all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskEdit {
    /// What is to be done.
    pub title: String,
    /// More about it.
    pub description: Option<String>,
    /// The milestone it counts for.
    pub milestone_id: Option<Uuid>,
    /// The part that owns it.
    pub owner_role: Option<PartyRole>,
    /// Whether the client sees it.
    pub buyer_visible: bool,
}

/// What an edit does to the due date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DueEdit {
    /// Nothing.
    Keep,
    /// Somebody sets or clears it by hand: it no longer follows a rule, even if the rule gives the same date.
    Pin(Option<Due>),
    /// Somebody gives it a rule, which says this date and knows of all holds before.
    Follow(Option<Due>),
}

impl TaskEdit {
    fn checked(mut self) -> Result<Self, Rejection> {
        let mut errors: Vec<FieldError> = Vec::new();
        match text::required("title", &self.title, text::TITLE_LENGTH_MAX) {
            Ok(title) => self.title = title,
            Err(error) => errors.push(error),
        }
        match text::optional(
            "description",
            self.description.as_deref(),
            text::DESCRIPTION_LENGTH_MAX,
        ) {
            Ok(description) => self.description = description,
            Err(error) => errors.push(error),
        }
        if errors.is_empty() {
            Ok(self)
        } else {
            Err(Rejection::Validation { errors })
        }
    }
}

impl Task {
    /// Makes a task. A due date in the past is allowed: the task is then overdue from the start.
    ///
    /// # Errors
    /// A validation rejection of the title or description.
    pub fn create(new: NewTask, moment: &Moment<'_>) -> Result<Change, Rejection> {
        let fields = new.fields.checked()?;
        let facts = TaskFacts {
            assignee_id: new.assignee_id,
            open_dependencies: new.open_dependencies,
            due_passed: moment.has_passed(new.due, false),
            ..TaskFacts::default()
        };
        let state = TaskState {
            id: new.id,
            deal_id: new.deal_id,
            milestone_id: fields.milestone_id,
            key: new.key,
            title: fields.title,
            description: fields.description,
            owner_role: fields.owner_role,
            due: new.due,
            due_pinned: false,
            shift_days: 0,
            required: new.required,
            buyer_visible: fields.buyer_visible,
            status: status(&facts),
            facts,
            episode: 1,
            version: 1,
        };
        let created = TaskTransition {
            event: TaskEvent::Created,
            before: None,
            after: state.clone(),
        };
        Ok(Change {
            task: Self(state),
            transitions: vec![created],
        })
    }

    /// Replaces the writable fields. An edit that changes nothing is no transition; one that makes the task overdue is
    /// two. A finished task keeps its date, and what decided it.
    ///
    /// # Errors
    /// A validation rejection, or `TASK_ALREADY_DONE` when the due date of a finished task would change.
    pub fn edit(
        &self,
        edit: TaskEdit,
        due: DueEdit,
        moment: &Moment<'_>,
    ) -> Result<Change, Rejection> {
        let edit = edit.checked()?;
        let mut next = self.0.clone();
        if let DueEdit::Pin(date) | DueEdit::Follow(date) = due {
            if !self.status.is_done() {
                next.due = date;
                next.due_pinned = matches!(due, DueEdit::Pin(_));
                next.shift_days = 0;
            } else if date != self.due {
                return Err(Rejection::TaskAlreadyDone);
            }
        }
        next.title = edit.title;
        next.description = edit.description;
        next.milestone_id = edit.milestone_id;
        next.owner_role = edit.owner_role;
        next.buyer_visible = edit.buyer_visible;
        Ok(self.updated_to(next, moment))
    }

    /// Assigns the task to a user; `None` removes the assignee. The same assignee again is no transition.
    ///
    /// Whether that user exists, is active and may see the deal is the caller's check.
    ///
    /// # Errors
    /// `TASK_ALREADY_DONE` for a finished task.
    pub fn assign(&self, assignee_id: Option<Uuid>) -> Result<Change, Rejection> {
        if self.status.is_done() {
            return Err(Rejection::TaskAlreadyDone);
        }
        if self.facts.assignee_id == assignee_id {
            return Ok(Change::none(self));
        }
        Ok(Change::none(self).step(TaskEvent::Assigned, |state| {
            state.facts.assignee_id = assignee_id
        }))
    }

    /// Removes the task. What its dependents then wait for is for [`crate::plan`] to say.
    ///
    /// # Errors
    /// `TASK_STARTED` once somebody is at work on it or it is finished: then it can only be waived.
    pub fn delete(&self) -> Result<Change, Rejection> {
        if self.is_started() {
            return Err(Rejection::TaskStarted);
        }
        Ok(Change::none(self).step(TaskEvent::Deleted, |_| ()))
    }
}
