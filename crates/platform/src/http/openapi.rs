//! What the OpenAPI documents of all services have in common.
//!
//! The document is generated from the code, committed, and read by the gateway: `x-permissions` or
//! `x-public` of each operation is its route table.

use std::collections::BTreeMap;

use anyhow::Context as _;
use domain::permission::Permission;
use serde_json::{Value, json};
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        Components, ContentBuilder, OpenApi, PathItem, Ref, ResponseBuilder,
        extensions::Extensions,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::authorized::Requires;
use crate::error::Problem;

/// The security scheme's name.
const BEARER: &str = "bearer";

/// Who may come in by an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Anybody, signed in or not.
    Public,
    /// Whoever holds one of these; an empty list asks for a live session.
    AnyOf(&'static [Permission]),
}

impl Door {
    /// The door of a handler that takes `Authorized<P>`.
    pub const fn needs<P: Requires>() -> Self {
        Self::AnyOf(P::ANY_OF)
    }
}

/// Completes a service's document: permissions and security of each operation by its `operationId`, the
/// error body, the security scheme.
///
/// # Errors
/// When an operation has no door or a door no operation, all of them named.
pub fn finish(mut document: OpenApi, doors: &[(&str, Door)]) -> anyhow::Result<OpenApi> {
    let mut left: BTreeMap<&str, Door> = doors.iter().copied().collect();
    let mut problems = Vec::new();
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            let id = operation.operation_id.clone().unwrap_or_default();
            match left.remove(id.as_str()) {
                Some(door) => complete(operation, door),
                None => problems.push(format!("operation {id} on {path} has no door")),
            }
        }
    }
    problems.extend(
        left.keys()
            .map(|id| format!("the door {id} leads to no operation")),
    );
    anyhow::ensure!(
        problems.is_empty(),
        "the OpenAPI document is not complete: {}",
        problems.join("; ")
    );
    let components = document.components.get_or_insert_with(Components::new);
    components
        .schemas
        .insert(Problem::name().into_owned(), Problem::schema());
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    Ok(document)
}

/// The document as it is committed: indented, with a line break at the end.
pub fn print(document: &OpenApi) -> anyhow::Result<String> {
    // By way of a value, so that keys come sorted and the file changes only where the API does.
    let value: Value =
        serde_json::to_value(document).context("failed to write the OpenAPI document")?;
    Ok(format!("{value:#}\n"))
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
    ]
    .into_iter()
    .flatten()
}

fn complete(operation: &mut Operation, door: Door) {
    let extensions = operation.extensions.get_or_insert_with(Extensions::default);
    match door {
        Door::Public => {
            extensions.insert("x-public".to_owned(), json!(true));
            operation.security = Some(Vec::new());
        }
        Door::AnyOf(permissions) => {
            let names: Vec<&str> = permissions
                .iter()
                .map(|permission| permission.as_str())
                .collect();
            extensions.insert("x-permissions".to_owned(), json!(names));
            operation.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(
                BEARER,
                [],
            )]);
        }
    }
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(Problem::name())))
        .build();
    let problem = ResponseBuilder::new()
        .description("A problem; its `code` says which")
        .content("application/problem+json", content)
        .build();
    operation
        .responses
        .responses
        .entry("default".to_owned())
        .or_insert_with(|| problem.into());
}

#[cfg(test)]
mod tests {
    use utoipa::OpenApi as _;

    use super::*;
    use crate::http::permission;

    #[utoipa::path(get, path = "/api/tasks", responses((status = 200)))]
    #[expect(dead_code, reason = "only its description is used")]
    fn list_tasks() {}

    #[utoipa::path(post, path = "/api/auth/login", responses((status = 200)))]
    #[expect(dead_code, reason = "only its description is used")]
    fn login() {}

    #[derive(utoipa::OpenApi)]
    #[openapi(paths(list_tasks, login))]
    struct Document;

    #[test]
    fn each_operation_says_who_may_come_in() {
        let doors = [
            ("list_tasks", Door::needs::<permission::ManageTasks>()),
            ("login", Door::Public),
        ];
        let document = finish(Document::openapi(), &doors).unwrap();
        let value: Value = serde_json::from_str(&print(&document).unwrap()).unwrap();
        assert_eq!(
            value["paths"]["/api/tasks"]["get"]["x-permissions"],
            json!(["manage_tasks"])
        );
        assert_eq!(
            value["paths"]["/api/auth/login"]["post"]["x-public"],
            json!(true)
        );
        assert_eq!(
            value["paths"]["/api/tasks"]["get"]["security"],
            json!([{ "bearer": [] }])
        );
        assert_eq!(value["components"]["schemas"]["Problem"]["type"], "object");
        let problem = &value["paths"]["/api/tasks"]["get"]["responses"]["default"]["content"];
        assert_eq!(
            problem["application/problem+json"]["schema"]["$ref"],
            "#/components/schemas/Problem"
        );
    }

    #[test]
    fn an_operation_without_a_door_and_a_door_without_an_operation_are_named() {
        let doors = [("login", Door::Public), ("sing", Door::Public)];
        let message = finish(Document::openapi(), &doors)
            .err()
            .unwrap()
            .to_string();
        assert!(
            message.contains("list_tasks on /api/tasks has no door"),
            "{message}"
        );
        assert!(
            message.contains("the door sing leads to no operation"),
            "{message}"
        );
    }
}
