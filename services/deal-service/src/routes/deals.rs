//! `/api/deals`: list, create, read, change, delete.

use actix_web::{HttpResponse, web};
use contracts::field::{self, date_text};
use domain::{
    deal::{DealStatus, may_steer},
    permission::Permission,
    rejection::Rejection,
};
use platform::{
    client::ServiceClient,
    db::{Db, Idempotency, Reply, Tx},
    error::Result,
    http::{
        Access as _, Authorized, Caller, Conditional, Cursors, Cut, Json, MergePatch, Page, PathId,
        Query as Parameters, Routes,
        conditional::ExpectedVersion,
        permission::{CreateDeals, ManageDeals, ViewDeals},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::{Date, OffsetDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    answers::{DealAnswer, DealPreview},
    bodies::{CreateDealBody, NewDeal, PutDealBody, WritableDeal},
};
use crate::{
    commands::{
        create_deal::{self, CLOSING_DATE, CreateDeal, Start},
        delete_deal,
        update_deal::{self, DealFields},
    },
    queries::{
        audit_log::Auditor,
        deal_as_of::{self, DealAsOf},
        list_deals::{self, After, Direction, Filters, Sort},
    },
    repository::{
        access,
        deals::{self, Deal, SeenDeal, TemplateRef},
    },
    task_service::{self, DealToPlan, PartyToPlan, PlanPreview, dates_to_plan},
};

/// Longest text to search for, in characters: as long as the longest name of a deal.
const SEARCH_LENGTH_MAX: usize = 200;

pub(super) fn routes() -> Routes {
    Routes::default()
        .get("/api/deals", list)
        .post("/api/deals", create)
        .get("/api/deals/{id}", get)
        .put("/api/deals/{id}", put)
        .patch("/api/deals/{id}", patch)
        .delete("/api/deals/{id}", delete)
}

/// What a list of deals is narrowed to, and how it is cut.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// One status, or several with commas between.
    #[param(
        example = "ACTIVE",
        pattern = "^(DRAFT|ACTIVE|ON_HOLD|CLOSED|CANCELLED)(,(DRAFT|ACTIVE|ON_HOLD|CLOSED|CANCELLED))*$"
    )]
    status: Option<String>,
    /// Part of the name or the address.
    #[param(max_length = 200)]
    q: Option<String>,
    /// Closing on this date or later.
    #[param(value_type = Option<String>, format = Date)]
    closing_from: Option<String>,
    /// Closing on this date or earlier.
    #[param(value_type = Option<String>, format = Date)]
    closing_to: Option<String>,
    /// Deals in which this user is a party.
    party_user_id: Option<Uuid>,
    /// Deals with overdue tasks, or without any.
    overdue: Option<bool>,
    /// `createdAt`, `closingDate` or `name`; with a `-` in front the other way round. `-createdAt` by default.
    #[param(example = "-createdAt", pattern = "^-?(createdAt|closingDate|name)$")]
    sort: Option<String>,
    /// 1 to 100, 25 by default.
    limit: Option<u32>,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// The filters as the cursor is bound to them.
#[derive(Serialize)]
struct Scope<'a>(
    &'a Option<String>,
    &'a Option<String>,
    &'a Option<String>,
    &'a Option<String>,
    Option<Uuid>,
    Option<bool>,
);

impl ListQuery {
    fn filters(&self) -> Result<Filters, Rejection> {
        Ok(Filters {
            statuses: self.status.as_deref().map_or(Ok(Vec::new()), statuses)?,
            text: self.q.as_deref().map(searched).transpose()?,
            closing_from: date("closingFrom", self.closing_from.as_deref())?,
            closing_to: date("closingTo", self.closing_to.as_deref())?,
            party_user_id: self.party_user_id,
            overdue: self.overdue,
        })
    }

    fn scope(&self) -> Scope<'_> {
        Scope(
            &self.status,
            &self.q,
            &self.closing_from,
            &self.closing_to,
            self.party_user_id,
            self.overdue,
        )
    }
}

