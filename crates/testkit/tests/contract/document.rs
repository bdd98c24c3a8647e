use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::support::{Operation, anybody, document, operations};

/// Those who are not signed in reach these and no others.
const PUBLIC: [&str; 8] = [
    "GET /.well-known/jwks.json",
    "POST /api/auth/accept-invitation",
    "POST /api/auth/login",
    "POST /api/auth/password/forgot",
    "POST /api/auth/password/reset",
    "POST /api/auth/refresh",
    "POST /api/auth/signup",
    "POST /api/auth/verify-email",
];

fn all_references<'value>(value: &'value Value, found: &mut BTreeSet<&'value str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members
                .values()
                .for_each(|member| all_references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| all_references(item, found)),
        _ => {}
    }
}

fn resolve<'document>(document: &'document Value, reference: &str) -> Option<&'document Value> {
    document.pointer(reference.strip_prefix('#')?)
}

#[tokio::test]
async fn the_document_is_whole() {
    let document = document().await;
    assert_eq!(document["openapi"], "3.1.0");
    for member in ["title", "version"] {
        assert!(document["info"][member].is_string(), "{member}");
    }
    let mut references = BTreeSet::new();
    all_references(&document, &mut references);
    assert!(references.len() > 30, "{} references", references.len());
    for reference in &references {
        assert!(
            resolve(&document, reference).is_some(),
            "{reference} leads nowhere"
        );
    }
    let text = document.to_string();
    let schemas = document["components"]["schemas"]
        .as_object()
        .expect("schemas");
    for name in schemas.keys() {
        let reference = format!("#/components/schemas/{name}");
        // The generator writes a page's items out, and an answer that has two shapes names the second one.
        let is_named =
            || schemas.contains_key(&format!("Page_{name}")) || text.contains(&format!("`{name}`"));
        assert!(
            references.contains(reference.as_str()) || is_named(),
            "nothing refers to {name}"
        );
    }
}

#[tokio::test]
async fn every_operation_has_a_name_of_its_own_and_says_who_may_use_it() {
    let document = document().await;
    let mut names = BTreeMap::new();
    let mut public = BTreeSet::new();
    for operation in operations().await {
        let id = operation.description["operationId"]
            .as_str()
            .expect("an operationId")
            .to_owned();
        let other = names.insert(id.clone(), operation.name());
        assert_eq!(other, None, "{id} names two operations");
        let permissions = operation.description["x-permissions"].as_array();
        assert_ne!(
            operation.is_public(),
            permissions.is_some(),
            "{}",
            operation.name()
        );
        if operation.is_public() {
            public.insert(operation.name());
        } else {
            assert!(
                operation.description["security"][0]["bearer"].is_array(),
                "{}",
                operation.name()
            );
        }
        for permission in permissions.into_iter().flatten() {
            let name = permission.as_str().expect("a name");
            assert!(
                domain::permission::Permission::parse(name).is_some(),
                "{}: {name}",
                operation.name()
            );
        }
        assert!(
            operation.description["summary"].is_string(),
            "{}",
            operation.name()
        );
        let tags = operation.description["tags"].as_array().expect("tags");
        let known = document["tags"].as_array().expect("tags");
        for tag in tags {
            assert!(
                known.iter().any(|known| known["name"] == *tag),
                "{}: {tag}",
                operation.name()
            );
        }
    }
    assert_eq!(public, PUBLIC.map(str::to_owned).into());
}

/// The schema of an answer, whether it is inline or referred to.
fn answer_schema<'document>(
    document: &'document Value,
    answer: &'document Value,
) -> (&'document Value, bool) {
    let answer = answer["$ref"]
        .as_str()
        .and_then(|reference| resolve(document, reference))
        .unwrap_or(answer);
    let problem = &answer["content"]["application/problem+json"]["schema"];
    (problem, problem["$ref"] == "#/components/schemas/Problem")
}

