//! HTTP in, command or query, HTTP out. Each handler's arguments are its whole contract.

pub(crate) mod comments;
pub(crate) mod dependencies;
pub(crate) mod follow_ups;
pub(crate) mod internal;
pub(crate) mod key_dates;
pub(crate) mod my_work;
pub(crate) mod plans;
pub(crate) mod tasks;
pub(crate) mod templates;

use actix_web::web;
use platform::{
    db::{Actor, ServiceScope},
    error::Result,
    http::{Access, Routes},
};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::{
    queries,
    services::{PlanInput, Services},
};

/// Every route of this service, with what its handlers work with.
pub(crate) fn all(services: &Services) -> Routes {
    documented()
        .data(web::Data::new(services.keys.clone()))
        .data(web::Data::new(services.clone()))
}

/// Every route of this service.
pub(crate) fn documented() -> Routes {
    my_work::routes()
        .and(tasks::routes())
        .and(dependencies::routes())
        .and(comments::routes())
        .and(follow_ups::routes())
        .and(plans::routes())
        .and(key_dates::routes())
        .and(templates::routes())
        .and(internal::routes())
}

/// How a list without filters is cut.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// 1 to 100, default 25.
    limit: Option<u32>,
    /// Where the page before ended.
    cursor: Option<String>,
}

/// Who asks about the dates of a deal.
struct Asked {
    reader: Actor,
    /// What the dates of a deal without a plan will be made from. `None` where the plan has been made: then
    /// everything is in the database.
    input: Option<PlanInput>,
}

/// Checks the caller and whether it sees the deal; if there is no plan yet, asks deal-service for its inputs.
/// Rejections: `NOT_FOUND`.
async fn asked(services: &Services, access: &impl Access, deal_id: Uuid) -> Result<Asked> {
    let (is_planned, reader) = services
        .db
        .read(access, async |tx| {
            let is_planned = queries::key_dates::is_planned(tx, deal_id).await?;
            Ok((is_planned, tx.actor().clone()))
        })
        .await?;
    let input = if is_planned {
        None
    } else {
        let request_id = Some(access.caller().request_id.as_str());
        let input = services.plan_input(reader.organization_id, deal_id, request_id);
        Some(input.await?)
    };
    Ok(Asked { reader, input })
}

/// A session that sees the whole plan, since dates follow from all its tasks. The reader has been found to see the
/// deal; the query decides which of the tasks the reader gets.
fn whole_plan(reader: &Actor) -> ServiceScope {
    ServiceScope {
        organization_id: reader.organization_id,
        on_behalf_of: Some(reader.user_id),
        cause_event_id: None,
        request_id: reader.request_id.clone(),
        traceparent: reader.traceparent.clone(),
    }
}
