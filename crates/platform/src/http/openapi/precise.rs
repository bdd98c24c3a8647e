//! What every route asks for in the same way, said in the document as well, so that a client can know it beforehand.

use serde_json::{Value, json};

use crate::http::page::LIMIT_MAX;

/// Completes the schemas of a document.
pub(super) fn describe(document: &mut Value) {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, item) in paths {
        for (_, operation) in item.as_object_mut().into_iter().flatten() {
            let parameters = operation
                .get_mut("parameters")
                .and_then(Value::as_array_mut);
            parameters.into_iter().flatten().for_each(describe_query);
            if let Some(body) = operation.get_mut("requestBody") {
                describe_optional_body(body);
            }
        }
    }
    if let Some(schemas) = document.pointer_mut("/components/schemas") {
        join_alternatives(schemas);
    }
}

/// A page has its limit, and an empty value is refused.
fn describe_query(parameter: &mut Value) {
    if parameter["in"] != "query" {
        return;
    }
    let name = parameter["name"].clone();
    let Some(schema) = parameter["schema"].as_object_mut() else {
        return;
    };
    if name == "limit" {
        schema.insert("minimum".to_owned(), json!(1));
        schema.insert("maximum".to_owned(), json!(LIMIT_MAX));
    }
    let types = schema.get("type").cloned().unwrap_or_default();
    let is_text = types == "string"
        || types
            .as_array()
            .is_some_and(|types| types.contains(&json!("string")));
    if is_text {
        schema.entry("minLength").or_insert(json!(1));
    }
}

/// A body that may be absent is an object where it is there, never `null`.
fn describe_optional_body(body: &mut Value) {
    let contents = body["content"].as_object_mut().into_iter().flatten();
    for (_, content) in contents {
        let alternatives = content["schema"]["oneOf"].as_array().cloned();
        let mut objects = alternatives.unwrap_or_default();
        objects.retain(|schema| schema["type"] != "null");
        if let [only] = objects.as_slice() {
            content["schema"] = only.clone();
        }
    }
}

/// Who sees more gets all that others get, and more: such an answer has both forms.
fn join_alternatives(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let is_nullable = |alternatives: &Value| {
                let alternatives = alternatives.as_array().into_iter().flatten();
                alternatives.into_iter().any(|one| one["type"] == "null")
            };
            if members
                .get("oneOf")
                .is_some_and(|one_of| !is_nullable(one_of))
                && let Some(one_of) = members.remove("oneOf")
            {
                members.insert("anyOf".to_owned(), one_of);
            }
            members.values_mut().for_each(join_alternatives);
        }
        Value::Array(items) => items.iter_mut().for_each(join_alternatives),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_everywhere_is_in_the_document() {
        let mut document = json!({
            "paths": {"/api/tasks": {
                "get": {"parameters": [
                    {"in": "query", "name": "limit", "schema": {"type": "integer"}},
                    {"in": "query", "name": "q", "schema": {"type": ["string", "null"]}},
                    {"in": "path", "name": "id", "schema": {"type": "string"}},
                ]},
                "post": {"requestBody": {"content": {"application/json": {"schema": {"oneOf": [{"$ref": "#/b"}, {"type": "null"}]}}}}},
            }},
            "components": {"schemas": {
                "Any": {"oneOf": [{"$ref": "#/a"}, {"$ref": "#/b"}]},
                "Maybe": {"oneOf": [{"$ref": "#/a"}, {"type": "null"}]},
            }},
        });
        describe(&mut document);
        let operations = &document["paths"]["/api/tasks"];
        let schema = |place: usize| &operations["get"]["parameters"][place]["schema"];
        assert_eq!(
            schema(0),
            &json!({"type": "integer", "minimum": 1, "maximum": LIMIT_MAX})
        );
        assert_eq!(
            schema(1),
            &json!({"type": ["string", "null"], "minLength": 1})
        );
        assert_eq!(schema(2), &json!({"type": "string"}));
        let body = &operations["post"]["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(body, &json!({"$ref": "#/b"}));
        let schemas = &document["components"]["schemas"];
        assert!(schemas["Any"]["anyOf"].is_array() && schemas["Maybe"]["oneOf"].is_array());
    }
}