/// The text to search for.
fn searched(text: &str) -> Result<String, Rejection> {
    if text.chars().count() > SEARCH_LENGTH_MAX {
        let message = format!("q must have at most {SEARCH_LENGTH_MAX} characters");
        return Err(Rejection::field("q", "max_length", message));
    }
    Ok(text.to_owned())
}

fn statuses(text: &str) -> Result<Vec<DealStatus>, Rejection> {
    text.split(',')
        .map(|word| {
            DealStatus::parse(word).ok_or_else(|| {
                let words: Vec<&str> = DealStatus::ALL.iter().map(|known| known.as_str()).collect();
                let message = format!("status must be one of {}", words.join(", "));
                Rejection::field("status", "one_of", message)
            })
        })
        .collect()
}

fn date(field: &'static str, text: Option<&str>) -> Result<Option<Date>, Rejection> {
    field::optional_date(field, text).map_err(|_| {
        Rejection::field(
            field,
            "format",
            format!("{field} must be a date, YYYY-MM-DD"),
        )
    })
}

fn sort(text: &str) -> Result<Sort, Rejection> {
    let (field, direction) = match text.strip_prefix('-') {
        Some(field) => (field, Direction::Descending),
        None => (text, Direction::Ascending),
    };
    match field {
        "createdAt" => Ok(Sort::CreatedAt(direction)),
        "closingDate" => Ok(Sort::ClosingDate(direction)),
        "name" => Ok(Sort::Name(direction)),
        _ => Err(Rejection::field(
            "sort",
            "one_of",
            "sort must be createdAt, closingDate or name, with - in front for the other way round",
        )),
    }
}

/// The deals that the caller may see.
///
/// **Permissions**: any of the view permissions; each sees its own measure.
#[utoipa::path(get, path = "/api/deals", operation_id = "listDeals", tag = "deals", params(ListQuery),
    responses((status = 200, description = "A page of deals", body = Page<DealAnswer>)))]
pub(crate) async fn list(
    caller: Authorized<ViewDeals>,
    query: Parameters<ListQuery>,
    cursors: web::Data<Cursors>,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    let query = query.0;
    let filters = query.filters()?;
    let sorted_by = query.sort.as_deref().unwrap_or("-createdAt");
    let sort = sort(sorted_by)?;
    let page = db
        .read(&caller, async |tx| {
            let (list, cursor) = (format!("deals:{sorted_by}"), query.cursor.as_deref());
            let cut: Cut<After> = cursors.cut(tx, &list, &query.scope(), query.limit, cursor)?;
            let after = cut.after.as_ref();
            let rows = list_deals::run(tx, &filters, sort, after, cut.fetch()).await?;
            cut.page(rows, |seen| After::of(seen, sort))
        })
        .await?;
    Ok(HttpResponse::Ok().json(page.map(|seen| DealAnswer::of(&seen))))
}

/// How a deal is created.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct CreateQuery {
    /// Answers the whole plan with its dates, and writes nothing.
    dry_run: Option<bool>,
}

/// What a dry run answers: the deal and its plan, with the template's keys for ids.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DealDryRun)]
pub(crate) struct DryRunAnswer {
    deal: DealPreview,
    #[schema(schema_with = task_service::key_dates_schema)]
    key_dates: Value,
    /// Milestones with their tasks, in order.
    #[schema(schema_with = task_service::milestones_schema)]
    milestones: Value,
    /// Keys of what the facts drop.
    #[schema(value_type = Vec<String>)]
    dropped: Value,
    /// Dates that do not fit together.
    #[schema(schema_with = task_service::violations_schema)]
    violations: Value,
}

/// Creates a deal; with `dryRun=true` only shows what it would be. From a template with every required anchor it is
/// ACTIVE at once, else a DRAFT.
///
/// **Permissions**: create_deals. **Rejections**: `UNKNOWN_REFERENCE` for a party's user.
#[utoipa::path(post, path = "/api/deals", operation_id = "createDeal", tag = "deals", params(CreateQuery),
    request_body = CreateDealBody,
    responses((status = 200, description = "Dry run", body = DryRunAnswer), (status = 201, description = "Created", body = DealAnswer)))]