#[tokio::test]
async fn every_refusal_is_described_as_a_problem() {
    let document = document().await;
    for operation in operations().await {
        let answers = operation.description["responses"]
            .as_object()
            .expect("responses");
        let of_success = answers
            .keys()
            .filter(|status| status.starts_with('2'))
            .count();
        assert!(of_success > 0, "{} never succeeds", operation.name());
        for (status, answer) in answers
            .iter()
            .filter(|(status, _)| !status.starts_with(['2', '3']))
        {
            let (schema, is_problem) = answer_schema(&document, answer);
            assert!(is_problem, "{} {status}: {schema}", operation.name());
        }
        let expected: &[&str] = if operation.is_public() {
            &["429", "503"]
        } else {
            &["401", "429", "503"]
        };
        for status in expected {
            assert!(
                answers.contains_key(*status),
                "{} does not describe {status}",
                operation.name()
            );
        }
        if operation.path.contains('{') {
            assert!(
                answers.contains_key("404"),
                "{} does not describe 404",
                operation.name()
            );
        }
        let asks = operation.description["x-permissions"]
            .as_array()
            .is_some_and(|any_of| !any_of.is_empty());
        assert_eq!(answers.contains_key("403"), asks, "{}", operation.name());
    }
    let problem = &document["components"]["schemas"]["Problem"];
    let required: Vec<&str> = problem["required"]
        .as_array()
        .expect("members")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    for member in [
        "type",
        "title",
        "status",
        "instance",
        "error",
        "message",
        "code",
        "details",
        "requestId",
    ] {
        assert!(
            required.contains(&member),
            "{member} is not among {required:?}"
        );
    }
}

fn path_parameters(operation: &Operation) -> BTreeSet<String> {
    let parts = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    parts.map(str::to_owned).collect()
}

#[tokio::test]
async fn every_parameter_and_body_is_described() {
    for operation in operations().await {
        let parameters = operation.description["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let in_path = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path");
        let described: BTreeSet<String> = in_path
            .map(|parameter| parameter["name"].as_str().expect("a name").to_owned())
            .collect();
        assert_eq!(
            described,
            path_parameters(&operation),
            "{}",
            operation.name()
        );
        for parameter in &parameters {
            assert!(
                parameter["schema"].is_object(),
                "{}: {parameter}",
                operation.name()
            );
        }
        let content = &operation.description["requestBody"]["content"];
        let expected = match operation.method.as_str() {
            "PATCH" => "application/merge-patch+json",
            "PUT" => "application/json",
            "GET" | "DELETE" => {
                assert!(content.is_null(), "{} has a body", operation.name());
                continue;
            }
            _ if content.is_null() => continue,
            _ => "application/json",
        };
        assert!(
            content[expected]["schema"].is_object(),
            "{}: {content}",
            operation.name()
        );
    }
}

#[tokio::test]
async fn patch_exists_wherever_put_does() {
    let all: BTreeSet<String> = operations().await.iter().map(Operation::name).collect();
    for name in &all {
        if let Some(path) = name.strip_prefix("PUT ") {
            assert!(all.contains(&format!("PATCH {path}")), "{path}");
        }
    }
}

#[tokio::test]
async fn the_pages_to_browse_it_load_only_what_is_there() {
    let page = anybody().get("/api/docs").await;
    page.expect(200);
    assert!(
        page.header("content-type").starts_with("text/html"),
        "{}",
        page.header("content-type")
    );
    let parts: Vec<&str> = page
        .text
        .split('"')
        .filter(|text| text.starts_with("/api/docs/"))
        .collect();
    assert!(parts.len() > 3, "{parts:?}");
    for part in parts {
        // The pictures are no text, so the head alone is asked for.
        anybody()
            .send(reqwest::Method::HEAD, part, &[], None)
            .await
            .expect(200);
    }
    assert!(
        !page.text.contains("://"),
        "the page loads something from elsewhere"
    );
    anybody()
        .get("/api/docs/nothing.js")
        .await
        .refuses(404, "NOT_FOUND");
}
