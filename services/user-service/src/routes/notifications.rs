//! The caller's notifications, and how the caller wants to get them.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use domain::rejection::Rejection;
use platform::{
    db::{Idempotency, Reply},
    error::Result,
    http::{
        Access as _, Authorized, Body, Conditional, ExpectedVersion, Fields, Json, JsonOrEmpty,
        MergePatch, Page, PathId, Query, Routes,
        permission::{ManageOrganization, SignedIn},
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    commands::{choose_preferences, read_notifications, resend_notification},
    notices::NoticeKind,
    queries::{
        list_notifications::{self, NotificationPage, NotificationView, NotificationsQuery},
        list_undelivered::{self, UndeliveredQuery, UndeliveredView},
    },
    repository::{
        notifications::EmailStatus,
        preferences::{self, Choice, Preferences},
    },
    services::Services,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/notifications", list)
        .get("/api/notifications/undelivered", undelivered)
        .post("/api/notifications/{id}/resend", resend)
        .post("/api/notifications/{id}/read", mark_read)
        .post("/api/notifications/read-all", mark_all_read)
        .get("/api/notifications/preferences", get_preferences)
        .put("/api/notifications/preferences", put_preferences)
        .patch("/api/notifications/preferences", patch_preferences)
}

/// What marking as read, or sending again, says: nothing so far.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
pub struct ReadBody {}

impl Body for ReadBody {}

/// How many were marked.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadAllView {
    /// How many notifications were unread before.
    read: usize,
}

/// How the caller wants to be notified of one kind of occasion.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreferenceView {
    /// The kind of occasion.
    kind: NoticeKind,
    /// In the application.
    in_app: bool,
    /// By mail.
    email: bool,
}

/// How the caller wants to be notified.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreferencesView {
    /// Every kind there is a choice of.
    preferences: Vec<PreferenceView>,
    /// 0 before the first choice, then plus 1 at each change.
    version: i64,
}

/// The choices to be written. For kinds that are left out, notices go out both ways.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreferencesBody {
    /// Each kind at most once.
    preferences: Vec<PreferenceView>,
    /// The version this is meant for; not needed with `If-Match`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
}

impl Body for PreferencesBody {
    fn check(&self) -> Result<(), Rejection> {
        self.checked().map(drop)
    }
}

impl PreferencesBody {
    fn checked(&self) -> Result<BTreeMap<String, Choice>, Rejection> {
        let mut fields = Fields::new();
        let mut choices = BTreeMap::new();
        for (place, preference) in self.preferences.iter().enumerate() {
            let field = format!("preferences.{place}.kind");
            fields.check(
                preference.kind.is_optional(),
                &field,
                "one_of",
                "cannot be turned off",
            );
            let choice = Choice {
                in_app: preference.in_app,
                email: preference.email,
            };
            let twice = choices
                .insert(preference.kind.as_str().to_owned(), choice)
                .is_some();
            fields.check(!twice, &field, "duplicate", "is given twice");
        }
        fields.finish()?;
        Ok(choices)
    }
}

impl From<&Preferences> for PreferencesView {
    fn from(stored: &Preferences) -> Self {
        let kinds = NoticeKind::ALL
            .iter()
            .copied()
            .filter(|kind| kind.is_optional());
        let preferences = kinds
            .map(|kind| {
                let Choice { in_app, email } = stored.choice(kind);
                PreferenceView {
                    kind,
                    in_app,
                    email,
                }
            })
            .collect();
        Self {
            preferences,
            version: stored.version,
        }
    }
}

/// Lists the caller's notifications, newest first.
#[utoipa::path(
    get,
    path = "/api/notifications",
    operation_id = "listNotifications",
    tag = "notifications",
    params(NotificationsQuery),
    responses((status = 200, description = "A page of notifications", body = NotificationPage))
)]
pub(crate) async fn list(
    caller: Authorized<SignedIn>,
    query: Query<NotificationsQuery>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let page = services
        .db
        .read(&caller, async |tx| {
            list_notifications::run(tx, &services.cursors, &query.0).await
        })
        .await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Lists the organization's mails that were given up, newest first.
///
/// Permissions: manage_organization.
#[utoipa::path(
    get,
    path = "/api/notifications/undelivered",
    operation_id = "listUndeliveredNotifications",
    tag = "notifications",
    params(UndeliveredQuery),
    responses((status = 200, description = "A page of mails", body = Page<UndeliveredView>))
)]
pub(crate) async fn undelivered(
    caller: Authorized<ManageOrganization>,
    query: Query<UndeliveredQuery>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let page = services
        .db
        .read(&caller, async |tx| {
            list_undelivered::run(tx, &services.cursors, &query.0).await
        })
        .await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Sends a mail again that was given up.
///
/// One that has lost its point in the meantime (an invitation that ran out, a reset that was used) is not sent.
///
/// Permissions: manage_organization.
#[utoipa::path(
    post,
    path = "/api/notifications/{id}/resend",
    operation_id = "resendNotification",
    tag = "notifications",
    params(("id" = Uuid, Path, description = "The notification")),
    request_body = Option<ReadBody>,
    responses((status = 200, description = "The mail, to be sent again", body = UndeliveredView))
)]
pub(crate) async fn resend(
    caller: Authorized<ManageOrganization>,
    id: PathId,
    idempotency: Idempotency,
    body: JsonOrEmpty<ReadBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    services
        .db
        .once(&caller, &idempotency, &body.raw, async |tx| {
            let mail = resend_notification::run(tx, id.0).await?;
            Reply::ok(&UndeliveredView::of(mail, EmailStatus::Pending))
        })
        .await
}

