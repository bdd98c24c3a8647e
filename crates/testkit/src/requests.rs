//! Requests with the headers that some of them need.

use reqwest::Method;
use serde_json::Value;

use crate::{Response, User};

/// PATCH under `If-Match`.
pub async fn patch_at(user: &User, path: &str, version: &Value, body: &Value) -> Response {
    let tag = format!("\"{version}\"");
    let headers = [
        ("Content-Type", "application/merge-patch+json"),
        ("If-Match", tag.as_str()),
    ];
    user.api
        .send(Method::PATCH, path, &headers, Some(body))
        .await
}

/// POST with an idempotency key.
pub async fn post_once(user: &User, path: &str, key: &str, body: &Value) -> Response {
    user.api
        .send(Method::POST, path, &[("Idempotency-Key", key)], Some(body))
        .await
}

/// The items of a list, through all its pages; `path` has a query.
///
/// # Panics
/// When an answer is no page.
pub async fn all_items(user: &User, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = match &cursor {
            Some(cursor) => user.api.get(&format!("{path}&cursor={cursor}")).await,
            None => user.api.get(path).await,
        };
        items.extend(
            page.expect(200)["items"]
                .as_array()
                .unwrap()
                .iter()
                .cloned(),
        );
        match page.json["nextCursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return items,
        }
    }
}
