//! The OpenAPI document of this service, generated from its handlers.

use platform::http::{
    openapi::{self, Door},
    permission::{AssignTasks, CompleteTasks, ManageDeals, ManageTasks, ViewDeals, ViewTemplates},
};
use utoipa::OpenApi;

use crate::routes;

#[derive(OpenApi)]
#[openapi(
    info(title = "Haushavn task-service", description = "Templates, plans, key dates and tasks"),
    paths(
        routes::tasks::list,
        routes::tasks::create,
        routes::tasks::read,
        routes::tasks::replace,
        routes::tasks::change,
        routes::tasks::remove,
        routes::tasks::assign,
        routes::tasks::complete,
        routes::tasks::waive,
        routes::tasks::reopen,
        routes::tasks::explain,
        routes::dependencies::add,
        routes::dependencies::remove,
        routes::comments::list,
        routes::comments::add,
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

/// Who may come in by each operation; the handlers' types say the same.
const DOORS: [(&str, Door); 29] = [
    ("listTasks", Door::needs::<ViewDeals>()),
    ("createTask", Door::needs::<AssignTasks>()),
    ("getTask", Door::needs::<ViewDeals>()),
    ("replaceTask", Door::needs::<AssignTasks>()),
    ("patchTask", Door::needs::<AssignTasks>()),
    ("deleteTask", Door::needs::<AssignTasks>()),
    ("assignTask", Door::needs::<AssignTasks>()),
    ("completeTask", Door::needs::<CompleteTasks>()),
    ("waiveTask", Door::needs::<ManageTasks>()),
    ("reopenTask", Door::needs::<ManageTasks>()),
    ("whyBlocked", Door::needs::<ViewDeals>()),
    ("addDependency", Door::needs::<ManageTasks>()),
    ("removeDependency", Door::needs::<ManageTasks>()),
    ("listComments", Door::needs::<ViewDeals>()),
    ("addComment", Door::needs::<ViewDeals>()),
    ("getPlan", Door::needs::<ViewDeals>()),
    ("getKeyDates", Door::needs::<ViewDeals>()),
    ("moveKeyDates", Door::needs::<ManageDeals>()),
    ("patchKeyDates", Door::needs::<ManageDeals>()),
    ("previewKeyDates", Door::needs::<ManageDeals>()),
    ("explainKeyDate", Door::needs::<ViewDeals>()),
    ("whatIf", Door::needs::<ViewDeals>()),
    ("listTemplates", Door::needs::<ViewTemplates>()),
    ("createTemplate", Door::needs::<ManageTasks>()),
    ("getTemplate", Door::needs::<ViewTemplates>()),
    ("replaceTemplate", Door::needs::<ManageTasks>()),
    ("patchTemplate", Door::needs::<ManageTasks>()),
    ("publishTemplate", Door::needs::<ManageTasks>()),
    ("validateTemplate", Door::needs::<ViewTemplates>()),
];

/// The document as it is committed.
pub fn print() -> anyhow::Result<String> {
    openapi::print(&openapi::finish(Document::openapi(), &DOORS)?)
}