/// Marks a notification as read.
#[utoipa::path(
    post,
    path = "/api/notifications/{id}/read",
    operation_id = "readNotification",
    tag = "notifications",
    params(("id" = Uuid, Path, description = "The notification")),
    request_body = Option<ReadBody>,
    responses((status = 200, description = "The notification", body = NotificationView))
)]
pub(crate) async fn mark_read(
    caller: Authorized<SignedIn>,
    id: PathId,
    idempotency: Idempotency,
    body: JsonOrEmpty<ReadBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    services
        .db
        .once(&caller, &idempotency, &body.raw, async |tx| {
            let notification = read_notifications::one(tx, id.0).await?;
            Reply::ok(&NotificationView::from(&notification))
        })
        .await
}

/// Marks all of the caller's notifications as read.
#[utoipa::path(
    post,
    path = "/api/notifications/read-all",
    operation_id = "readAllNotifications",
    tag = "notifications",
    request_body = Option<ReadBody>,
    responses((status = 200, description = "How many were marked", body = ReadAllView))
)]
pub(crate) async fn mark_all_read(
    caller: Authorized<SignedIn>,
    idempotency: Idempotency,
    body: JsonOrEmpty<ReadBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    services
        .db
        .once(&caller, &idempotency, &body.raw, async |tx| {
            let read = read_notifications::all(tx).await?;
            Reply::ok(&ReadAllView { read })
        })
        .await
}

/// How the caller wants to be notified, for each kind of occasion.
#[utoipa::path(
    get,
    path = "/api/notifications/preferences",
    operation_id = "getNotificationPreferences",
    tag = "notifications",
    responses(
        (status = 200, description = "The choices", body = PreferencesView),
        (status = 304, description = "Not changed")
    )
)]
pub(crate) async fn get_preferences(
    caller: Authorized<SignedIn>,
    conditional: Conditional,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let user_id = caller.caller().user_id;
    let stored = services
        .db
        .read(&caller, async |tx| preferences::of(tx, user_id).await)
        .await?;
    Ok(conditional.respond(stored.version, &PreferencesView::from(&stored)))
}

/// Replaces how the caller wants to be notified.
///
/// Rejections: `VERSION_CONFLICT`, `VERSION_MISMATCH`.
#[utoipa::path(
    put,
    path = "/api/notifications/preferences",
    operation_id = "putNotificationPreferences",
    tag = "notifications",
    request_body = PreferencesBody,
    responses((status = 200, description = "The choices as they are now", body = PreferencesView))
)]
pub(crate) async fn put_preferences(
    caller: Authorized<SignedIn>,
    conditional: Conditional,
    body: Json<PreferencesBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let choices = body.value.checked()?;
    let expected = conditional.expected_version(body.value.version)?;
    store(&caller, &services, expected, choices).await
}

/// Replaces the list of choices; the same as PUT, but without a version any will do.
///
/// Rejections: `VERSION_CONFLICT`, `VERSION_MISMATCH`.
#[utoipa::path(
    patch,
    path = "/api/notifications/preferences",
    operation_id = "patchNotificationPreferences",
    tag = "notifications",
    request_body(content = PreferencesBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The choices as they are now", body = PreferencesView))
)]
pub(crate) async fn patch_preferences(
    caller: Authorized<SignedIn>,
    conditional: Conditional,
    patch: MergePatch,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let user_id = caller.caller().user_id;
    let present = services
        .db
        .read(&caller, async |tx| preferences::of(tx, user_id).await)
        .await?;
    let PreferencesView { preferences, .. } = PreferencesView::from(&present);
    let choices = patch
        .apply(&PreferencesBody {
            preferences,
            version: None,
        })?
        .checked()?;
    let expected = conditional.expected_or_any(patch.version()?);
    store(&caller, &services, expected, choices).await
}

async fn store(
    caller: &Authorized<SignedIn>,
    services: &Services,
    expected: ExpectedVersion,
    choices: BTreeMap<String, Choice>,
) -> Result<HttpResponse> {
    let stored = services
        .db
        .write(caller, async |tx| {
            choose_preferences::run(tx, expected, choices.clone()).await
        })
        .await?;
    Ok(Reply::ok(&PreferencesView::from(&stored))?
        .version(stored.version)
        .into_response())
}
