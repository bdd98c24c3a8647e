//! The one OpenAPI document of the API, merged from the services' documents.
//!
//! Nothing is described here that a service does not describe, except what the gateway itself can answer. Two services
//! that use one name for different things are refused: a client generated from the document would get whichever came
//! last.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use platform::error;
use serde_json::{Map, Value, json};

use crate::upstream::{ServiceDocument, committed_documents};

/// How schemas are referred to.
const SCHEMA_REF: &str = "#/components/schemas/";
/// The name of the security scheme.
const BEARER: &str = "bearer";

/// Names that two services use for different things.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("these names mean different things in two services: {}", .0.join(", "))]
pub struct Collision(Vec<String>);

/// The merged document, as it is committed.
///
/// # Errors
/// When a service's document is not JSON, or two of them use one name for different things.
pub fn document() -> anyhow::Result<String> {
    let documents = committed_documents().context("failed to read the services' documents")?;
    serde_json::to_string_pretty(&merge(&documents)?).context("failed to write the document")
}

/// Merges the documents.
///
/// # Errors
/// With every name of a schema or an operation that two documents use for different things.
pub fn merge(documents: &[ServiceDocument]) -> Result<Value, Collision> {
    let schemas = colliding_schemas(documents);
    let colliding: Vec<String> = schemas.chain(colliding_operations(documents)).collect();
    if !colliding.is_empty() {
        return Err(Collision(colliding));
    }
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut components: BTreeMap<String, Value> = BTreeMap::new();
    let mut tags: BTreeMap<String, Value> = BTreeMap::new();
    for service in documents {
        let document = &service.document;
        for (name, schema) in members(&document["components"]["schemas"]) {
            components.insert(name.clone(), schema.clone());
        }
        for (name, tag) in tags_of(document) {
            tags.entry(name).or_insert(tag);
        }
        for (path, item) in members(&document["paths"]) {
            let mut item = item.clone();
            for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
                complete(operation, path);
            }
            let into = paths.entry(path.clone()).or_default();
            into.extend(item.as_object().cloned().unwrap_or_default());
        }
    }
    for (name, schema) in error::schemas() {
        components.insert(name, serde_json::to_value(schema).unwrap_or_default());
    }
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Haushavn",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Real-estate transactions from contract to closing.",
            "license": { "name": "MIT", "identifier": "MIT" }
        },
        "servers": [{ "url": "/" }],
        "tags": tags.into_values().collect::<Vec<_>>(),
        "security": [{ BEARER: [] }],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": responses(),
            "securitySchemes": {
                BEARER: { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" }
            }
        }
    }))
}

