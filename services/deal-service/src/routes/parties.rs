//! `/api/deals/{id}/parties`: who takes part in a deal.

use actix_web::{HttpResponse, web};
use domain::deal::DealView;
use platform::{
    db::{Db, Idempotency, Reply, Tx},
    error::Result,
    http::{
        Access as _, Authorized, Conditional, Cursors, Cut, Json, MergePatch, Page, PathId,
        PathIds, Query as Parameters, Routes,
        permission::{ManageDeals, ViewDeals},
    },
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    answers::PartyAnswer,
    bodies::{PartyBody, PutPartyBody},
};
use crate::{
    commands::{add_party, remove_party, update_party},
    repository::{
        deals,
        parties::{self, Party},
    },
};

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/deals/{id}/parties", list)
        .post("/api/deals/{id}/parties", add)
        .get("/api/deals/{id}/parties/{partyId}", get)
        .put("/api/deals/{id}/parties/{partyId}", put)
        .patch("/api/deals/{id}/parties/{partyId}", patch)
        .delete("/api/deals/{id}/parties/{partyId}", remove)
}

/// How a list of parties is cut.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PartiesQuery {
    /// 1 to 100, 25 by default.
    limit: Option<u32>,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// The parties of a deal, in the order they were added.
///
/// **Permissions**: any of the view permissions. Buyers see contact details only of those they are meant to call.
#[utoipa::path(get, path = "/api/deals/{id}/parties", operation_id = "listParties", tag = "parties",
    params(("id" = Uuid, Path), PartiesQuery), responses((status = 200, description = "A page of parties", body = Page<PartyAnswer>)))]
pub(crate) async fn list(
    caller: Authorized<ViewDeals>,
    id: PathId,
    query: Parameters<PartiesQuery>,
    cursors: web::Data<Cursors>,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    let (limit, cursor) = (query.0.limit, query.0.cursor.as_deref());
    let (view, page) = db
        .read(&caller, async |tx| {
            let cut: Cut<Uuid> = cursors.cut(tx, "parties", &id.0, limit, cursor)?;
            let view = deals::get(tx, id.0).await?.view;
            let rows = parties::page(tx, id.0, cut.after, cut.fetch()).await?;
            Ok((view, cut.page(rows, |party| party.id)?))
        })
        .await?;
    let viewer = caller.caller().user_id;
    Ok(HttpResponse::Ok().json(page.map(|party| PartyAnswer::of(&party, view, viewer))))
}

/// One party of a deal.
///
/// **Permissions**: any of the view permissions.
#[utoipa::path(get, path = "/api/deals/{id}/parties/{partyId}", operation_id = "getParty", tag = "parties",
    params(("id" = Uuid, Path), ("partyId" = Uuid, Path)), responses((status = 200, description = "The party", body = PartyAnswer)))]
pub(crate) async fn get(
    caller: Authorized<ViewDeals>,
    ids: PathIds,
    conditional: Conditional,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    let (view, party) = db
        .read(&caller, async |tx| {
            let view = deals::get(tx, ids.0).await?.view;
            Ok((view, parties::get(tx, ids.0, ids.1).await?))
        })
        .await?;
    let answer = PartyAnswer::of(&party, view, caller.caller().user_id);
    Ok(conditional.respond(party.version, &answer))
}

/// Adds a party to a deal. Its user, where it has one, sees the deal from then on.
///
/// **Permissions**: the deal's creator with create_deals, or manage_tasks. **Rejections**: `UNKNOWN_REFERENCE` for the user,
/// `DEAL_STATUS_CONFLICT` once the deal is over.
#[utoipa::path(post, path = "/api/deals/{id}/parties", operation_id = "addParty", tag = "parties", params(("id" = Uuid, Path)),
    request_body = PartyBody, responses((status = 201, description = "Added", body = PartyAnswer)))]
