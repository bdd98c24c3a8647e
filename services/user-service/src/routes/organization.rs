//! The caller's organization.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, web};
use domain::rejection::Rejection;
use platform::{
    db::Reply,
    error::Result,
    http::{
        Authorized, Body, Conditional, Fields, Json, MergePatch, Routes,
        permission::{ManageOrganization, SignedIn},
    },
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    commands::update_organization::{self, Stale, UpdateOrganization},
    holidays::HolidayCalendar,
    repository::organizations::{self, Organization},
    services::Services,
    views::OrganizationView,
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/organization", get)
        .put("/api/organization", put)
        .patch("/api/organization", patch)
}

/// What can be written of an organization.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationBody {
    /// What it is called.
    #[schema(max_length = 200)]
    name: String,
    /// IANA name.
    #[schema(example = "America/New_York")]
    timezone: String,
    /// Its own business holidays, beside the federal ones; none without.
    holiday_calendar: Option<HolidayCalendar>,
    /// What roles may do beyond the default: permissions by role.
    #[serde(default)]
    #[schema(example = json!({"TRANSACTION_COORDINATOR": ["create_deals"]}))]
    role_grants: BTreeMap<String, Vec<String>>,
}

impl Body for OrganizationBody {
    fn check(&self) -> Result<(), Rejection> {
        self.checked().map(drop)
    }
}

/// An organization to be written whole.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PutOrganizationBody {
    /// What it is called.
    #[schema(max_length = 200)]
    name: String,
    /// IANA name.
    #[schema(example = "America/New_York")]
    timezone: String,
    /// Its own business holidays, beside the federal ones; none without.
    holiday_calendar: Option<HolidayCalendar>,
    /// What roles may do beyond the default: permissions by role.
    #[serde(default)]
    #[schema(example = json!({"TRANSACTION_COORDINATOR": ["create_deals"]}))]
    role_grants: BTreeMap<String, Vec<String>>,
    /// The version this is meant for; not needed with `If-Match`.
    version: Option<i64>,
}

impl Body for PutOrganizationBody {
    fn check(&self) -> Result<(), Rejection> {
        self.checked().map(drop)
    }
}

impl OrganizationBody {
    fn checked(&self) -> Result<UpdateOrganization, Rejection> {
        let mut fields = Fields::new();
        let command = UpdateOrganization {
            name: self.name.clone(),
            time_zone: self.timezone.clone(),
            holiday_calendar: self.holiday_calendar.clone(),
            role_grants: self.role_grants.clone(),
        }
        .checked(&mut fields);
        fields.finish()?;
        Ok(command)
    }
}

impl PutOrganizationBody {
    fn checked(&self) -> Result<UpdateOrganization, Rejection> {
        let fields = OrganizationBody {
            name: self.name.clone(),
            timezone: self.timezone.clone(),
            holiday_calendar: self.holiday_calendar.clone(),
            role_grants: self.role_grants.clone(),
        };
        fields.checked()
    }
}

/// The caller's organization.
#[utoipa::path(
    get,
    path = "/api/organization",
    operation_id = "getOrganization",
    tag = "organization",
    responses(
        (status = 200, description = "The organization", body = OrganizationView),
        (status = 304, description = "Not changed")
    )
)]
pub(crate) async fn get(
    caller: Authorized<SignedIn>,
    conditional: Conditional,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let organization = services
        .db
        .read(&caller, async |tx| organizations::own(tx).await)
        .await?;
    Ok(conditional.respond(organization.version, &OrganizationView::of(&organization)?))
}

/// Replaces the organization's name, zone, holidays and grants.
///
/// Grants only add to what roles may do. Only a caller with all permissions grants administrative ones.
///
/// Permissions: manage_organization. Rejections: `VERSION_CONFLICT`, `VERSION_MISMATCH`.
#[utoipa::path(
    put,
    path = "/api/organization",
    operation_id = "putOrganization",
    tag = "organization",
    request_body = PutOrganizationBody,
    responses((status = 200, description = "The organization as it is now", body = OrganizationView))
)]
pub(crate) async fn put(
    caller: Authorized<ManageOrganization>,
    conditional: Conditional,
    body: Json<PutOrganizationBody>,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let command = body.value.checked()?;
    let expected = conditional.expected_version(body.value.version)?;
    let updated = services
        .db
        .write(&caller, async |tx| {
            update_organization::run(tx, expected, |_| Ok(command.clone())).await
        })
        .await?;
    answer(&services, updated).await
}

/// Changes some of the organization's name, zone, holidays and grants.
///
/// Permissions: manage_organization. Rejections: `VERSION_CONFLICT`, `VERSION_MISMATCH`.
#[utoipa::path(
    patch,
    path = "/api/organization",
    operation_id = "patchOrganization",
    tag = "organization",
    request_body(content = OrganizationBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The organization as it is now", body = OrganizationView))
)]
pub(crate) async fn patch(
    caller: Authorized<ManageOrganization>,
    conditional: Conditional,
    patch: MergePatch,
    services: web::Data<Services>,
) -> Result<HttpResponse> {
    let expected = conditional.expected_or_any(patch.version()?);
    let decide = |organization: &Organization| {
        let OrganizationView {
            name,
            timezone,
            holiday_calendar,
            role_grants,
            ..
        } = OrganizationView::of(organization)?;
        let patched = patch.apply(&OrganizationBody {
            name,
            timezone,
            holiday_calendar,
            role_grants,
        })?;
        Ok(patched.checked()?)
    };
    let updated = services
        .db
        .write(&caller, async |tx| {
            update_organization::run(tx, expected, decide).await
        })
        .await?;
    answer(&services, updated).await
}

async fn answer(
    services: &Services,
    (organization, stale): (Organization, Stale),
) -> Result<HttpResponse> {
    services.cache.drop_sessions(&stale.sessions).await;
    services.cache.drop_profiles(&stale.users).await;
    let view = OrganizationView::of(&organization)?;
    Ok(Reply::ok(&view)?
        .version(organization.version)
        .into_response())
}
