//! The people of an organization.

use actix_web::{HttpResponse, web};
use domain::{
    email::EmailAddress,
    permission::{Permission, Role},
    rejection::Rejection,
};
use platform::{
    db::{Idempotency, Reply},
    error::Result,
    http::{
        Authorized, Body, Conditional, Fields, Json, MergePatch, Page, PathId, Query, Routes,
        openapi::words::UserRoleWord,
        permission::{ManageUsers, SignedIn},
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    commands::{disable_user, invite_user, update_user},
    commands::{invite_user::InviteUser, update_user::UpdateUser},
    queries::list_users::{self, UsersQuery},
    repository::users::{self, User},
    services::Services,
    views::{AnyUserView, ColleagueView, UserView},
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/users", list)
        .post("/api/users", invite)
        .get("/api/users/{id}", get)
        .put("/api/users/{id}", put)
        .patch("/api/users/{id}", patch)
        .delete("/api/users/{id}", disable)
}

/// Whom to invite.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InviteBody {
    /// The address to invite.
    #[schema(
        example = "agent@brokerage.example",
        max_length = 254,
        format = "email"
    )]
    email: String,
    /// The person's name, which they may correct when they accept.
    #[schema(max_length = 200)]
    full_name: String,
    /// BUYER, BUYER_AGENT, TRANSACTION_COORDINATOR or ADMIN.
    #[schema(value_type = UserRoleWord, example = "BUYER_AGENT")]
    role: String,
}

impl Body for InviteBody {
    fn check(&self) -> Result<(), Rejection> {
        self.checked().map(drop)
    }
}

/// An invited user.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct InvitedView {
    /// The user.
    #[serde(flatten)]
    pub user: UserView,
    /// What the mail carries; answered in development only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invitation_token: Option<String>,
}

/// What can be written of a user.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserBody {
    /// The user's name.
    #[schema(max_length = 200)]
    full_name: String,
    /// BUYER, BUYER_AGENT, TRANSACTION_COORDINATOR or ADMIN.
    #[schema(value_type = UserRoleWord, example = "TRANSACTION_COORDINATOR")]
    role: String,
}

impl Body for UserBody {
    fn check(&self) -> Result<(), Rejection> {
        self.checked().map(drop)
    }
}

/// A user to be written whole.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PutUserBody {
    /// The user's name.
    #[schema(max_length = 200)]
    full_name: String,
    /// BUYER, BUYER_AGENT, TRANSACTION_COORDINATOR or ADMIN.
    #[schema(value_type = UserRoleWord, example = "TRANSACTION_COORDINATOR")]
    role: String,
    /// The version this is meant for; not needed with `If-Match`.
    version: Option<i64>,
}

impl Body for PutUserBody {
    fn check(&self) -> Result<(), Rejection> {
        self.checked().map(drop)
    }
}

impl UserBody {
    fn checked(&self) -> Result<UpdateUser, Rejection> {
        let mut fields = Fields::new();
        fields.text("fullName", &self.full_name, 1..=200);
        let role = role(&mut fields, &self.role);
        fields.finish()?;
        let role = role.ok_or_else(|| Rejection::required("role"))?;
        Ok(UpdateUser {
            full_name: self.full_name.trim().to_owned(),
            role,
        })
    }
}

impl PutUserBody {
    fn checked(&self) -> Result<UpdateUser, Rejection> {
        let fields = UserBody {
            full_name: self.full_name.clone(),
            role: self.role.clone(),
        };
        fields.checked()
    }
}

impl InviteBody {
    fn checked(&self) -> Result<InviteUser, Rejection> {
        let mut fields = Fields::new();
        fields
            .email("email", &self.email)
            .text("fullName", &self.full_name, 1..=200);
        let role = role(&mut fields, &self.role);
        fields.finish()?;
        Ok(InviteUser {
            email: EmailAddress::parse(&self.email).ok_or_else(|| Rejection::required("email"))?,
            full_name: self.full_name.trim().to_owned(),
            role: role.ok_or_else(|| Rejection::required("role"))?,
        })
    }
}

/// Lists the organization's people.
///
/// Callers with manage_users see all of them with address and status, others the active ones with name and role.
#[utoipa::path(
    get,
    path = "/api/users",
    operation_id = "listUsers",
    tag = "users",
    params(UsersQuery),
    responses((status = 200, description = "A page of users", body = Page<AnyUserView>))
)]
pub(crate) async fn list(
    caller: Authorized<SignedIn>,
    query: Query<UsersQuery>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let query = query.0;
    let page = services
        .db
        .read(&caller, async |tx| {
            let cut = query.cut(tx, &services.cursors)?;
            let manages = tx.actor().permissions.has(Permission::ManageUsers);
            let page = cut.page(list_users::run(tx, &query, &cut).await?, list_users::place)?;
            Ok(page.map(|user| view(&user, manages)))
        })
        .await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Invites somebody to the organization by mail.
///
/// An address of the caller's own organization is refused. One of another organization is answered as if it were new;
/// its holder gets a mail. A user who was disabled becomes an invited one again, with the new name and role and without
/// the old password.
///
/// Permissions: manage_users. Rejections: `EMAIL_TAKEN`, `RATE_LIMITED`.
#[utoipa::path(
    post,
    path = "/api/users",
    operation_id = "inviteUser",
    tag = "users",
    request_body = InviteBody,
    responses((status = 201, description = "Invited", body = InvitedView))
)]
pub(crate) async fn invite(
    caller: Authorized<ManageUsers>,
    idempotency: Idempotency,
    body: Json<InviteBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let command = body.value.checked()?;
    services
        .db
        .once(&caller, &idempotency, &body.raw, async |tx| {
            let (user, until) = invite_user::run(tx, &services.tokens, &command).await?;
            let invitation_token = services
                .development
                .then(|| services.tokens.invitation(user.id, until));
            let view = InvitedView {
                user: UserView::from(&user),
                invitation_token,
            };
            Ok(Reply::created(format!("/api/users/{}", user.id), &view)?.version(user.version))
        })
        .await
}