pub(crate) async fn create(
    caller: Authorized<CreateDeals>,
    query: Parameters<CreateQuery>,
    idempotency: Idempotency,
    body: Json<CreateDealBody>,
    db: web::Data<Db>,
    tasks: web::Data<ServiceClient>,
) -> Result<HttpResponse> {
    let new = body.value.read()?;
    if query.0.dry_run == Some(true) {
        return dry_run(&caller, new, &db, &tasks).await;
    }
    let plan = if new.template_key.is_some() {
        if let Some(replayed) = db.replay(&caller, &idempotency, &body.raw).await? {
            return Ok(replayed);
        }
        let draft = command(new.clone(), None);
        db.read(&caller, async |tx| create_deal::preview(tx, &draft).await)
            .await?;
        plan(caller.caller(), &new, &tasks).await?
    } else {
        None
    };
    let command = command(new, plan.as_ref());
    db.once(&caller, &idempotency, &body.raw, async |tx| {
        let seen = create_deal::run(tx, &command).await?;
        let location = format!("/api/deals/{}", seen.deal.id);
        let reply = Reply::created(location, &DealAnswer::of(&seen))?;
        Ok(reply.version(seen.deal.version))
    })
    .await
}

async fn dry_run(
    caller: &Authorized<CreateDeals>,
    new: NewDeal,
    db: &Db,
    tasks: &ServiceClient,
) -> Result<HttpResponse> {
    let draft = command(new.clone(), None);
    // First whether the caller may ask at all.
    db.read(caller, async |tx| create_deal::preview(tx, &draft).await)
        .await?;
    let plan = plan(caller.caller(), &new, tasks).await?;
    let command = command(new, plan.as_ref());
    let deal = db
        .read(caller, async |tx| create_deal::preview(tx, &command).await)
        .await?;
    let deal = DealPreview::of(&deal);
    let answer = match plan {
        Some(plan) => DryRunAnswer {
            deal,
            key_dates: plan.key_dates,
            milestones: plan.milestones,
            dropped: plan.dropped,
            violations: plan.violations,
        },
        None => DryRunAnswer {
            deal,
            key_dates: given_dates(&command),
            milestones: json!([]),
            dropped: json!([]),
            violations: json!([]),
        },
    };
    Ok(HttpResponse::Ok().json(answer))
}

/// Without a template the dates are those that were given.
fn given_dates(command: &CreateDeal) -> Value {
    let given = command.key_dates.iter().map(|(key, date)| {
        json!({
            "key": key,
            "title": crate::words::title(key),
            "isAnchor": true,
            "date": date_text(*date),
            "state": "SCHEDULED",
            "pinned": false,
            "buyerVisible": false,
        })
    });
    given.collect()
}

async fn plan(
    caller: &Caller,
    new: &NewDeal,
    tasks: &ServiceClient,
) -> Result<Option<PlanPreview>> {
    let Some(template_key) = &new.template_key else {
        return Ok(None);
    };
    let deal = DealToPlan {
        template_key,
        deal_type: Some(new.fields.deal_type.as_str()),
        facts: &new.fields.facts,
        key_dates: dates_to_plan(&new.key_dates),
        time_zone: new.time_zone.as_deref(),
        parties: new
            .parties
            .iter()
            .map(|party| PartyToPlan {
                role: party.role.as_str(),
                user_id: party.user_id,
            })
            .collect(),
    };
    Ok(Some(task_service::preview(tasks, caller, &deal).await?))
}

fn command(new: NewDeal, plan: Option<&PlanPreview>) -> CreateDeal {
    let start = match plan {
        Some(plan) if plan.missing_anchors.is_empty() => Start::Active,
        Some(_) | None => Start::Draft,
    };
    CreateDeal {
        name: new.fields.name,
        address: new.fields.address,
        deal_type: new.fields.deal_type,
        purchase_price: new.fields.purchase_price,
        template: plan.map(|plan| TemplateRef {
            id: plan.template_id,
            key: plan.template_key.clone(),
        }),
        facts: plan.map_or(new.fields.facts, |plan| plan.facts.clone()),
        key_dates: new.key_dates,
        time_zone: new.time_zone,
        parties: new.parties,
        start,
    }
}

