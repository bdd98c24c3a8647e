//! Calls of user-service: sending notices, and having their mails delivered.

use std::sync::Arc;

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::json;
use temporalio_macros::activities;
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use uuid::Uuid;

use super::remote::Remote;

/// The activities that user-service answers.
#[derive(Debug)]
pub struct NoticeActivities {
    /// user-service.
    pub user_service: Remote,
}

/// Who gets a notice. User-service resolves it to users.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Audience {
    /// One user.
    #[serde(rename = "user")]
    User(Uuid),
    /// The deal's coordinators; without any its creator, and the administrators if the creator cannot be asked.
    #[serde(rename = "COORDINATORS")]
    Coordinators,
    /// The organization's administrators.
    #[serde(rename = "ADMINS")]
    Admins,
    /// Everybody with a part in the deal and a login.
    #[serde(rename = "PARTIES")]
    Parties,
    /// Those with this part in the deal; the coordinators where nobody has it.
    #[serde(rename = "part")]
    Part(String),
}

/// What the text is about. Nothing confidential.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Params {
    /// The task's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_title: Option<String>,
    /// When the task is due, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_date: Option<String>,
    /// The milestone's title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milestone_title: Option<String>,
    /// What the milestone is called for clients.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub milestone_buyer_title: Option<String>,
    /// The deal's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deal_name: Option<String>,
    /// Why something failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether the task waits for others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_blocked: bool,
    /// How many tasks it is about, where about several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_count: Option<u32>,
    /// Titles of the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub task_titles: Vec<String>,
    /// The user whose tasks they were. User-service knows the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_id: Option<Uuid>,
}

/// A notice to send, and to whom.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notify {
    /// The tenant.
    pub organization_id: Uuid,
    /// The kind of occasion, such as TASK_DUE_SOON.
    pub kind: String,
    /// The deal.
    pub deal_id: Uuid,
    /// The task, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<Uuid>,
    /// Who gets it.
    pub audience: Vec<Audience>,
    /// Identifies the occasion: each recipient gets one notice of it.
    pub dedupe_key: String,
    /// What the text is about.
    pub params: Params,
}

/// Which notification to deliver, or to give up.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliverNotification {
    /// The tenant.
    pub organization_id: Uuid,
    /// The notification.
    pub notification_id: Uuid,
}

/// What became of the e-mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EmailOutcome {
    /// SENT, NOT_WANTED or DEAD.
    pub email_status: String,
}

/// The request to user-service: the tenant is in the token.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NotifyBody<'a> {
    kind: &'a str,
    deal_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    task_id: Option<Uuid>,
    audience: &'a [Audience],
    dedupe_key: &'a str,
    params: &'a Params,
}

#[activities]
impl NoticeActivities {
    /// Has a notification stored for each recipient who has none of this occasion yet.
    #[activity(name = "notify")]
    pub async fn notify(
        self: Arc<Self>,
        context: ActivityContext,
        input: Notify,
    ) -> Result<(), ActivityError> {
        let body = NotifyBody {
            kind: &input.kind,
            deal_id: input.deal_id,
            task_id: input.task_id,
            audience: &input.audience,
            dedupe_key: &input.dedupe_key,
            params: &input.params,
        };
        self.user_service
            .call(&context, input.organization_id, async |calls| {
                calls
                    .post::<IgnoredAny>("/internal/notifications", &body)
                    .await
            })
            .await
            .map(drop)
    }

    /// Has the notification's e-mail sent; one that has been sent is not sent again.
    #[activity(name = "deliver_notification")]
    pub async fn deliver_notification(
        self: Arc<Self>,
        context: ActivityContext,
        input: DeliverNotification,
    ) -> Result<EmailOutcome, ActivityError> {
        let path = format!("/internal/notifications/{}/deliver", input.notification_id);
        self.user_service
            .call(&context, input.organization_id, async |calls| {
                calls.post(&path, &json!({})).await
            })
            .await
    }

    /// Has the notification recorded as undeliverable, for an administrator to see.
    #[activity(name = "give_up_notification")]
    pub async fn give_up_notification(
        self: Arc<Self>,
        context: ActivityContext,
        input: DeliverNotification,
    ) -> Result<(), ActivityError> {
        let path = format!("/internal/notifications/{}/dead", input.notification_id);
        self.user_service
            .call(&context, input.organization_id, async |calls| {
                calls.post::<IgnoredAny>(&path, &json!({})).await
            })
            .await
            .map(drop)
    }
}
