//! Rules that every route applies, written into the document, so that a client knows them beforehand.

use std::collections::BTreeSet;

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
    describe_bodies(document);
    if let Some(schemas) = document.pointer_mut("/components/schemas") {
        join_alternatives(schemas);
    }
}

/// Characters that no text may have: control characters but for tabs and line breaks. A text of one line has neither.
const CONTROL: &str = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f";
const CONTROL_OR_BREAK: &str = r"\u0000-\u001f\u007f-\u009f";
/// Texts that may have several lines.
const OF_SEVERAL_LINES: [&str; 4] = ["body", "description", "note", "reason"];

/// Texts that are as good as absent when nothing is seen of them.
const BLANK_IS_NONE: [&str; 2] = ["description", "note"];

/// The schemas of request bodies: texts must show something, and formats are patterns as well, since some tools ignore
/// formats. Schemas that no response uses allow no further fields; a response may get further ones.
fn describe_bodies(document: &mut Value) {
    let read = referenced(document, "requestBody");
    let written = referenced(document, "responses");
    for name in &read {
        if let Some(schema) = document["components"]["schemas"].get_mut(name) {
            describe_input(schema, !written.contains(name));
        }
    }
}

/// The names of the schemas that this part of any operation is made of.
fn referenced(document: &Value, part: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    let paths = document["paths"].as_object().into_iter().flatten();
    for (_, item) in paths {
        for (_, operation) in item.as_object().into_iter().flatten() {
            collect_references(&operation[part], &mut named);
        }
    }
    let mut left: Vec<String> = named.iter().cloned().collect();
    while let Some(name) = left.pop() {
        let mut further = BTreeSet::new();
        collect_references(&document["components"]["schemas"][&name], &mut further);
        left.extend(
            further
                .into_iter()
                .filter(|name| named.insert(name.clone())),
        );
    }
    named
}

fn collect_references(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref").and_then(Value::as_str)
                && let Some(name) = reference.strip_prefix("#/components/schemas/")
            {
                names.insert(name.to_owned());
            }
            members
                .values()
                .for_each(|value| collect_references(value, names));
        }
        Value::Array(items) => items
            .iter()
            .for_each(|value| collect_references(value, names)),
        _ => {}
    }
}

/// `closed`: without fields beside those that are named.
fn describe_input(schema: &mut Value, closed: bool) {
    let Some(members) = schema.as_object_mut() else {
        return;
    };
    if let Some(Value::Object(properties)) = members.get_mut("properties") {
        for (name, property) in properties {
            describe_field(name, property);
            describe_input(property, closed);
        }
    }
    if closed && members.get("type") == Some(&json!("object")) {
        members
            .entry("additionalProperties")
            .or_insert(Value::Bool(false));
    }
    if let Some(items) = members.get_mut("items") {
        describe_field("", items);
        describe_input(items, closed);
    }
}

/// One field of a body, as far as its type and name say what is refused.
fn describe_field(name: &str, property: &mut Value) {
    let Some(schema) = property.as_object_mut() else {
        return;
    };
    let is_nullable = schema.get("type").is_some_and(Value::is_array);
    let may_be_blank = is_nullable && BLANK_IS_NONE.contains(&name);
    let pattern = match schema.get("format").and_then(Value::as_str) {
        Some("uuid") => "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$".to_owned(),
        Some("date") => "^[0-9]{4}-[0-9]{2}-[0-9]{2}$".to_owned(),
        Some(_) => return,
        // Passwords are taken as they are, and the source of a template has rules of its own.
        None if !schema.contains_key("maxLength")
            || schema.contains_key("pattern")
            || name == "source" =>
        {
            return;
        }
        None if name.to_lowercase().ends_with("password") => {
            schema.entry("minLength").or_insert(json!(1));
            return;
        }
        None if may_be_blank => format!("^[^{CONTROL}]*$"),
        None if OF_SEVERAL_LINES.contains(&name) => {
            format!(r"^[^{CONTROL}]*[^\s{CONTROL}][^{CONTROL}]*$")
        }
        None => {
            format!(r"^[^{CONTROL_OR_BREAK}]*[^\s{CONTROL_OR_BREAK}][^{CONTROL_OR_BREAK}]*$")
        }
    };
    if !may_be_blank {
        schema.entry("minLength").or_insert(json!(1));
    }
    schema.insert("pattern".to_owned(), json!(pattern));
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
    fn the_body_of_a_request_says_which_fields_and_texts_it_takes() {
        let text = |kind: Value| json!({"type": kind, "maxLength": 9});
        let of = |name: &str| {
            let schema = json!({"$ref": format!("#/components/schemas/{name}")});
            json!({"content": {"application/json": {"schema": schema}}})
        };
        let mut document = json!({
            "paths": {"/api/tasks": {"post": {"requestBody": of("Body"), "responses": {"201": of("Answer")}}}},
            "components": {"schemas": {
                "Body": {"type": "object", "properties": {
                    "title": text(json!("string")),
                    "note": text(json!(["string", "null"])),
                    "dueDate": {"type": "string", "format": "date"},
                    "rule": {"$ref": "#/components/schemas/Rule"},
                    "address": {"$ref": "#/components/schemas/Address"},
                }},
                "Rule": {"type": "object"},
                "Address": {"type": "object", "properties": {"street": text(json!("string"))}},
                "Answer": {"type": "object", "properties": {"address": {"$ref": "#/components/schemas/Address"}}},
            }},
        });
        describe(&mut document);
        let schemas = &document["components"]["schemas"];
        for closed in ["Body", "Rule"] {
            assert_eq!(schemas[closed]["additionalProperties"], false, "{closed}");
        }
        for open in ["Answer", "Address"] {
            assert!(
                schemas[open].get("additionalProperties").is_none(),
                "{open}"
            );
        }
        assert_eq!(schemas["Address"]["properties"]["street"]["minLength"], 1);
        let fields = &schemas["Body"]["properties"];
        assert_eq!(fields["dueDate"]["pattern"], "^[0-9]{4}-[0-9]{2}-[0-9]{2}$");
        assert_eq!(fields["title"]["minLength"], 1);
        assert!(fields["note"].get("minLength").is_none(), "blank is none");
        let pattern = fields["title"]["pattern"].as_str();
        assert!(
            pattern.is_some_and(|pattern| pattern.contains(r"[^\s\u0000")),
            "{pattern:?}"
        );
    }

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