/// How a deal is looked at.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct GetQuery {
    /// An instant in the past, with its offset: answers the deal as it was then (`DealAsOf`).
    #[param(value_type = Option<String>, format = DateTime)]
    as_of: Option<String>,
}

/// What is answered for one deal.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = DealNowOrThen)]
pub(crate) enum GetAnswer {
    /// As it is.
    Now(Box<DealAnswer>),
    /// As it was.
    Then(Box<DealAsOf>),
}

/// One deal; with `asOf`, the deal with its plan and key dates as they were at that instant.
///
/// **Permissions**: any of the view permissions; view_all_deals for `asOf`. **Rejections**: `NOT_FOUND`, with `asOf` also
/// for an instant before the deal was created.
#[utoipa::path(get, path = "/api/deals/{id}", operation_id = "getDeal", tag = "deals", params(("id" = Uuid, Path), GetQuery),
    responses((status = 200, description = "The deal, with `asOf` what it was", body = GetAnswer), (status = 304, description = "Not modified")))]
pub(crate) async fn get(
    caller: Authorized<ViewDeals>,
    id: PathId,
    query: Parameters<GetQuery>,
    conditional: Conditional,
    db: web::Data<Db>,
    auditor: web::Data<Auditor>,
) -> Result<HttpResponse> {
    let as_of = query.0.as_of.as_deref().map(past).transpose()?;
    let seen = db
        .read(&caller, async |tx| {
            let seen = deals::get(tx, id.0).await?;
            if as_of.is_some() && !tx.actor().permissions.has(Permission::ViewAllDeals) {
                return Err(Rejection::forbidden(&[Permission::ViewAllDeals]).into());
            }
            Ok(seen)
        })
        .await?;
    let Some(at) = as_of else {
        return Ok(shown(&conditional, &seen));
    };
    let then = auditor
        .read(&caller, async |tx| deal_as_of::run(tx, id.0, at).await)
        .await?;
    Ok(HttpResponse::Ok().json(GetAnswer::Then(Box::new(then))))
}

/// A closing date that moved since the deal was created made no new version of the deal, but a new answer.
fn shown(conditional: &Conditional, seen: &SeenDeal) -> HttpResponse {
    let (deal, answer) = (&seen.deal, GetAnswer::Now(Box::new(DealAnswer::of(seen))));
    if deal.closing_date == deal.initial_key_dates.get(CLOSING_DATE).copied() {
        return conditional.respond(deal.version, &answer);
    }
    let closing = deal.closing_date.map_or("none".to_owned(), date_text);
    conditional.respond_detailed(deal.version, &closing, &answer)
}

/// An instant that is not in the future.
fn past(text: &str) -> Result<OffsetDateTime, Rejection> {
    let at = field::instant("asOf", text).map_err(|_| {
        let message = "asOf must be an instant with its offset, such as 2026-03-02T14:05:00Z";
        Rejection::field("asOf", "format", message)
    })?;
    if at > OffsetDateTime::now_utc() {
        return Err(Rejection::field(
            "asOf",
            "range",
            "asOf must not be in the future",
        ));
    }
    Ok(at)
}

/// Replaces the writable fields of a deal.
///
/// A deal that was made from a template keeps its type.
///
/// **Permissions**: its creator with create_deals, or manage_tasks. **Rejections**: `VERSION_MISMATCH`, `VERSION_CONFLICT`,
/// `DEAL_STATUS_CONFLICT` once the deal is over.
#[utoipa::path(put, path = "/api/deals/{id}", operation_id = "replaceDeal", tag = "deals", params(("id" = Uuid, Path)),
    request_body = PutDealBody, responses((status = 200, description = "The deal as it is now", body = DealAnswer)))]
pub(crate) async fn put(
    caller: Authorized<ManageDeals>,
    id: PathId,
    conditional: Conditional,
    body: Json<PutDealBody>,
    db: web::Data<Db>,
    tasks: web::Data<ServiceClient>,
) -> Result<HttpResponse> {
    let fields = body.value.read()?;
    let expected = conditional.expected_version(body.value.version)?;
    update(&caller, id, expected, &db, &tasks, |_| Ok(fields.clone())).await
}

