//! Decodes a parsed value into a type, and reports everything that is wrong with its shape, not only the first mistake.

use domain::rejection::{FIELD_ERRORS_MAX, FieldError, Rejection};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    describe::{describe, dotted, ignored_path},
    plain::Plain,
};
use crate::http::Body;

/// Fields that are missing or of the wrong type, at most, in one answer. Each costs further readings of the body,
/// one for each of the placeholders.
const MISFITS_MAX: usize = 10;

/// Placeholders, one of each type, for a field that cannot be read, so that the fields after it can be.
const STAND_INS: [&str; 7] = [
    r#""""#,
    "null",
    "{}",
    "[]",
    "0",
    "false",
    r#""00000000-0000-0000-0000-000000000000""#,
];

/// Decodes a parsed value. Reports all mistakes, not only the first: first all unknown fields by name, then fields that
/// are missing or of the wrong type, then invalid values.
pub(in crate::http) fn decode<T: Body>(raw: &Value) -> Result<T, Rejection> {
    let mut reading = attempt::<T>(raw);
    if reading.unknown.is_empty()
        && let Ok(value) = reading.outcome
    {
        return Ok(value);
    }
    let mut mended = raw.clone();
    let mut misfits: Vec<FieldError> = Vec::new();
    for _ in 0..MISFITS_MAX {
        let Err(misfit) = &reading.outcome else { break };
        let misfit = misfit.clone();
        let behind = read_on::<T>(&mut mended, &misfit.field);
        // What is missing in a part that is itself missing goes without saying.
        if !is_told(&misfits, &misfit) {
            misfits.push(misfit);
        }
        match behind {
            Some(behind) => reading = behind,
            None => break,
        }
    }
    let Attempt {
        outcome,
        unknown: mut errors,
    } = reading;
    misfits.retain(|misfit| errors.iter().all(|known| known.field != misfit.field));
    errors.append(&mut misfits);
    let values = outcome.map(|value| value.check());
    if let Ok(Err(Rejection::Validation { errors: values })) = values {
        // A placeholder is not the client's mistake.
        let own = values.into_iter().filter(|wrong| !is_told(&errors, wrong));
        let mut own: Vec<FieldError> = own.collect();
        errors.append(&mut own);
    }
    Err(Rejection::Validation { errors })
}

fn is_told(errors: &[FieldError], error: &FieldError) -> bool {
    errors
        .iter()
        .any(|told| is_within(&error.field, &told.field))
}

/// One reading of a value.
struct Attempt<T> {
    outcome: Result<T, FieldError>,
    /// The unknown fields up to where the reading ended.
    unknown: Vec<FieldError>,
}

/// Reads again with a placeholder for `field`; `None` if none fits there.
fn read_on<T: DeserializeOwned>(raw: &mut Value, field: &str) -> Option<Attempt<T>> {
    for stand_in in STAND_INS {
        *place(raw, field)? = serde_json::from_str(stand_in).ok()?;
        let again = attempt::<T>(raw);
        if !matches!(&again.outcome, Err(error) if error.field == field) {
            return Some(again);
        }
    }
    None
}

/// Where a dotted path leads, made where its last part is missing.
fn place<'a>(raw: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('.').try_fold(raw, |value, name| match value {
        Value::Object(fields) => Some(fields.entry(name).or_insert(Value::Null)),
        Value::Array(items) => items.get_mut(name.parse::<usize>().ok()?),
        _ => None,
    })
}

fn is_within(field: &str, outer: &str) -> bool {
    field
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn attempt<T: DeserializeOwned>(raw: &Value) -> Attempt<T> {
    let mut unknown = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(Plain(raw), &mut track);
    let decoded = serde_ignored::deserialize(tracked, |path| {
        if unknown.len() > FIELD_ERRORS_MAX {
            return;
        }
        let field = ignored_path(&path);
        let message = format!("{field} is not known");
        unknown.push(FieldError::new(field, "unknown", message));
    });
    Attempt {
        outcome: decoded.map_err(|error| describe(&dotted(&track.path()), &error.to_string())),
        unknown,
    }
}
