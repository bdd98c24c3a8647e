//! Signing up, in, on and out.

use actix_web::{HttpRequest, HttpResponse, web};
use domain::{
    email::{self, EmailAddress},
    rejection::Rejection,
    zone::{DEFAULT_ZONE, Zone},
};
use platform::{
    error::Result,
    http::{
        Access as _, Authorized, Body, JsonOrEmpty, RequestContext, Routes, body::Json,
        permission::SignedIn as AnySession, validate::Fields,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sessions::client_of;
use crate::{
    commands::{
        self,
        accept_invitation::Acceptance,
        count_attempt,
        open_session::{self, Opened, Verified},
        refresh_session::Refreshed,
        sign_up::SignUp,
    },
    repository::users,
    secrets::{
        passwords::{NewPassword, TypedPassword, Verdict},
        tokens::SingleUseToken,
    },
    services::{Services, SignedIn},
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .post("/api/auth/signup", sign_up)
        .post("/api/auth/login", log_in)
        .post("/api/auth/refresh", refresh)
        .post("/api/auth/accept-invitation", accept_invitation)
        .post("/api/auth/verify-email", verify_email)
        .post("/api/auth/verify-email/resend", resend_verification)
        .post("/api/auth/logout", log_out)
}

/// Longest text, in characters, that is looked at as the address of a sign-in. A longer one is refused.
const EMAIL_LENGTH_MAX: usize = 254;

/// What a founder sends.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignUpBody {
    /// What the organization is called.
    #[schema(example = "Harbour Realty", max_length = 200)]
    organization_name: String,
    /// The founder's name.
    #[schema(max_length = 200)]
    full_name: String,
    /// The founder's address.
    #[schema(example = "founder@brokerage.example", max_length = 254)]
    email: String,
    /// 12 to 256 characters, taken exactly as sent.
    #[schema(min_length = 12, max_length = 256)]
    password: String,
    /// IANA name; America/New_York unless given.
    #[schema(example = "America/Chicago")]
    timezone: Option<String>,
}

impl Body for SignUpBody {
    fn check(&self) -> Result<(), Rejection> {
        self.checked().map(drop)
    }
}

/// What somebody sends to sign in.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogInBody {
    /// The address of the account.
    #[schema(example = "founder@brokerage.example")]
    email: String,
    /// The password, exactly.
    #[schema(max_length = 256)]
    password: String,
}

impl Body for LogInBody {
    fn check(&self) -> Result<(), Rejection> {
        self.password().map(drop)
    }
}

/// A refresh token to spend.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefreshBody {
    /// The last one given out for the session.
    refresh_token: String,
}

impl Body for RefreshBody {}

/// What shows that mail arrives.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerifyBody {
    /// From the mail.
    token: String,
}

impl Body for VerifyBody {}

/// What asking for the mail again says: nothing so far.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
pub struct ResendBody {}

impl Body for ResendBody {}

/// What an invited person sends.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcceptBody {
    /// From the invitation's mail.
    token: String,
    /// The person's name.
    #[schema(max_length = 200)]
    full_name: String,
    /// 12 to 256 characters, taken exactly as sent.
    #[schema(min_length = 12, max_length = 256)]
    password: String,
}

impl Body for AcceptBody {
    fn check(&self) -> Result<(), Rejection> {
        self.password().map(drop)
    }
}

/// The answer to a founder: signed in, and asked to show that mail arrives.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignedUp {
    /// The session.
    #[serde(flatten)]
    pub session: SignedIn,
    /// What the mail carries; answered in development only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_token: Option<String>,
}

impl SignUpBody {
    fn time_zone(&self) -> &str {
        self.timezone.as_deref().unwrap_or(DEFAULT_ZONE)
    }

    /// Address and password, where nothing else is wrong either.
    fn checked(&self) -> Result<(EmailAddress, NewPassword), Rejection> {
        let mut fields = Fields::new();
        fields
            .text("organizationName", &self.organization_name, 1..=200)
            .text("fullName", &self.full_name, 1..=200)
            .email("email", &self.email);
        let password = NewPassword::parse(&mut fields, "password", &self.password);
        fields.check(
            Zone::parse(self.time_zone()).is_ok(),
            "timezone",
            "time_zone",
            "must be an IANA time zone",
        );
        fields.finish()?;
        EmailAddress::parse(&self.email)
            .zip(password)
            .ok_or_else(|| Rejection::required("email"))
    }
}

impl LogInBody {
    /// The password, where nothing else is wrong either.
    fn password(&self) -> Result<TypedPassword, Rejection> {
        let mut fields = Fields::new();
        fields.text("email", &self.email, 1..=EMAIL_LENGTH_MAX);
        let password = TypedPassword::parse(&mut fields, "password", &self.password);
        fields.finish()?;
        password.ok_or_else(|| Rejection::required("password"))
    }
}

