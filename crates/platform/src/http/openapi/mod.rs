//! What the OpenAPI documents of all services have in common.
//!
//! The document is generated from the code, committed, and read by the gateway: `x-permissions` or `x-public` of each
//! operation is its route table. No attribute names permissions and headers; they follow from the types of the
//! handlers' arguments.

mod headers;
mod precise;
pub mod words;

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde_json::{Value, json};
use utoipa::{
    ToSchema as _,
    openapi::{
        ContentBuilder, OpenApi, PathItem, Ref, RefOr, Response, ResponseBuilder,
        extensions::Extensions,
        path::{Operation, ParameterIn},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::{Contract, Routes};
use crate::error::{self, Problem};

/// The security scheme's name.
const BEARER: &str = "bearer";

/// Completes a service's document by its routes: permissions, security and headers of each operation, the error
/// body, the security scheme. Routes under `/internal` are for services, and in no document.
///
/// # Errors
/// When an operation has no route or a route no operation, or when only one of them has parameters in the query;
/// all of them named.
pub fn finish(mut document: OpenApi, routes: &Routes) -> anyhow::Result<OpenApi> {
    let public = routes
        .iter()
        .filter(|route| !route.path.starts_with("/internal/"));
    let mut left: BTreeMap<(&str, &str), &Contract> = public
        .map(|route| ((route.path, route.method.as_str()), &route.contract))
        .collect();
    let mut problems = Vec::new();
    let mut components = document.components.take().unwrap_or_default();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            match left.remove(&(path.as_str(), method)) {
                Some(contract) if contract.takes_query == has_query(operation) => {
                    complete(operation, contract);
                    headers::describe(operation, method, contract, &components);
                }
                Some(_) => problems.push(format!(
                    "the handler and the description of {method} {path} differ in the query"
                )),
                None => problems.push(format!("the operation {method} {path} has no route")),
            }
        }
    }
    problems.extend(
        left.keys()
            .map(|(path, method)| format!("the route {method} {path} has no operation")),
    );
    anyhow::ensure!(
        problems.is_empty(),
        "the OpenAPI document is not complete: {}",
        problems.join("; ")
    );
    components.schemas.extend(error::schemas());
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    document.components = Some(components);
    Ok(document)
}

/// The document as it is committed: indented, with a line break at the end.
pub fn print(document: &OpenApi) -> anyhow::Result<String> {
    // By way of a value, so that keys come sorted and the file changes only where the API does.
    let mut value: Value =
        serde_json::to_value(document).context("failed to write the OpenAPI document")?;
    precise::describe(&mut value);
    Ok(format!("{value:#}\n"))
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("GET", &mut item.get),
        ("PUT", &mut item.put),
        ("POST", &mut item.post),
        ("DELETE", &mut item.delete),
        ("PATCH", &mut item.patch),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn has_query(operation: &Operation) -> bool {
    let parameters = operation.parameters.iter().flatten();
    parameters.into_iter().any(|parameter| {
        matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query)
    })
}

fn complete(operation: &mut Operation, contract: &Contract) {
    let extensions = operation.extensions.get_or_insert_with(Extensions::default);
    match contract.any_of {
        None => {
            extensions.insert("x-public".to_owned(), json!(true));
            operation.security = Some(Vec::new());
        }
        Some(permissions) => {
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
    operation
        .responses
        .responses
        .entry("default".to_owned())
        .or_insert_with(|| problem("A problem; its `code` says which").into());
}

/// An answer that is a problem.
fn problem(description: &str) -> Response {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(Problem::name())))
        .build();
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .build()
}

#[cfg(test)]
mod tests {
    use actix_web::HttpResponse;
    use serde::{Deserialize, Serialize};
    use utoipa::{OpenApi as _, ToSchema};

    use super::*;
    use crate::{
        db::Idempotency,
        http::{Authorized, Conditional, PathId, Query, permission::ManageTasks},
    };

    #[derive(Serialize, ToSchema)]
    struct Task {
        version: i64,
    }

    #[derive(Deserialize)]
    struct Filter {
        #[serde(rename = "limit")]
        _limit: Option<u32>,
    }

    #[utoipa::path(get, path = "/api/tasks", params(("limit" = Option<u32>, Query)), responses((status = 200)))]
    async fn list(_: Authorized<ManageTasks>, _: Query<Filter>) -> HttpResponse {
        HttpResponse::Ok().finish()
    }

    #[utoipa::path(post, path = "/api/tasks", responses((status = 200), (status = 201, body = Task)))]
    async fn create(_: Authorized<ManageTasks>, _: Idempotency) -> HttpResponse {
        HttpResponse::Ok().finish()
    }

