//! Passwords: forgotten, reset, changed.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use domain::{email, rejection::Rejection};
use platform::{
    error::Result,
    http::{
        Access as _, Authorized, Body, Fields, Json, RequestContext, Routes, permission::SignedIn,
    },
};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::{
    commands::{ask_password_reset, change_password, count_attempt, reset_password},
    repository::users,
    secrets::{
        passwords::{NewPassword, TypedPassword},
        tokens::SingleUseToken,
    },
    services::Services,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .post("/api/auth/password/forgot", forgot)
        .post("/api/auth/password/reset", reset)
        .post("/api/auth/password/change", change)
}

/// Asking for a reset takes this long, whether there is an account or not.
const FORGOT_DURATION: Duration = Duration::from_millis(250);

/// Whose password was forgotten.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForgotBody {
    /// The address of the account.
    #[schema(example = "agent@brokerage.example")]
    email: String,
}

/// The answer to a request for a password reset: the same for everybody.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ForgotView {
    /// What the mail carries; answered in development only, and only for an account.
    #[serde(skip_serializing_if = "Option::is_none")]
    reset_token: Option<String>,
}

/// A new password for the token from the mail.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResetBody {
    /// From the mail.
    token: String,
    /// 12 to 256 characters, taken exactly as sent.
    #[schema(min_length = 12, max_length = 256)]
    new_password: String,
}

impl Body for ResetBody {
    fn check(&self) -> Result<(), Rejection> {
        self.password().map(drop)
    }
}

/// A new password for the old one.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChangeBody {
    /// The password as it is.
    #[schema(max_length = 256)]
    current_password: String,
    /// 12 to 256 characters, taken exactly as sent.
    #[schema(min_length = 12, max_length = 256)]
    new_password: String,
}

impl Body for ChangeBody {
    fn check(&self) -> Result<(), Rejection> {
        self.passwords().map(drop)
    }
}

impl Body for ForgotBody {
    fn check(&self) -> Result<(), Rejection> {
        let mut fields = Fields::new();
        fields.email("email", &self.email);
        fields.finish()
    }
}

impl ResetBody {
    fn password(&self) -> Result<NewPassword, Rejection> {
        let mut fields = Fields::new();
        let password = NewPassword::parse(&mut fields, "newPassword", &self.new_password);
        fields.finish()?;
        password.ok_or_else(|| Rejection::required("newPassword"))
    }
}

impl ChangeBody {
    /// The old and the new one.
    fn passwords(&self) -> Result<(TypedPassword, NewPassword), Rejection> {
        let mut fields = Fields::new();
        let current = TypedPassword::parse(&mut fields, "currentPassword", &self.current_password);
        let new = NewPassword::parse(&mut fields, "newPassword", &self.new_password);
        fields.finish()?;
        current
            .zip(new)
            .ok_or_else(|| Rejection::required("newPassword"))
    }
}

/// Mails a token to choose a new password, if there is such an account.
///
/// The answer is the same, after the same time, for every address.
#[utoipa::path(
    post,
    path = "/api/auth/password/forgot",
    operation_id = "forgotPassword",
    tag = "identity",
    request_body = ForgotBody,
    responses((status = 202, description = "If there is such an account, it gets a mail", body = ForgotView))
)]
pub(crate) async fn forgot(
    request: HttpRequest,
    body: Json<ForgotBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let answer_at = Instant::now() + FORGOT_DURATION;
    body.value.check()?;
    let email_key = email::normal_form(&body.value.email);
    let context = RequestContext::of(&request);
    let reset_id = services
        .db
        .anonymous(&context.request_id, context.ip, async |tx| {
            ask_password_reset::run(tx, &email_key).await
        })
        .await?;
    let shown = reset_id.filter(|_| services.development);
    tokio::time::sleep_until(answer_at).await;
    Ok(HttpResponse::Accepted().json(ForgotView {
        reset_token: shown.map(|id| services.tokens.reset(id)),
    }))
}

/// Sets a new password with the token from the mail, once. Every session of the account ends.
///
/// Rejections: `TOKEN_INVALID`.
#[utoipa::path(
    post,
    path = "/api/auth/password/reset",
    operation_id = "resetPassword",
    tag = "identity",
    request_body = ResetBody,
    responses((status = 204, description = "The password is set"))
)]
pub(crate) async fn reset(
    request: HttpRequest,
    body: Json<ResetBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let password = body.value.password()?;
    let token = SingleUseToken::parse(&body.value.token)
        .filter(|token| services.tokens.is_reset(token))
        .ok_or(Rejection::TokenInvalid)?;
    let hash = services.passwords.hash(&password).await?;
    let context = RequestContext::of(&request);
    let ended = services
        .db
        .anonymous(&context.request_id, context.ip, async |tx| {
            reset_password::run(tx, &services.tokens, token.id, &hash).await
        })
        .await?;
    services.cache.drop_sessions(&ended).await;
    Ok(HttpResponse::NoContent().finish())
}

/// Changes the caller's password. Every session of the account ends, this one too.
///
/// Guesses at the current password count as failed sign-ins.
///
/// Rejections: `INVALID_CREDENTIALS`, `TOO_MANY_ATTEMPTS`.
#[utoipa::path(
    post,
    path = "/api/auth/password/change",
    operation_id = "changePassword",
    tag = "identity",
    request_body = ChangeBody,
    responses((status = 204, description = "The password is changed"))
)]
pub(crate) async fn change(
    caller: Authorized<SignedIn>,
    body: Json<ChangeBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let (current, new) = body.value.passwords()?;

    let user_id = caller.caller().user_id;
    let Services { db, tokens, .. } = services.get_ref();
    let user = db
        .read(&caller, async |tx| users::find(tx, user_id).await)
        .await?;
    let email_key = user.ok_or(Rejection::Unauthenticated)?.email_key;
    let turn = services.turn(&email_key).await;
    let (account, _) = db
        .write(&caller, async |tx| {
            count_attempt::run(tx, tokens, &email_key, tx.actor().ip).await
        })
        .await?;
    let verified = account.ok_or(Rejection::Unauthenticated)?.credentials();
    let verdict = services
        .passwords
        .verify(&current, Some(verified.password_hash.clone()))
        .await?;
    if !verdict.is_right() {
        return Err(Rejection::InvalidCredentials.into());
    }
    let hash = services.passwords.hash(&new).await?;
    let ended = db
        .write(&caller, async |tx| {
            change_password::run(tx, tokens, &verified, &hash).await
        })
        .await?;
    drop(turn);
    services.cache.drop_sessions(&ended).await;
    Ok(HttpResponse::NoContent().finish())
}