impl AcceptBody {
    /// The password, where nothing else is wrong either.
    fn password(&self) -> Result<NewPassword, Rejection> {
        let mut fields = Fields::new();
        fields.text("fullName", &self.full_name, 1..=200);
        let password = NewPassword::parse(&mut fields, "password", &self.password);
        fields.finish()?;
        password.ok_or_else(|| Rejection::required("password"))
    }
}

/// Makes an organization and its first administrator, and signs them in.
///
/// A mail asks the administrator to show that mail arrives (`POST /api/auth/verify-email`). Until then nobody else
/// in the organization is sent mail; what is to be sent waits.
///
/// Rejections: `EMAIL_TAKEN`.
#[utoipa::path(
    post,
    path = "/api/auth/signup",
    operation_id = "signUp",
    tag = "identity",
    request_body = SignUpBody,
    responses(
        (status = 201, description = "Signed up and in", body = SignedUp)
    )
)]
pub(crate) async fn sign_up(
    request: HttpRequest,
    body: Json<SignUpBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let body = body.value;
    let (email, password) = body.checked()?;
    let context = RequestContext::of(&request);
    let command = SignUp {
        organization_name: body.organization_name.trim().to_owned(),
        time_zone: body.time_zone().to_owned(),
        full_name: body.full_name.trim().to_owned(),
        email,
        password_hash: services.passwords.hash(&password).await?,
        network: services.network(context.ip),
        client: client_of(&request),
    };
    let opened = services
        .db
        .anonymous(&context.request_id, context.ip, async |tx| {
            commands::sign_up::run(tx, &command).await
        })
        .await?;
    let Opened { user, session, .. } = opened;
    let verification_token = services
        .development
        .then(|| services.tokens.verification(user.id, &user.email_key));
    Ok(HttpResponse::Created()
        .insert_header(("Location", format!("/api/users/{}", user.id)))
        .json(SignedUp {
            session: services.signed_in(&user, &session)?,
            verification_token,
        }))
}

/// Signs in with address and password.
///
/// An unknown address, a wrong password and a disabled account are answered alike, after the same time. From the fifth
/// failure on the account is locked for a while that doubles, in the client's network and for the right password too.
/// All networks from which the account's owner has not signed in lately share ten attempts in a quarter of an hour.
///
/// Rejections: `INVALID_CREDENTIALS`, `TOO_MANY_ATTEMPTS`.
#[utoipa::path(
    post,
    path = "/api/auth/login",
    operation_id = "logIn",
    tag = "identity",
    request_body = LogInBody,
    responses(
        (status = 200, description = "Signed in", body = SignedIn)
    )
)]
pub(crate) async fn log_in(
    request: HttpRequest,
    body: Json<LogInBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let password = body.value.password()?;
    let email_key = email::normal_form(&body.value.email);
    let client = client_of(&request);
    let context = RequestContext::of(&request);
    let Services { db, tokens, .. } = services.get_ref();
    let turn = services.turn(&email_key).await;
    let (found, attempt) = db
        .anonymous(&context.request_id, context.ip, async |tx| {
            count_attempt::run(tx, tokens, &email_key, context.ip).await
        })
        .await?;
    let hash = found.as_ref().map(|row| row.password_hash.clone());
    let verdict = services.passwords.verify(&password, hash).await?;
    let account = found
        .filter(|row| verdict.is_right() && row.status == "ACTIVE")
        .ok_or(Rejection::InvalidCredentials)?;
    let new_hash = match verdict {
        Verdict::Outdated => Some(services.passwords.hash_again(&password).await?),
        Verdict::Right | Verdict::Wrong => None,
    };
    let verified = Verified {
        credentials: account.credentials(),
        new_hash,
    };
    let opened = db
        .anonymous(&context.request_id, context.ip, async |tx| {
            open_session::run(tx, account.user_id, &verified, &attempt, client.as_deref()).await
        })
        .await?;
    drop(turn);
    services.cache.drop_sessions(&opened.displaced).await;
    let Opened { user, session, .. } = opened;
    Ok(HttpResponse::Ok().json(services.signed_in(&user, &session)?))
}

/// Spends a refresh token for a new access token and the next refresh token.
///
/// The immediate predecessor gets the same successor again for ten seconds. Any other spent token ends
/// the whole session: somebody has a copy.
#[utoipa::path(
    post,
    path = "/api/auth/refresh",
    operation_id = "refresh",
    tag = "identity",
    request_body = RefreshBody,
    responses(
        (status = 200, description = "The session goes on", body = SignedIn)
    )
)]
pub(crate) async fn refresh(
    request: HttpRequest,
    body: Json<RefreshBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let claim = services
        .tokens
        .verify_refresh(&body.value.refresh_token)
        .ok_or(Rejection::Unauthenticated)?;
    let context = RequestContext::of(&request);
    let refreshed = services
        .db
        .anonymous(&context.request_id, context.ip, async |tx| {
            commands::refresh_session::run(tx, claim).await
        })
        .await?;
    match refreshed {
        Refreshed::GoesOn(user, session) => {
            Ok(HttpResponse::Ok().json(services.signed_in(&user, &session)?))
        }
        Refreshed::FamilyEnded(session_id) => {
            services.cache.drop_sessions(&[session_id]).await;
            tracing::warn!(session.id = %session_id, "a spent refresh token came back; its session has been ended");
            Err(Rejection::Unauthenticated.into())
        }
    }
}

