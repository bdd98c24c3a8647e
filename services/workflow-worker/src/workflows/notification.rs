//! One notification on its way: user-service has stored it, which is all that the list in the app needs; the
//! e-mail is tried again with growing pauses for a day, and then given up where an administrator sees it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::{WorkflowContext, WorkflowContextView, WorkflowResult};
use uuid::Uuid;

use super::calls::{self, Failure};
use crate::activities::{DeliverNotification, NoticeActivities};

/// How long an e-mail is tried.
const EMAIL_PATIENCE: Duration = Duration::from_hours(24);
/// Before the second attempt at an e-mail.
const EMAIL_PAUSE_MIN: Duration = Duration::from_secs(2);
/// Between later ones.
const EMAIL_PAUSE_MAX: Duration = Duration::from_mins(5);
/// Between attempts to record that it was given up.
const GIVE_UP_PAUSE_MAX: Duration = Duration::from_mins(5);

/// The id of the workflow that delivers a notification as of this version of it: the first, or a later one at
/// which an administrator wanted it sent again.
pub fn workflow_id(notification_id: Uuid, version: u64) -> String {
    match version {
        1 => format!("notification-{notification_id}"),
        later => format!("notification-{notification_id}-{later}"),
    }
}

/// Which notification.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotificationInput {
    /// The notification.
    pub notification_id: Uuid,
    /// The tenant.
    pub organization_id: Uuid,
}

/// What became of a notification's e-mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotificationOutcome {
    /// SENT, NOT_WANTED, DEAD, or GONE where the notification no longer exists.
    pub email_status: String,
}

/// The workflow of one notification.
#[workflow]
pub struct Notification {
    input: NotificationInput,
}

#[workflow_methods]
impl Notification {
    #[init]
    fn new(_ctx: &WorkflowContextView, input: NotificationInput) -> Self {
        Self { input }
    }

    /// Delivers the notification, or gives it up.
    #[run(name = "Notification")]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<NotificationOutcome> {
        let email_status = Self::deliver(ctx).await?;
        calls::record_run(
            ctx,
            "Notification",
            if email_status == "DEAD" {
                "dead"
            } else {
                "completed"
            },
        );
        Ok(NotificationOutcome { email_status })
    }

    async fn deliver(ctx: &WorkflowContext<Self>) -> WorkflowResult<String> {
        let input = ctx.state(|s| DeliverNotification {
            organization_id: s.input.organization_id,
            notification_id: s.input.notification_id,
        });
        let delivered = ctx
            .execute_activity(
                NoticeActivities::deliver_notification,
                input.clone(),
                calls::within(EMAIL_PATIENCE, EMAIL_PAUSE_MIN, EMAIL_PAUSE_MAX),
            )
            .await;
        match delivered {
            Ok(outcome) => return Ok(outcome.email_status),
            Err(error) => match calls::failure(&error)? {
                Failure::NotFound => return Ok("GONE".to_owned()),
                Failure::Refused(_) | Failure::Unanswered => {}
            },
        }
        let given_up = ctx
            .execute_activity(
                NoticeActivities::give_up_notification,
                input,
                calls::persistently(GIVE_UP_PAUSE_MAX),
            )
            .await;
        if let Err(error) = given_up {
            calls::failure(&error)?;
        }
        Ok("DEAD".to_owned())
    }
}
