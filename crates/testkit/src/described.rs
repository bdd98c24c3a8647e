//! Every answer that a test gets is compared with the OpenAPI document: its status, its headers, its media type and
//! every member of its body. So each test of a route is a contract test too.
//!
//! The comparison is stricter than the document. A client has to expect new members, but a member that an answer has
//! today and the document does not name is an error.

use std::{cell::RefCell, sync::LazyLock};

use boon::{Compiler, Schemas};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::Response;

/// The headers that mean something to a client beyond the one request.
const HEADERS: [&str; 3] = ["ETag", "Idempotent-Replayed", "Location"];

/// Where the schemas of the document refer to each other. Nothing is loaded from there.
const ADDRESS: &str = "https://haushavn.test/openapi.json";

/// Keywords whose schemas describe the same value as the schema that they are in.
const SAME_VALUE: [&str; 3] = ["allOf", "anyOf", "oneOf"];

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let document: Value =
        serde_json::from_str(include_str!("../../../services/gateway/openapi.json")).unwrap();
    closed(&document)
});

thread_local! {
    /// A schema is compiled when the first answer comes that it describes.
    static COMPILED: RefCell<(Compiler, Schemas)> = RefCell::new((compiler(), Schemas::new()));
}

/// Compares an answer with the description of the operation that gave it. What is in no document, such as
/// health and the routes between services, is not compared.
///
/// # Panics
/// When the answer is not described, or differs from its description.
#[track_caller]
pub(crate) fn check(method: &Method, path: &str, answer: &Response) {
    let Some(operation) = operation(method, path) else {
        return;
    };
    let request = &answer.request;
    let status = answer.status.as_str();
    let responses = format!("{operation}/responses");
    let Some((at, described)) = response(&responses, status) else {
        panic!("{request}: {status} is not described");
    };
    for name in HEADERS {
        assert!(
            answer.header(name).is_empty() || described["headers"][name].is_object(),
            "{request}: the header {name} of {status} is not described"
        );
    }
    let Some(contents) = described["content"].as_object() else {
        assert!(
            answer.text.is_empty(),
            "{request}: the body of {status} is not described: {}",
            answer.text
        );
        return;
    };
    let media_type = answer.header("Content-Type").split(';').next();
    let media_type = media_type.unwrap_or_default();
    assert!(
        contents.contains_key(media_type),
        "{request}: the type {media_type:?} of {status} is not described"
    );
    if ["application/json", "application/problem+json"].contains(&media_type) {
        check_body(
            answer,
            &format!("{at}/content/{}/schema", escaped(media_type)),
        );
    }
}

/// Compares the body with the schema at a place of the document.
#[track_caller]
fn check_body(answer: &Response, schema: &str) {
    COMPILED.with_borrow_mut(|(compiler, schemas)| {
        let address = format!("{ADDRESS}#{schema}");
        let index = compiler
            .compile(&address, schemas)
            .unwrap_or_else(|error| panic!("{schema}: {error:#}"));
        if let Err(error) = schemas.validate(&answer.json, index) {
            panic!(
                "{}: the body of {} is not as described: {error:#}\n{}",
                answer.request, answer.status, answer.text
            );
        }
    });
}

fn compiler() -> Compiler {
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    compiler.add_resource(ADDRESS, DOCUMENT.clone()).unwrap();
    compiler
}

/// The description of an answer with this status, and its place in the document. Only a problem may go without a
/// description of its own.
fn response(responses: &str, status: &str) -> Option<(String, &'static Value)> {
    let is_problem = status.starts_with(['4', '5']);
    let own = format!("{responses}/{status}");
    let general = format!("{responses}/default");
    let (at, described) = DOCUMENT
        .pointer(&own)
        .map(|described| (own, described))
        .or_else(|| {
            let described = DOCUMENT.pointer(&general).filter(|_| is_problem)?;
            Some((general, described))
        })?;
    let Some(target) = target(described) else {
        return Some((at, described));
    };
    Some((target.to_owned(), DOCUMENT.pointer(target)?))
}

/// The place of the operation that a path leads to; a path that is written out goes before one with parameters.
fn operation(method: &Method, path: &str) -> Option<String> {
    let path = path.split('?').next()?;
    let paths = DOCUMENT["paths"].as_object()?;
    let matching = || paths.keys().find(|pattern| matches(pattern, path));
    let (pattern, item) = paths
        .get_key_value(path)
        .or_else(|| paths.get_key_value(matching()?))?;
    let method = method.as_str().to_lowercase();
    item.get(&method)?;
    Some(format!("/paths/{}/{method}", escaped(pattern)))
}