/// Takes the account that an invitation offers, and signs in.
///
/// Rejections: `TOKEN_INVALID`; `EMAIL_TAKEN` when the address is an account of another organization.
#[utoipa::path(
    post,
    path = "/api/auth/accept-invitation",
    operation_id = "acceptInvitation",
    tag = "identity",
    request_body = AcceptBody,
    responses(
        (status = 201, description = "Joined and signed in", body = SignedIn)
    )
)]
pub(crate) async fn accept_invitation(
    request: HttpRequest,
    body: Json<AcceptBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let password = body.value.password()?;
    let AcceptBody {
        token, full_name, ..
    } = body.value;
    let token = SingleUseToken::parse(&token).ok_or(Rejection::TokenInvalid)?;

    let Services { db, tokens, .. } = services.get_ref();
    let RequestContext { request_id, ip, .. } = RequestContext::of(&request);
    db.anonymous(&request_id, ip, async |tx| {
        commands::accept_invitation::check(tx, tokens, &token).await
    })
    .await?;
    let acceptance = Acceptance {
        full_name: full_name.trim().to_owned(),
        password_hash: services.passwords.hash(&password).await?,
        network: services.network(ip),
        client: client_of(&request),
    };
    let Opened { user, session, .. } = db
        .anonymous(&request_id, ip, async |tx| {
            commands::accept_invitation::run(tx, tokens, &token, &acceptance).await
        })
        .await?;
    Ok(HttpResponse::Created()
        .insert_header(("Location", format!("/api/users/{}", user.id)))
        .json(services.signed_in(&user, &session)?))
}

/// Confirms the address of an organization's first administrator, with the token from the mail.
///
/// Once more does no harm.
///
/// Rejections: `TOKEN_INVALID`.
#[utoipa::path(
    post,
    path = "/api/auth/verify-email",
    operation_id = "verifyEmail",
    tag = "identity",
    request_body = VerifyBody,
    responses((status = 204, description = "The address is confirmed"))
)]
pub(crate) async fn verify_email(
    request: HttpRequest,
    body: Json<VerifyBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let token = SingleUseToken::parse(&body.value.token).ok_or(Rejection::TokenInvalid)?;
    let RequestContext { request_id, ip, .. } = RequestContext::of(&request);
    let Services { db, tokens, .. } = services.get_ref();
    db.anonymous(&request_id, ip, async |tx| {
        commands::verify_email::run(tx, tokens, &token).await
    })
    .await?;
    services.cache.drop_profiles(&[token.id]).await;
    Ok(HttpResponse::NoContent().finish())
}

/// Mails the caller a new token for `POST /api/auth/verify-email`, unless the address is confirmed.
#[utoipa::path(
    post,
    path = "/api/auth/verify-email/resend",
    operation_id = "resendVerification",
    tag = "identity",
    request_body = Option<ResendBody>,
    responses((status = 202, description = "If the address is not confirmed, it gets a mail"))
)]
pub(crate) async fn resend_verification(
    caller: Authorized<AnySession>,
    _body: JsonOrEmpty<ResendBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    services
        .db
        .write(&caller, async |tx| {
            let user = users::find(tx, tx.actor().user_id)
                .await?
                .ok_or(Rejection::Unauthenticated)?;
            commands::verify_email::ask(tx, &user).await
        })
        .await?;
    Ok(HttpResponse::Accepted().finish())
}

/// Ends the caller's session. Its tokens stop working at once.
#[utoipa::path(
    post,
    path = "/api/auth/logout",
    operation_id = "logOut",
    tag = "identity",
    responses(
        (status = 204, description = "Signed out")
    )
)]
pub(crate) async fn log_out(
    caller: Authorized<AnySession>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let session_id = caller.caller().session_id;
    services
        .db
        .write(&caller, async |tx| {
            commands::log_out::run(tx, session_id).await
        })
        .await?;
    services.cache.drop_sessions(&[session_id]).await;
    Ok(HttpResponse::NoContent().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_more_than_254_characters_signs_nobody_in() {
        let checked = |length| {
            let email = "é".repeat(length);
            let password = "a password".to_owned();
            LogInBody { email, password }.check()
        };
        assert_eq!(checked(254), Ok(()));
        let Err(Rejection::Validation { errors }) = checked(255) else {
            panic!("a longer one is refused");
        };
        let refused: Vec<_> = errors
            .iter()
            .map(|error| (error.field.as_str(), error.constraint.as_str()))
            .collect();
        assert_eq!(refused, [("email", "max_length")]);
    }
}
