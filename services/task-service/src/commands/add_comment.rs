//! Writing a comment on a task.

use domain::{permission::Permission, rejection::Rejection, text};
use platform::{db::Tx, error::Result};
use uuid::Uuid;

use crate::{
    events,
    repository::{
        comments::{self, Comment},
        tasks,
    },
    views::is_staff,
};

/// Who reads a comment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Visibility {
    /// Everybody but clients.
    Internal,
    /// Everybody who sees the task.
    Shared,
}

impl Visibility {
    /// As it is stored and sent.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "INTERNAL",
            Self::Shared => "SHARED",
        }
    }
}

/// Writes it. A deal that is closed may still be talked about. Rejections: `NOT_FOUND`, `FORBIDDEN` for a client's
/// internal comment, which it could not read itself, and of `body`.
pub(crate) async fn run(
    tx: &mut Tx,
    task_id: Uuid,
    body: &str,
    visibility: Visibility,
) -> Result<Comment> {
    let body = text::required("body", body, text::DESCRIPTION_LENGTH_MAX).map_err(|error| {
        Rejection::Validation {
            errors: vec![error],
        }
    })?;
    tasks::lock_deal(tx, task_id).await?;
    let stored = tasks::find(tx, task_id).await?.ok_or(Rejection::NotFound)?;
    if visibility == Visibility::Internal && !is_staff(tx.actor()) {
        let staff = [Permission::ViewDeals, Permission::ViewAllDeals];
        return Err(Rejection::forbidden(&staff).into());
    }
    let comment = Comment {
        id: tx.new_id(),
        deal_id: stored.task.deal_id,
        task_id,
        author_id: tx.actor().user_id,
        body,
        visibility: visibility.as_str().to_owned(),
    };
    comments::insert(tx, &comment).await?;
    events::emit_comment(tx, &comment);
    Ok(comment)
}
