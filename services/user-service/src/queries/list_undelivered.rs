//! Mails of the caller's organization that were given up, newest first.

use contracts::field::instant_text;
use platform::{
    db::Tx,
    error::Result,
    http::{Cursors, Cut, Page},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::repository::notifications::{EmailStatus, Undelivered, undelivered_before};

/// How the list is cut.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct UndeliveredQuery {
    /// 1 to 100, 25 unless given.
    pub limit: Option<u32>,
    /// Where the page begins: `nextCursor` of the page before.
    pub cursor: Option<String>,
}

/// A mail that was given up.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UndeliveredView {
    /// The notification's id.
    pub id: Uuid,
    /// The kind of occasion.
    #[schema(example = "INVITATION")]
    pub kind: String,
    /// Whom it is for.
    pub user_id: Uuid,
    /// The person's name.
    pub full_name: String,
    /// The address it could not be sent to.
    pub email: String,
    /// The deal it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deal_id: Option<Uuid>,
    /// Its subject.
    pub title: String,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// How many attempts failed before it was given up.
    pub attempts: i32,
    /// ADDRESS_INVALID, REFUSED by the mail server, or NOT_DELIVERED in the time there was.
    #[schema(example = "REFUSED")]
    pub reason: String,
    /// DEAD; PENDING once it is to be sent again.
    #[schema(example = "DEAD")]
    pub email_status: String,
}

impl UndeliveredView {
    /// A mail that was given up, with its present status.
    pub fn of(mail: Undelivered, status: EmailStatus) -> Self {
        Self {
            id: mail.id,
            kind: mail.kind,
            user_id: mail.user_id,
            full_name: mail.full_name,
            email: mail.email,
            deal_id: mail.deal_id,
            title: mail.title,
            created_at: instant_text(mail.created_at),
            attempts: mail.email_attempts,
            reason: mail.email_failure,
            email_status: status.as_str().to_owned(),
        }
    }
}

/// The page.
pub async fn run(
    tx: &Tx,
    cursors: &Cursors,
    query: &UndeliveredQuery,
) -> Result<Page<UndeliveredView>> {
    let (limit, cursor) = (query.limit, query.cursor.as_deref());
    let cut: Cut<Uuid> = cursors.cut(tx, "undelivered", &(), limit, cursor)?;
    let most = i64::try_from(cut.fetch()).unwrap_or(i64::MAX);
    let rows = undelivered_before(tx, cut.after, most).await?;
    let page = cut.page(rows, |mail| mail.id)?;
    Ok(page.map(|mail| UndeliveredView::of(mail, EmailStatus::Dead)))
}