/// The tags that a document describes, and those that its operations only name.
fn tags_of(document: &Value) -> impl Iterator<Item = (String, Value)> {
    let described = document["tags"].as_array().into_iter().flatten();
    let named = members(&document["paths"])
        .flat_map(|(_, item)| members(item))
        .flat_map(|(_, operation)| operation["tags"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .map(|name| (name.to_owned(), json!({ "name": name })));
    described
        .map(|tag| {
            let name = tag["name"].as_str().unwrap_or_default();
            (name.to_owned(), tag.clone())
        })
        .chain(named)
}

/// Answers that the gateway gives before a service is asked, or in its place.
const ANSWERS: [(&str, &str, &str); 7] = [
    ("401", "Unauthorized", "Nobody valid is signed in."),
    (
        "403",
        "Forbidden",
        "The caller's permissions do not allow it; `details.required` names those that would.",
    ),
    (
        "404",
        "NotFound",
        "There is nothing here, as far as the caller may know.",
    ),
    ("413", "PayloadTooLarge", "The body is larger than 1 MiB."),
    (
        "415",
        "UnsupportedMediaType",
        "The body has a type or an encoding that is not taken.",
    ),
    (
        "429",
        "TooManyRequests",
        "Too many requests; `Retry-After` says when the next one is accepted.",
    ),
    (
        "503",
        "ServiceUnavailable",
        "A dependency is unavailable or too slow; `Retry-After` says when to retry.",
    ),
];

/// Headers of these answers: status, name, type, meaning.
const HEADERS: [(&str, &str, &str, &str); 8] = [
    ("401", "WWW-Authenticate", "string", "`Bearer`."),
    (
        "429",
        "Retry-After",
        "integer",
        "Seconds until the next request is accepted.",
    ),
    (
        "429",
        "RateLimit",
        "string",
        "What is left of the limit that comes first.",
    ),
    ("429", "RateLimit-Policy", "string", "The limits."),
    (
        "429",
        "X-RateLimit-Limit",
        "integer",
        "The older form of the limit.",
    ),
    (
        "429",
        "X-RateLimit-Remaining",
        "integer",
        "The older form of what is left.",
    ),
    (
        "429",
        "X-RateLimit-Reset",
        "integer",
        "Seconds until it is whole again.",
    ),
    (
        "503",
        "Retry-After",
        "integer",
        "Seconds after which to try again.",
    ),
];

fn responses() -> Value {
    let content = json!({
        "application/problem+json": { "schema": { "$ref": format!("{SCHEMA_REF}Problem") } }
    });
    ANSWERS
        .into_iter()
        .map(|(status, name, description)| {
            let mut answer = json!({ "description": description, "content": content.clone() });
            let headers = headers_of(status);
            if !headers.is_empty() {
                answer["headers"] = headers.into();
            }
            (name.to_owned(), answer)
        })
        .collect::<Map<_, _>>()
        .into()
}

/// The headers that come with one of [`ANSWERS`].
fn headers_of(status: &str) -> Map<String, Value> {
    HEADERS
        .into_iter()
        .filter(|(of, ..)| *of == status)
        .map(|(_, name, kind, description)| {
            let header = json!({ "description": description, "schema": { "type": kind } });
            (name.to_owned(), header)
        })
        .collect()
}

/// Adds to an operation how it is secured and what the gateway may answer.
fn complete(operation: &mut Value, path: &str) {
    let is_public = operation["x-public"] == true;
    let asks_permission = members_of_list(&operation["x-permissions"]) > 0;
    let takes_body = operation.get("requestBody").is_some();
    let Some(operation) = operation.as_object_mut() else {
        return;
    };
    let security = if is_public {
        json!([])
    } else {
        json!([{ BEARER: [] }])
    };
    operation.insert("security".to_owned(), security);
    let answers = operation.entry("responses").or_insert_with(|| json!({}));
    let Some(answers) = answers.as_object_mut() else {
        return;
    };
    for (status, name, _) in ANSWERS {
        let applies = match status {
            "401" => !is_public,
            "403" => asks_permission,
            "404" => path.contains('{'),
            "413" | "415" => takes_body,
            _ => true,
        };
        if applies {
            answers
                .entry(status)
                .or_insert_with(|| json!({ "$ref": format!("#/components/responses/{name}") }));
        }
    }
}

/// Schemas that two documents give one name but different contents.
fn colliding_schemas(documents: &[ServiceDocument]) -> impl Iterator<Item = String> {
    let mut first: BTreeMap<&String, &Value> = BTreeMap::new();
    let all = documents
        .iter()
        .flat_map(|service| members(&service.document["components"]["schemas"]));
    let mut colliding = BTreeSet::new();
    for (name, schema) in all {
        // There is one shape of errors, and the platform fixes it.
        if name != "Problem" && *first.entry(name).or_insert(schema) != schema {
            colliding.insert(name.clone());
        }
    }
    colliding.into_iter()
}

/// Operation ids that occur more than once.
fn colliding_operations(documents: &[ServiceDocument]) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    documents
        .iter()
        .flat_map(|service| members(&service.document["paths"]))
        .flat_map(|(_, item)| members(item))
        .filter_map(|(_, operation)| operation["operationId"].as_str())
        .filter(|id| !seen.insert(*id))
        .map(str::to_owned)
        .collect()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn members_of_list(value: &Value) -> usize {
    value.as_array().map_or(0, Vec::len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::Upstream;

    fn document(upstream: Upstream, paths: Value, schemas: Value) -> ServiceDocument {
        ServiceDocument {
            upstream,
            document: json!({ "paths": paths, "components": { "schemas": schemas } }),
        }
    }

    fn reference(name: &str) -> Value {
        json!({ "$ref": format!("{SCHEMA_REF}{name}") })
    }

    /// Every reference in a document, wherever it is.
    fn references(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(target)) = members.get("$ref") {
                    into.push(target.clone());
                }
                members.values().for_each(|value| references(value, into));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, into)),
            _ => {}
        }
    }

    fn assert_references_resolve(document: &Value) {
        let mut all = Vec::new();
        references(document, &mut all);
        for target in all {
            let pointer = target.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{target}");
        }
    }

    #[test]
    fn a_schema_shared_by_two_services_stands_once() {
        let schemas = json!({ "Address": { "type": "object" }, "Problem": { "type": "object" } });
        let merged = merge(&[
            document(Upstream::DealService, json!({}), schemas.clone()),
            document(Upstream::TaskService, json!({}), schemas),
        ])
        .unwrap();
        let names: Vec<_> = members(&merged["components"]["schemas"])
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(names, ["Address", "Problem", "ProblemCode"]);
    }

    #[test]
    fn two_things_with_one_name_are_refused() {
        let schemas = |kind: &str| json!({ "Plan": reference("Task"), "Task": { "type": kind } });
        let paths = |path: &str| json!({ path: { "get": { "operationId": "get_plan", "x-permissions": [] } } });
        let collision = merge(&[
            document(Upstream::DealService, paths("/api/a"), schemas("object")),
            document(Upstream::TaskService, paths("/api/b"), schemas("string")),
        ])
        .unwrap_err();
        assert_eq!(
            collision.to_string(),
            "these names mean different things in two services: Task, get_plan"
        );
    }

    #[test]
    fn services_may_answer_for_different_methods_of_one_path() {
        let paths = |method: &str| json!({ "/api/a": { method: { "x-public": true } } });
        let merged = merge(&[
            document(Upstream::DealService, paths("get"), json!({})),
            document(Upstream::TaskService, paths("post"), json!({})),
        ])
        .unwrap();
        let item = merged["paths"]["/api/a"].as_object().unwrap();
        assert_eq!(item.len(), 2);
    }

    #[test]
    fn what_the_gateway_may_answer_is_added_where_it_can_happen() {
        let merged = merge(&[document(
            Upstream::DealService,
            json!({ "/api/deals/{id}": {
                "get": { "x-permissions": ["view_deals"], "responses": { "404": { "description": "own" } } },
                "post": { "x-public": true, "requestBody": {} }
            } }),
            json!({}),
        )]).unwrap();
        let item = &merged["paths"]["/api/deals/{id}"];
        let statuses = |method: &str| {
            members(&item[method]["responses"])
                .map(|(status, _)| status.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(statuses("get"), ["401", "403", "404", "429", "503"]);
        assert_eq!(statuses("post"), ["404", "413", "415", "429", "503"]);
        assert_eq!(item["get"]["responses"]["404"]["description"], "own");
        assert_eq!(item["post"]["security"], json!([]));
        assert_references_resolve(&merged);
    }

    #[test]
    fn the_committed_documents_go_together() {
        let merged = merge(&committed_documents().unwrap()).unwrap();
        assert_references_resolve(&merged);
        let tags: BTreeSet<&str> = merged["tags"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|tag| tag["name"].as_str())
            .collect();
        for (path, item) in members(&merged["paths"]) {
            for (method, operation) in members(item) {
                let id = operation["operationId"].as_str();
                assert!(id.is_some(), "{method} {path} has no operationId");
                let own = operation["tags"].as_array().into_iter().flatten();
                for tag in own.filter_map(Value::as_str) {
                    assert!(tags.contains(tag), "{tag}");
                }
            }
        }
    }
}