fn matches(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(name), Some(part)) if name == part || name.starts_with('{') => {}
            _ => return false,
        }
    }
}

/// The document with all its schemas closed: members that they do not describe are refused.
fn closed(document: &Value) -> Value {
    let mut closed = document.clone();
    let responses = |item: &mut Value| {
        let operations = item.as_object_mut().into_iter().flat_map(Map::values_mut);
        for operation in operations {
            members(&mut operation["responses"]).for_each(|response| {
                members(&mut response["content"])
                    .for_each(|content| close(&mut content["schema"], document));
            });
        }
    };
    members(&mut closed["paths"]).for_each(responses);
    for response in members(&mut closed["components"]["responses"]) {
        members(&mut response["content"])
            .for_each(|content| close(&mut content["schema"], document));
    }
    members(&mut closed["components"]["schemas"]).for_each(|schema| close_inside(schema, document));
    closed
}

/// Closes the schema of a value, and those of the values in it.
///
/// A schema that is part of another says only some members of a value, so it is not closed itself: whatever refers
/// to the whole is.
fn close(schema: &mut Value, document: &Value) {
    close_inside(schema, document);
    if has_members(schema, document) {
        schema["unevaluatedProperties"] = json!(false);
    }
}

fn close_inside(schema: &mut Value, document: &Value) {
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    for (keyword, value) in schema {
        match keyword.as_str() {
            "properties" => members(value).for_each(|schema| close(schema, document)),
            "items" | "additionalProperties" => close(value, document),
            keyword if SAME_VALUE.contains(&keyword) => {
                let parts = value.as_array_mut().into_iter().flatten();
                parts.for_each(|part| close_inside(part, document));
            }
            _ => {}
        }
    }
}

/// Whether a schema names members. One that names none accepts any object.
fn has_members(schema: &Value, document: &Value) -> bool {
    let referred = target(schema).and_then(|target| document.pointer(target));
    let mut parts = SAME_VALUE
        .iter()
        .filter_map(|keyword| schema[keyword].as_array())
        .flatten();
    schema["properties"].is_object()
        || referred.is_some_and(|schema| has_members(schema, document))
        || parts.any(|part| has_members(part, document))
}

/// The place that a `$ref` names.
fn target(value: &Value) -> Option<&str> {
    value["$ref"].as_str()?.strip_prefix('#')
}

fn members(value: &mut Value) -> impl Iterator<Item = &mut Value> {
    value.as_object_mut().into_iter().flat_map(Map::values_mut)
}

/// A name as a part of a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use reqwest::{StatusCode, header::HeaderMap};

    use super::*;

    fn answer(status: StatusCode, media_type: &str, body: Value) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", media_type.parse().unwrap());
        Response {
            request: "GET /api/deals".to_owned(),
            status,
            headers,
            text: body.to_string(),
            json: body,
        }
    }

    fn check_deals(status: StatusCode, media_type: &str, body: Value) {
        check(
            &Method::GET,
            "/api/deals?limit=1",
            &answer(status, media_type, body),
        );
    }

    #[test]
    fn an_answer_as_described_passes() {
        let page = json!({ "items": [], "nextCursor": null });
        check_deals(StatusCode::OK, "application/json", page);
    }

    #[test]
    #[should_panic(expected = "not as described")]
    fn a_member_that_is_missing_is_an_error() {
        check_deals(
            StatusCode::OK,
            "application/json",
            json!({ "nextCursor": null }),
        );
    }

    #[test]
    #[should_panic(expected = "not as described")]
    fn a_member_that_is_not_described_is_an_error() {
        let page = json!({ "items": [], "nextCursor": null, "total": 0 });
        check_deals(StatusCode::OK, "application/json", page);
    }

    #[test]
    #[should_panic(expected = "not as described")]
    fn a_member_of_another_type_is_an_error() {
        let page = json!({ "items": [{ "id": 1 }], "nextCursor": null });
        check_deals(StatusCode::OK, "application/json", page);
    }

    #[test]
    #[should_panic(expected = "not described")]
    fn a_success_that_is_not_described_is_an_error() {
        check_deals(StatusCode::ACCEPTED, "application/json", json!({}));
    }

    #[test]
    #[should_panic(expected = "not as described")]
    fn a_problem_has_its_members() {
        check_deals(
            StatusCode::BAD_REQUEST,
            "application/problem+json",
            json!({ "code": "VALIDATION_001" }),
        );
    }
}