    #[utoipa::path(get, path = "/api/tasks/{id}", responses((status = 200, body = Task)))]
    async fn read(_: Authorized<ManageTasks>, _: PathId, _: Conditional) -> HttpResponse {
        HttpResponse::Ok().finish()
    }

    #[utoipa::path(put, path = "/api/tasks/{id}", responses((status = 200, body = Task)))]
    async fn replace(_: Authorized<ManageTasks>, _: PathId, _: Conditional) -> HttpResponse {
        HttpResponse::Ok().finish()
    }

    #[utoipa::path(post, path = "/api/auth/login", responses((status = 200)))]
    async fn login() -> HttpResponse {
        HttpResponse::Ok().finish()
    }

    #[derive(utoipa::OpenApi)]
    #[openapi(paths(list, create, read, replace, login))]
    struct Document;

    fn routes() -> Routes {
        Routes::default()
            .get("/api/tasks", list)
            .post("/api/tasks", create)
            .get("/api/tasks/{id}", read)
            .put("/api/tasks/{id}", replace)
            .post("/internal/sing", login)
    }

    fn paths() -> Value {
        let routes = routes().post("/api/auth/login", login);
        let document = finish(Document::openapi(), &routes).unwrap();
        let value: Value = serde_json::from_str(&print(&document).unwrap()).unwrap();
        assert_eq!(value["components"]["schemas"]["Problem"]["type"], "object");
        value["paths"].clone()
    }

    fn header_names(headers: &Value) -> Vec<&str> {
        let names = headers.as_object().into_iter().flatten();
        names.map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn each_operation_says_who_may_come_in() {
        let paths = paths();
        let list = &paths["/api/tasks"]["get"];
        assert_eq!(list["x-permissions"], json!(["manage_tasks"]));
        assert_eq!(list["security"], json!([{ "bearer": [] }]));
        let problem = &list["responses"]["default"]["content"];
        assert_eq!(
            problem["application/problem+json"]["schema"]["$ref"],
            "#/components/schemas/Problem"
        );
        assert_eq!(paths["/api/auth/login"]["post"]["x-public"], json!(true));
    }

    #[test]
    fn each_operation_says_which_headers_it_takes_and_gives() {
        let paths = paths();
        for (path, method, takes, status, gives) in [
            ("/api/tasks", "get", json!(null), "200", vec![]),
            (
                "/api/tasks",
                "post",
                json!("Idempotency-Key"),
                "200",
                vec![],
            ),
            (
                "/api/tasks",
                "post",
                json!("Idempotency-Key"),
                "201",
                vec!["ETag", "Idempotent-Replayed", "Location"],
            ),
            (
                "/api/tasks/{id}",
                "get",
                json!("If-None-Match"),
                "200",
                vec!["ETag"],
            ),
            (
                "/api/tasks/{id}",
                "get",
                json!("If-None-Match"),
                "304",
                vec!["ETag"],
            ),
            (
                "/api/tasks/{id}",
                "put",
                json!("If-Match"),
                "200",
                vec!["ETag"],
            ),
            ("/api/tasks/{id}", "put", json!("If-Match"), "412", vec![]),
            ("/api/auth/login", "post", json!(null), "200", vec![]),
        ] {
            let operation = &paths[path][method];
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let header = parameters.clone().find(|known| known["in"] == "header");
            let name = header.map_or(Value::Null, |header| header["name"].clone());
            assert_eq!(name, takes, "{method} {path}");
            let answer = &operation["responses"][status];
            assert!(answer.is_object(), "{method} {path} {status}");
            assert_eq!(
                header_names(&answer["headers"]),
                gives,
                "{method} {path} {status}"
            );
        }
    }

    #[test]
    fn an_operation_without_a_route_and_a_route_without_an_operation_are_named() {
        let message = finish(Document::openapi(), &routes().post("/api/sing", login))
            .err()
            .unwrap()
            .to_string();
        for problem in [
            "the operation POST /api/auth/login has no route",
            "the route POST /api/sing has no operation",
        ] {
            assert!(message.contains(problem), "{message}");
        }
    }

    #[test]
    fn a_query_that_only_the_handler_or_the_description_has_is_named() {
        let routes = Routes::default().get("/api/tasks", login);
        let message = finish(Document::openapi(), &routes)
            .err()
            .unwrap()
            .to_string();
        let problem = "the handler and the description of GET /api/tasks differ in the query";
        assert!(message.contains(problem), "{message}");
    }
}
