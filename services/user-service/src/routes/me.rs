//! The caller's own profile: who they are, and their theme and language.

use actix_web::{HttpResponse, web};
use domain::{permission::Permission, rejection::Rejection};
use platform::{
    db::{Reply, Tx},
    error::Result,
    http::{
        Access as _, Authorized, Body, Conditional, Fields, MergePatch, Routes,
        permission::SignedIn,
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    appearance::{Locale, Theme},
    commands::update_own_profile::{self, OwnProfile},
    queries::profile::{self, Profile},
    repository::users::User,
    services::Services,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/auth/me", get)
        .patch("/api/users/me", patch)
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

impl Me {
    fn of(tx: &Tx, profile: Profile) -> Self {
        let permissions = tx.actor().permissions.iter();
        Self {
            profile,
            permissions: permissions.map(Permission::as_str).collect(),
        }
    }
}

/// What users write of themselves.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OwnProfileBody {
    /// The user's name.
    #[schema(max_length = 200)]
    full_name: String,
    /// The language, in every browser; null for the one that the browser asks for.
    #[schema(value_type = Option<Locale>)]
    locale: Option<String>,
    /// The theme, in every browser.
    #[schema(value_type = Theme)]
    theme: String,
}

impl Body for OwnProfileBody {
    fn check(&self) -> Result<(), Rejection> {
        self.checked().map(drop)
    }
}

impl OwnProfileBody {
    fn of(user: &User) -> Self {
        Self {
            full_name: user.full_name.clone(),
            locale: user.locale.map(Locale::as_str).map(str::to_owned),
            theme: user.theme.as_str().to_owned(),
        }
    }

    fn checked(&self) -> Result<OwnProfile, Rejection> {
        let mut fields = Fields::new();
        fields.text("fullName", &self.full_name, 1..=200);
        if let Some(locale) = &self.locale {
            fields.one_of("locale", locale, &Locale::ALL.map(Locale::as_str));
        }
        fields.one_of("theme", &self.theme, &Theme::ALL.map(Theme::as_str));
        fields.finish()?;
        Ok(OwnProfile {
            full_name: self.full_name.trim().to_owned(),
            locale: self.locale.as_deref().and_then(Locale::parse),
            theme: Theme::parse(&self.theme).ok_or_else(|| Rejection::required("theme"))?,
        })
    }
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
pub(crate) async fn get(
    caller: Authorized<SignedIn>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let user_id = caller.caller().user_id;
    let kept = services.cache.profile(user_id).await;
    let lease = match kept {
        Some(_) => None,
        None => Some(services.cache.lease_profile(user_id).await),
    };
    let me = services
        .db
        .read(&caller, async |tx| {
            let profile = match kept.clone() {
                Some(profile) => profile,
                None => profile::run(tx).await?,
            };
            Ok(Me::of(tx, profile))
        })
        .await?;
    if let Some(lease) = lease {
        services.cache.keep_profile(lease, &me.profile).await;
    }
    Ok(HttpResponse::Ok().json(me))
}

/// Changes the caller's own name, language or theme (JSON merge patch).
///
/// Rejections: `VERSION_MISMATCH`.
#[utoipa::path(
    patch,
    path = "/api/users/me",
    operation_id = "patchMe",
    tag = "users",
    request_body(content = OwnProfileBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The caller as they are now", body = Me))
)]
pub(crate) async fn patch(
    caller: Authorized<SignedIn>,
    conditional: Conditional,
    patch: MergePatch,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let expected = conditional.expected_or_any(patch.version()?);
    let decide = |user: &User| Ok(patch.apply(&OwnProfileBody::of(user))?.checked()?);
    let (version, me) = services
        .db
        .write(&caller, async |tx| {
            let user = update_own_profile::run(tx, expected, decide).await?;
            Ok((user.version, Me::of(tx, profile::run(tx).await?)))
        })
        .await?;
    services
        .cache
        .drop_profiles(&[caller.caller().user_id])
        .await;
    Ok(Reply::ok(&me)?.version(version).into_response())
}
