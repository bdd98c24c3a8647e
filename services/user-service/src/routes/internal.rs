//! For the other services only: sessions for the gateway, notifications for the workflows. Not reachable through the
//! gateway.

use actix_web::{HttpResponse, web};
use domain::rejection::Rejection;
use platform::{
    auth::{
        InternalCaller,
        callers::{Gateway, WorkflowWorker},
    },
    db::{ServiceScope, Tx},
    error::{Error, Result},
    http::{Body, Json, PathId, Routes},
    telemetry::metrics::MAILS,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    commands::{
        deliver_notification::{self, Delivery},
        notify::{self as notify_people, Audience, Notify},
    },
    mail::{Mail, SendError},
    notices::{NoticeKind, NoticeParams},
    repository::{
        mail_quotas::{self, Charged},
        notifications::{self, EmailFailure, EmailStatus},
        sessions,
    },
    services::Services,
    session_cache::SessionView,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/internal/sessions/{id}", session)
        .post("/internal/notifications", notify)
        .post("/internal/notifications/{id}/deliver", deliver)
        .post("/internal/notifications/{id}/dead", give_up)
}

/// A notice that a workflow wants sent.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NotifyBody {
    kind: NoticeKind,
    deal_id: Uuid,
    task_id: Option<Uuid>,
    audience: Vec<Audience>,
    dedupe_key: String,
    #[serde(default)]
    params: NoticeParams,
}

impl Body for NotifyBody {}

/// The notifications stored now; recipients who had one before are not among them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NotifiedView {
    notification_ids: Vec<Uuid>,
}

/// The status of a notification's mail.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EmailView {
    email_status: String,
}

/// What a live session may do; 404 otherwise, and for a session that is not of the user and organization that the
/// gateway's token names. Caches it for the gateway.
pub(crate) async fn session(
    caller: InternalCaller<Gateway>,
    id: PathId,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let lease = services.cache.lease_session(id.0).await;
    let state = services
        .db
        .anonymous(&caller.request_id, None, async |tx| {
            sessions::state(tx, id.0).await
        })
        .await?;
    let is_named = |state: &sessions::SessionState| {
        state.organization_id == caller.organization_id
            && Some(state.user_id) == caller.on_behalf_of
    };
    let view = SessionView::from(state.filter(is_named).ok_or(Rejection::NotFound)?);
    services.cache.keep_session(lease, &view).await;
    Ok(HttpResponse::Ok().json(view))
}

/// Stores a notification for each recipient. Asked again with the same key, it stores none.
pub(crate) async fn notify(
    caller: InternalCaller<WorkflowWorker>,
    body: Json<NotifyBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let NotifyBody {
        kind,
        deal_id,
        task_id,
        audience,
        dedupe_key,
        params,
    } = body.value;
    if !kind.is_optional() {
        return Err(
            Rejection::field("kind", "one_of", "user-service itself sends this kind").into(),
        );
    }
    let command = Notify {
        kind,
        deal_id,
        task_id,
        audience,
        dedupe_key,
        params,
    };
    let notification_ids = services
        .db
        .service(&scope(&caller), async |tx| {
            notify_people::run(tx, &command).await
        })
        .await?;
    Ok(HttpResponse::Ok().json(NotifiedView { notification_ids }))
}

/// Sends a notification's mail. What was sent is not sent again, and what the mail server refuses for good is given up
/// at once; if the mail server is unavailable, the answer is 503.
pub(crate) async fn deliver(
    caller: InternalCaller<WorkflowWorker>,
    id: PathId,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let scope = scope(&caller);
    let delivery = services
        .db
        .service(&scope, async |tx| {
            deliver_notification::prepare(tx, &services.tokens, id.0).await
        })
        .await?;
    let email_status = match delivery {
        Delivery::Settled(status) => status,
        Delivery::Later(reason) => return Err(Error::unavailable(format!("mail: {reason}"))),
        Delivery::Send(mail, charged) => send(&services, &scope, &mail, &charged).await?,
    };
    Ok(HttpResponse::Ok().json(EmailView { email_status }))
}

/// Sends the mail and records the outcome; returns the mail's status.
async fn send(
    services: &Services,
    scope: &ServiceScope,
    mail: &Mail,
    charged: &Charged,
) -> Result<String> {
    let id = mail.id;
    let (failure, reason) = match services.mailer.send(mail).await {
        Ok(()) => {
            metrics::counter!(MAILS, "outcome" => "sent").increment(1);
            let sent =
                async |tx: &mut Tx| deliver_notification::settle(tx, id, EmailStatus::Sent).await;
            return services.db.service(scope, sent).await;
        }
        Err(SendError::AddressInvalid) => {
            let reason = "no mail can be sent to the address".to_owned();
            (Some(EmailFailure::AddressInvalid), reason)
        }
        Err(SendError::Refused(error)) => (Some(EmailFailure::Refused), format!("{error:#}")),
        Err(SendError::Later(error)) => (None, format!("{error:#}")),
    };
    metrics::counter!(MAILS, "outcome" => "failed").increment(1);
    let status = services
        .db
        .service(scope, async |tx| {
            mail_quotas::give_back(tx, charged).await?;
            notifications::note_failure(tx, id, &reason).await?;
            match failure {
                Some(failure) => deliver_notification::give_up(tx, id, failure)
                    .await
                    .map(Some),
                None => Ok(None),
            }
        })
        .await?;
    let Some(status) = status else {
        return Err(Error::unavailable(format!("mail: {reason}")));
    };
    tracing::warn!(notification.id = %id, reason, "a notification's mail was refused for good");
    Ok(status)
}

/// Gives a notification's mail up.
pub(crate) async fn give_up(
    caller: InternalCaller<WorkflowWorker>,
    id: PathId,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let email_status = services
        .db
        .service(&scope(&caller), async |tx| {
            deliver_notification::give_up(tx, id.0, EmailFailure::NotDelivered).await
        })
        .await?;
    tracing::warn!(notification.id = %id.0, email_status, "a notification's mail was given up");
    Ok(HttpResponse::Ok().json(EmailView { email_status }))
}

fn scope(caller: &InternalCaller<WorkflowWorker>) -> ServiceScope {
    ServiceScope {
        organization_id: caller.organization_id,
        on_behalf_of: caller.on_behalf_of,
        cause_event_id: None,
        request_id: Some(caller.request_id.clone()),
        traceparent: caller.traceparent.clone(),
    }
}
