//! serde's messages and paths in words for clients.

use domain::rejection::FieldError;
use serde_path_to_error::Segment;

/// A path of `serde_path_to_error` as `details.field` shows it.
pub(in crate::http) fn dotted(path: &serde_path_to_error::Path) -> String {
    path.iter()
        .fold(String::new(), |path, segment| match segment {
            Segment::Seq { index } => join(&path, &index.to_string()),
            Segment::Map { key } => join(&path, key),
            Segment::Enum { .. } | Segment::Unknown => path,
        })
}

/// Puts one of serde's messages into field, constraint and a sentence that repeats nothing of the value.
pub(in crate::http) fn describe(path: &str, message: &str) -> FieldError {
    // Messages end with where in the text, which says nothing here.
    let message = message.split(" at line ").next().unwrap_or(message);
    if let Some(name) = message.strip_prefix("missing field ").and_then(quoted) {
        return FieldError::required(join(path, name));
    }
    if let Some(name) = message.strip_prefix("unknown field ").and_then(quoted) {
        let field = below(path, name);
        let sentence = format!("{field} is not known");
        return FieldError::new(field, "unknown", sentence);
    }
    let field = if path.is_empty() { "body" } else { path };
    if message.starts_with("invalid type: null") {
        return FieldError::required(field);
    }
    let must_be = match expected(message) {
        Some(expected) => format!("{field} must be {expected}"),
        None => format!("{field} is not valid"),
    };
    if message.starts_with("unknown variant") {
        return FieldError::new(field, "one_of", must_be);
    }
    if message.starts_with("invalid type") {
        return FieldError::new(field, "type", must_be);
    }
    if message.starts_with("invalid length") {
        return FieldError::new(field, "length", must_be);
    }
    FieldError::new(field, "format", must_be)
}

/// What serde expected, in words for people.
fn expected(message: &str) -> Option<String> {
    if message.starts_with("UUID parsing failed") {
        return Some("a UUID".to_owned());
    }
    // The last one: what comes before may repeat what the client sent.
    let (_, expected) = message.rsplit_once("expected ")?;
    let plain = match expected {
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not negative",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" => "a text",
        "a sequence" => "a list",
        "a map" => "an object",
        other => return Some(other.replace('`', "")),
    };
    Some(plain.to_owned())
}

fn quoted(text: &str) -> Option<&str> {
    text.strip_prefix('`')?.split('`').next()
}

fn below(path: &str, name: &str) -> String {
    let last = path.rsplit('.').next().unwrap_or_default();
    match path {
        "" => name.to_owned(),
        _ if last == name => path.to_owned(),
        _ => format!("{path}.{name}"),
    }
}

/// A dotted path without the marks that `serde_ignored` sets for optional parts.
pub(super) fn ignored_path(path: &serde_ignored::Path<'_>) -> String {
    match path {
        serde_ignored::Path::Root => String::new(),
        serde_ignored::Path::Seq { parent, index } => {
            join(&ignored_path(parent), &index.to_string())
        }
        serde_ignored::Path::Map { parent, key } => join(&ignored_path(parent), key),
        serde_ignored::Path::Some { parent }
        | serde_ignored::Path::NewtypeStruct { parent }
        | serde_ignored::Path::NewtypeVariant { parent } => ignored_path(parent),
    }
}

pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