/// Changes some of the writable fields of a deal (JSON merge patch).
///
/// A deal that was made from a template keeps its type.
///
/// **Permissions**: its creator with create_deals, or manage_tasks. **Rejections**: `VERSION_MISMATCH`, `VERSION_CONFLICT`,
/// `DEAL_STATUS_CONFLICT` once the deal is over.
#[utoipa::path(patch, path = "/api/deals/{id}", operation_id = "patchDeal", tag = "deals", params(("id" = Uuid, Path)),
    request_body(content = WritableDeal, content_type = "application/merge-patch+json"),
    responses((status = 200, description = "The deal as it is now", body = DealAnswer)))]
pub(crate) async fn patch(
    caller: Authorized<ManageDeals>,
    id: PathId,
    conditional: Conditional,
    patch: MergePatch,
    db: web::Data<Db>,
    tasks: web::Data<ServiceClient>,
) -> Result<HttpResponse> {
    // Validate the patch before loading the deal.
    patch.apply(&WritableDeal::sample())?.read()?;
    let expected = conditional.expected_or_any(patch.version()?);
    update(&caller, id, expected, &db, &tasks, |deal| {
        Ok(patch.apply(&WritableDeal::of(deal))?.read()?)
    })
    .await
}

/// PUT and PATCH: new facts of a deal from a template are checked with task-service first, the plan follows them later.
async fn update(
    caller: &Authorized<ManageDeals>,
    id: PathId,
    expected: ExpectedVersion,
    db: &Db,
    tasks: &ServiceClient,
    change: impl Fn(&Deal) -> Result<DealFields>,
) -> Result<HttpResponse> {
    let (deal, fields) = db
        .read(caller, async |tx| {
            let seen = deals::get(tx, id.0).await?;
            may_steer(&access::actor(tx), seen.relation)?;
            let fields = change(&seen.deal)?;
            Ok((seen.deal, fields))
        })
        .await?;
    let template = deal.template.filter(|_| fields.facts != deal.facts);
    let spelled = match template {
        Some(template) => {
            task_service::check_facts(tasks, caller.caller(), template.id, &fields.facts).await?
        }
        None => fields.facts.clone(),
    };
    let change = |present: &Deal| {
        let mut next = change(present)?;
        if next.facts == fields.facts {
            next.facts.clone_from(&spelled);
        }
        Ok(next)
    };
    let updated = db.write(caller, async |tx| {
        changed(&update_deal::run(tx, id.0, expected, &change).await?)
    });
    updated.await.map(Reply::into_response)
}

/// Deletes a draft.
///
/// **Permissions**: its creator with create_deals, or manage_tasks. **Rejections**: `DEAL_NOT_DRAFT`, `VERSION_MISMATCH`.
#[utoipa::path(delete, path = "/api/deals/{id}", operation_id = "deleteDeal", tag = "deals", params(("id" = Uuid, Path)),
    responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(
    caller: Authorized<ManageDeals>,
    id: PathId,
    conditional: Conditional,
    db: web::Data<Db>,
) -> Result<HttpResponse> {
    let expected = conditional.expected_or_any(None);
    db.write(&caller, async |tx: &mut Tx| {
        delete_deal::run(tx, id.0, expected).await
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// 200 with the deal as it is now and its `ETag`.
pub(super) fn changed(seen: &SeenDeal) -> Result<Reply> {
    Ok(Reply::ok(&DealAnswer::of(seen))?.version(seen.deal.version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_to_search_for_has_at_most_200_characters() {
        let longest = "é".repeat(200);
        assert_eq!(searched(&longest), Ok(longest.clone()));
        let Err(Rejection::Validation { errors }) = searched(&format!("{longest}é")) else {
            panic!("a longer one is refused");
        };
        let refused: Vec<_> = errors
            .iter()
            .map(|error| (error.field.as_str(), error.constraint.as_str()))
            .collect();
        assert_eq!(refused, [("q", "max_length")]);
    }
}
