//! Signing up, in, on and out.

use actix_web::{HttpRequest, HttpResponse, web};
use domain::{
    permission::Permission,
    rejection::Rejection,
    zone::{DEFAULT_ZONE, Zone},
};
use platform::{
    error::Result,
    http::{
        Access as _, Authorized, Body, RequestContext, Routes, body::Json,
        permission::SignedIn as AnySession, validate::Fields,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    commands::{self, refresh_session::Refreshed, sign_up::SignUp},
    queries::profile::{self, Profile},
    repository::{credentials, login_attempts},
    secrets::{
        passwords::{NewPassword, TypedPassword},
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
        .post("/api/auth/logout", log_out)
        .get("/api/auth/me", me)
}

/// Longest address that is looked at.
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
        self.password().map(drop)
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

/// The caller, with what they may do.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// User and organization.
    #[serde(flatten)]
    pub profile: Profile,
    /// The effective permissions: the role's default and what the organization grants.
    #[schema(value_type = Vec<String>, example = json!(["view_all_deals", "manage_tasks"]))]
    pub permissions: Vec<&'static str>,
}

impl SignUpBody {
    fn time_zone(&self) -> &str {
        self.timezone.as_deref().unwrap_or(DEFAULT_ZONE)
    }

    /// The password, where nothing else is wrong either.
    fn password(&self) -> Result<NewPassword, Rejection> {
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
        password.ok_or_else(|| Rejection::required("password"))
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
/// Rejections: `EMAIL_TAKEN`.
#[utoipa::path(
    post,
    path = "/api/auth/signup",
    operation_id = "signUp",
    tag = "identity",
    request_body = SignUpBody,
    responses(
        (status = 201, description = "Signed up and in", body = SignedIn)
    )
)]
pub(crate) async fn sign_up(
    request: HttpRequest,
    body: Json<SignUpBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let body = body.value;
    let password = body.password()?;
    let command = SignUp {
        organization_name: body.organization_name.trim().to_owned(),
        time_zone: body.time_zone().to_owned(),
        full_name: body.full_name.trim().to_owned(),
        email: body.email,
        password_hash: services.passwords.hash(&password).await?,
    };
    let context = RequestContext::of(&request);
    let (user, session) = services
        .db
        .anonymous(&context.request_id, context.ip, async |tx| {
            commands::sign_up::run(tx, &command).await
        })
        .await?;
    Ok(HttpResponse::Created()
        .insert_header(("Location", format!("/api/users/{}", user.id)))
        .json(services.signed_in(&user, &session)?))
}

/// Signs in with address and password.
///
/// An unknown address, a wrong password and a disabled account are answered alike, after the same time.
/// From the fifth failure on the address is locked for a while that doubles, for the right password too.
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
    let email = body.value.email;
    let context = RequestContext::of(&request);
    let address_hash = services.tokens.address_hash(&email);
    let turn = services.turns.wait(&address_hash).await;
    let found = services
        .db
        .anonymous(&context.request_id, context.ip, async |tx| {
            login_attempts::count(tx, &address_hash).await?;
            credentials::login_lookup(tx, &email).await
        })
        .await?;
    let active = found
        .as_ref()
        .filter(|row| row.status == "ACTIVE")
        .map(|row| row.user_id);
    let right = services
        .passwords
        .verify(&password, found.map(|row| row.password_hash))
        .await?;
    let user_id = active
        .filter(|_| right)
        .ok_or(Rejection::InvalidCredentials)?;
    let (user, session) = services
        .db
        .anonymous(&context.request_id, context.ip, async |tx| {
            commands::open_session::run(tx, user_id, &address_hash).await
        })
        .await?;
    drop(turn);
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
    let hash = services.passwords.hash(&password).await?;
    let full_name = full_name.trim();
    let (user, session) = db
        .anonymous(&request_id, ip, async |tx| {
            commands::accept_invitation::run(tx, tokens, &token, full_name, &hash).await
        })
        .await?;
    Ok(HttpResponse::Created()
        .insert_header(("Location", format!("/api/users/{}", user.id)))
        .json(services.signed_in(&user, &session)?))
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

/// The caller: user, organization and effective permissions.
#[utoipa::path(
    get,
    path = "/api/auth/me",
    operation_id = "getMe",
    tag = "identity",
    responses(
        (status = 200, description = "The caller", body = Me)
    )
)]
pub(crate) async fn me(
    caller: Authorized<AnySession>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let user_id = caller.caller().user_id;
    let kept = services.cache.profile(user_id).await;
    let known = kept.is_some();
    let me = services
        .db
        .read(&caller, async |tx| {
            let permissions = tx
                .actor()
                .permissions
                .iter()
                .map(Permission::as_str)
                .collect();
            let profile = match kept.clone() {
                Some(profile) => profile,
                None => profile::run(tx).await?,
            };
            Ok(Me {
                profile,
                permissions,
            })
        })
        .await?;
    if !known {
        services.cache.keep_profile(user_id, &me.profile).await;
    }
    Ok(HttpResponse::Ok().json(me))
}
