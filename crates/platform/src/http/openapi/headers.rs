//! The headers that operations take and give, described from their contracts.

use serde_json::Value;
use utoipa::openapi::{
    Components, Header, HeaderBuilder, ObjectBuilder, RefOr, Required, Response, ResponseBuilder,
    Type,
    path::{Operation, ParameterBuilder, ParameterIn},
};

use super::problem;
use crate::{
    db::idempotency::KEY_LENGTH_MAX,
    http::{Contract, conditional::TAGS_MAX},
};

/// Adds what the contract says about headers, and the answers that come of them.
pub(super) fn describe(
    operation: &mut Operation,
    method: &str,
    contract: &Contract,
    components: &Components,
) {
    if contract.takes_key {
        describe_key(operation);
    }
    if contract.is_conditional && method == "GET" {
        takes(
            operation,
            "If-None-Match",
            tags(),
            "Entity tags that the client has; 304 when one of them is still right.",
        );
        let unchanged = ResponseBuilder::new().description("The client has this version.");
        let answers = &mut operation.responses.responses;
        let answer = answers.entry("304".to_owned());
        answer.or_insert_with(|| unchanged.build().into());
    } else if contract.is_conditional {
        takes(
            operation,
            "If-Match",
            tags(),
            "The entity tag of the version that is meant, or `*` for any.",
        );
        answer(operation, "412", "`VERSION_MISMATCH`: `If-Match` is stale.");
    }
    for (status, response) in successes(operation) {
        let tagged = match status {
            "304" => true,
            "200" if contract.is_conditional => true,
            _ => method == "POST" && carries_version(response, components),
        };
        if tagged {
            gives(
                response,
                "ETag",
                "The entity tag of this version, for `If-Match` and `If-None-Match`.",
            );
        }
        if status == "201" {
            gives(response, "Location", "Where what was made can be read.");
        }
    }
}

/// The key, and what may come of it. A dry run beside a creation records nothing.
fn describe_key(operation: &mut Operation) {
    let key = text().min_length(Some(1)).max_length(Some(KEY_LENGTH_MAX));
    takes(
        operation,
        "Idempotency-Key",
        key.pattern(Some("^[ -~]+$")),
        "Kept for 24 hours: the same key with the same request is answered the same again, and done once.",
    );
    answer(
        operation,
        "409",
        "The present state does not allow it, or `IDEMPOTENCY_IN_FLIGHT`: the first request with this key is still at work.",
    );
    let creates = operation.responses.responses.contains_key("201");
    for (status, response) in &mut operation.responses.responses {
        let is_kept = status == "409" || (status.starts_with('2') && (!creates || status == "201"));
        if is_kept && let RefOr::T(response) = response {
            gives(
                response,
                "Idempotent-Replayed",
                "`true` when this is the first answer to the key again.",
            );
        }
    }
    answer(
        operation,
        "422",
        "`IDEMPOTENCY_MISMATCH`: the key came with another request before.",
    );
}

/// `*`, or entity tags with commas between.
fn tags() -> ObjectBuilder {
    let more = TAGS_MAX - 1;
    let pattern = format!(r#"^(\*|"[!#-~]*"(, ?"[!#-~]*"){{0,{more}}})$"#);
    text().min_length(Some(1)).pattern(Some(pattern))
}

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn takes(operation: &mut Operation, name: &str, schema: ObjectBuilder, description: &str) {
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema));
    let parameters = operation.parameters.get_or_insert_default();
    parameters.push(parameter.build().into());
}

fn gives(response: &mut Response, name: &str, description: &str) {
    let header: Header = HeaderBuilder::new()
        .schema(Some(text()))
        .description(Some(description))
        .build();
    response
        .headers
        .entry(name.to_owned())
        .or_insert_with(|| header.into());
}

/// The answer with this status; a problem, unless the handler describes it otherwise.
fn answer(operation: &mut Operation, status: &str, description: &str) {
    let answers = &mut operation.responses.responses;
    answers
        .entry(status.to_owned())
        .or_insert_with(|| problem(description).into());
}

/// The answers that are no problems, by status.
fn successes(operation: &mut Operation) -> impl Iterator<Item = (&str, &mut Response)> {
    let answers = operation.responses.responses.iter_mut();
    answers.filter_map(|(status, response)| match response {
        RefOr::T(response) if status.starts_with(['2', '3']) => Some((status.as_str(), response)),
        RefOr::T(_) | RefOr::Ref(_) => None,
    })
}

/// Whether the body is a resource that carries its `version`.
fn carries_version(response: &Response, components: &Components) -> bool {
    let body = serde_json::to_value(response).unwrap_or_default();
    let schema = &body["content"]["application/json"]["schema"];
    has_version(schema, components)
}

fn has_version(schema: &Value, components: &Components) -> bool {
    let referred = schema["$ref"]
        .as_str()
        .and_then(|reference| reference.strip_prefix("#/components/schemas/"))
        .and_then(|name| components.schemas.get(name));
    if let Some(referred) = referred {
        let referred = serde_json::to_value(referred).unwrap_or_default();
        return has_version(&referred, components);
    }
    let parts = schema["allOf"].as_array().into_iter().flatten();
    schema["properties"]["version"].is_object()
        || parts.into_iter().any(|part| has_version(part, components))
}