/// One user of the organization, as much as the caller may see.
#[utoipa::path(
    get,
    path = "/api/users/{id}",
    operation_id = "getUser",
    tag = "users",
    params(("id" = Uuid, Path, description = "The user")),
    responses((status = 200, description = "The user", body = AnyUserView), (status = 304, description = "Not changed"))
)]
pub(crate) async fn get(
    caller: Authorized<SignedIn>,
    id: PathId,
    conditional: Conditional,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let (version, view) = services
        .db
        .read(&caller, async |tx| {
            let manages = tx.actor().permissions.has(Permission::ManageUsers);
            let user = users::find(tx, id.0).await?;
            // A user who was only invited is not shown to colleagues yet.
            let user = user
                .filter(|user| manages || user.joined_at.is_some())
                .ok_or(Rejection::NotFound)?;
            Ok((user.version, view(&user, manages)))
        })
        .await?;
    Ok(conditional.respond(version, &view))
}

/// Replaces a user's name and role.
///
/// Permissions: manage_users. Rejections: `LAST_ADMIN`, `VERSION_CONFLICT`, `VERSION_MISMATCH`.
#[utoipa::path(
    put,
    path = "/api/users/{id}",
    operation_id = "putUser",
    tag = "users",
    params(("id" = Uuid, Path, description = "The user")),
    request_body = PutUserBody,
    responses((status = 200, description = "The user as it is now", body = UserView))
)]
pub(crate) async fn put(
    caller: Authorized<ManageUsers>,
    id: PathId,
    conditional: Conditional,
    body: Json<PutUserBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let command = body.value.checked()?;
    let expected = conditional.expected_version(body.value.version)?;
    let updated = services
        .db
        .write(&caller, async |tx| {
            update_user::run(tx, id.0, expected, |_| Ok(command.clone())).await
        })
        .await?;
    answer(&services, updated).await
}

/// Changes a user's name or role.
///
/// Permissions: manage_users. Rejections: `LAST_ADMIN`, `VERSION_CONFLICT`, `VERSION_MISMATCH`.
#[utoipa::path(
    patch,
    path = "/api/users/{id}",
    operation_id = "patchUser",
    tag = "users",
    params(("id" = Uuid, Path, description = "The user")),
    request_body(content = UserBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The user as it is now", body = UserView))
)]
pub(crate) async fn patch(
    caller: Authorized<ManageUsers>,
    id: PathId,
    conditional: Conditional,
    patch: MergePatch,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let expected = conditional.expected_or_any(patch.version()?);
    let decide = |user: &User| {
        let present = UserBody {
            full_name: user.full_name.clone(),
            role: user.role.as_str().to_owned(),
        };
        Ok(patch.apply(&present)?.checked()?)
    };
    let updated = services
        .db
        .write(&caller, async |tx| {
            update_user::run(tx, id.0, expected, decide).await
        })
        .await?;
    answer(&services, updated).await
}

/// Disables a user: no sign-in any more, and every session ends. Withdraws an invitation.
///
/// Permissions: manage_users. Rejections: `LAST_ADMIN`, `VERSION_MISMATCH`.
#[utoipa::path(
    delete,
    path = "/api/users/{id}",
    operation_id = "disableUser",
    tag = "users",
    params(("id" = Uuid, Path, description = "The user")),
    responses((status = 204, description = "Disabled"))
)]
pub(crate) async fn disable(
    caller: Authorized<ManageUsers>,
    id: PathId,
    conditional: Conditional,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let expected = conditional.expected_or_any(None);
    let ended = services
        .db
        .write(&caller, async |tx| {
            disable_user::run(tx, id.0, expected).await
        })
        .await?;
    services.cache.drop_sessions(&ended).await;
    services.cache.drop_profiles(&[id.0]).await;
    Ok(HttpResponse::NoContent().finish())
}

async fn answer(
    services: &Services,
    (user, stale_sessions): (User, Vec<Uuid>),
) -> Result<HttpResponse> {
    services.cache.drop_sessions(&stale_sessions).await;
    services.cache.drop_profiles(&[user.id]).await;
    Ok(Reply::ok(&UserView::from(&user))?
        .version(user.version)
        .into_response())
}

fn view(user: &User, manages: bool) -> AnyUserView {
    if manages {
        AnyUserView::Whole(user.into())
    } else {
        AnyUserView::Colleague(ColleagueView::from(user))
    }
}

fn role(fields: &mut Fields, text: &str) -> Option<Role> {
    let role = Role::parse(text).filter(|role| Role::OF_PEOPLE.contains(role));
    fields.one_of("role", text, &Role::OF_PEOPLE.map(Role::as_str));
    role
}
