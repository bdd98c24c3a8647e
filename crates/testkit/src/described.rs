//! Every answer that a test gets is held against the OpenAPI document: no route answers with a success or a header
//! that the document does not describe.

use std::sync::LazyLock;

use reqwest::Method;
use serde_json::Value;

use crate::Response;

/// The headers that mean something to a client beyond the one request.
const HEADERS: [&str; 3] = ["ETag", "Idempotent-Replayed", "Location"];

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../services/gateway/openapi.json")).unwrap()
});

/// Compares an answer with the description of the operation that gave it. What is in no document, such as
/// health and the routes between services, is left alone.
///
/// # Panics
/// When the answer is not described.
#[track_caller]
pub(crate) fn check(method: &Method, path: &str, answer: &Response) {
    let status = answer.status.as_str();
    let Some(operation) = operation(method, path).filter(|_| status.starts_with(['2', '3'])) else {
        return;
    };
    let described = &operation["responses"][status];
    assert!(
        described.is_object(),
        "{}: {status} is not described",
        answer.request
    );
    for name in HEADERS {
        assert!(
            answer.header(name).is_empty() || described["headers"][name].is_object(),
            "{}: the header {name} of {status} is not described",
            answer.request
        );
    }
}

/// The operation that a path leads to; one that is written out goes before one with parameters.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next()?;
    let paths = DOCUMENT["paths"].as_object()?;
    let matching = || paths.keys().find(|pattern| matches(pattern, path));
    let item = paths.get(path).or_else(|| paths.get(matching()?))?;
    item.get(method.as_str().to_lowercase())
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
