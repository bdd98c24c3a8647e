//! The OpenAPI document of this service, generated from its handlers.

use platform::http::openapi;
use utoipa::OpenApi;

use crate::routes;

#[derive(OpenApi)]
#[openapi(
    info(title = "Haushavn task-service", description = "Templates, plans, key dates and tasks"),
    paths(
        routes::my_work::read,
        routes::follow_ups::list,
        routes::follow_ups::chase,
        routes::follow_ups::read,
        routes::follow_ups::put_off,
        routes::tasks::list,
        routes::tasks::create,
        routes::tasks::read,
        routes::tasks::replace,
        routes::tasks::change,
        routes::tasks::remove,
        routes::tasks::steps::assign,
        routes::tasks::steps::complete,
        routes::tasks::steps::waive,
        routes::tasks::steps::reopen,
        routes::tasks::explain,
        routes::dependencies::add,
        routes::dependencies::read,
        routes::dependencies::remove,
        routes::comments::list,
        routes::comments::add,
        routes::comments::read,
        routes::plans::read,
        routes::key_dates::read,
        routes::key_dates::move_dates,
        routes::key_dates::patch_dates,
        routes::key_dates::preview,
        routes::key_dates::explain,
        routes::key_dates::imagine,
        routes::templates::list,
        routes::templates::create,
        routes::templates::read,
        routes::templates::replace,
        routes::templates::change,
        routes::templates::publish,
        routes::templates::validate,
    ),
    tags(
        (name = "tasks", description = "Tasks, what they wait for, comments"),
        (name = "plans", description = "Plans of deals"),
        (name = "key dates", description = "Dates of deals, and what follows from them"),
        (name = "templates", description = "What plans are made from"),
    )
)]
struct Document;

/// The document as it is committed.
pub fn document() -> anyhow::Result<String> {
    openapi::print(&openapi::finish(
        Document::openapi(),
        &routes::documented(),
    )?)
}