pub(crate) async fn add(
    caller: Authorized<ManageDeals>,
    id: PathId,
    idempotency: Idempotency,
    body: Json<PartyBody>,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    let fields = body.value.read()?;
    db.once(&caller, &idempotency, &body.raw, async |tx| {
        let (seen, party) = add_party::run(tx, id.0, &fields).await?;
        let location = format!("/api/deals/{}/parties/{}", id.0, party.id);
        let answer = PartyAnswer::of(&party, seen.view, tx.actor().user_id);
        Ok(Reply::created(location, &answer)?.version(party.version))
    })
    .await
}

/// Replaces the fields of a party.
///
/// **Permissions**: the deal's creator with create_deals, or manage_tasks. **Rejections**: `VERSION_MISMATCH`,
/// `VERSION_CONFLICT`, `UNKNOWN_REFERENCE` for the user, `DEAL_STATUS_CONFLICT` once the deal is over.
#[utoipa::path(put, path = "/api/deals/{id}/parties/{partyId}", operation_id = "replaceParty", tag = "parties",
    params(("id" = Uuid, Path), ("partyId" = Uuid, Path)), request_body = PutPartyBody,
    responses((status = 200, description = "The party as it is now", body = PartyAnswer)))]
pub(crate) async fn put(
    caller: Authorized<ManageDeals>,
    ids: PathIds,
    conditional: Conditional,
    body: Json<PutPartyBody>,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    let fields = body.value.read()?;
    let expected = conditional.expected_version(body.value.version)?;
    db.write(&caller, async |tx| {
        let (seen, party) =
            update_party::run(tx, ids.0, ids.1, expected, |_| Ok(fields.clone())).await?;
        changed(tx, &party, seen.view)
    })
    .await
    .map(Reply::into_response)
}

/// Changes some of the fields of a party (JSON merge patch).
///
/// **Permissions**: the deal's creator with create_deals, or manage_tasks. **Rejections**: as for PUT.
#[utoipa::path(patch, path = "/api/deals/{id}/parties/{partyId}", operation_id = "patchParty", tag = "parties",
    params(("id" = Uuid, Path), ("partyId" = Uuid, Path)),
    request_body(content = PartyBody, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The party as it is now", body = PartyAnswer)))]
pub(crate) async fn patch(
    caller: Authorized<ManageDeals>,
    ids: PathIds,
    conditional: Conditional,
    patch: MergePatch,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    // Validate the patch before loading the party.
    patch.apply(&PartyBody::sample())?.read()?;
    let expected = conditional.expected_or_any(patch.version()?);
    db.write(&caller, async |tx| {
        let (seen, party) = update_party::run(tx, ids.0, ids.1, expected, |party| {
            Ok(patch.apply(&PartyBody::of(party))?.read()?)
        })
        .await?;
        changed(tx, &party, seen.view)
    })
    .await
    .map(Reply::into_response)
}

/// Removes a party from a deal. Its user sees the deal no more, unless it plays another part or created it.
///
/// **Permissions**: the deal's creator with create_deals, or manage_tasks. **Rejections**: `VERSION_MISMATCH`,
/// `DEAL_STATUS_CONFLICT` once the deal is over.
#[utoipa::path(delete, path = "/api/deals/{id}/parties/{partyId}", operation_id = "removeParty", tag = "parties",
    params(("id" = Uuid, Path), ("partyId" = Uuid, Path)), responses((status = 204, description = "Removed")))]
pub(crate) async fn remove(
    caller: Authorized<ManageDeals>,
    ids: PathIds,
    conditional: Conditional,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    let expected = conditional.expected_or_any(None);
    db.write(&caller, async |tx: &mut Tx| {
        remove_party::run(tx, ids.0, ids.1, expected).await
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

fn changed(tx: &Tx, party: &Party, view: DealView) -> Result<Reply> {
    let answer = PartyAnswer::of(party, view, tx.actor().user_id);
    Ok(Reply::ok(&answer)?.version(party.version))
}
