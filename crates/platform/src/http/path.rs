//! Ids in paths. Only lower-case hyphenated UUIDs are ids; anything else is 404, as an unknown id is.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use domain::rejection::Rejection;
use tracing::Span;
use uuid::Uuid;

use crate::error::{Error, Result};

/// The path's `{id}`.
#[derive(Clone, Copy, Debug)]
pub struct PathId(pub Uuid);

/// The path's `{id}` and the id behind it, whatever its name: `/deals/{id}/parties/{partyId}`.
#[derive(Clone, Copy, Debug)]
pub struct PathIds(pub Uuid, pub Uuid);

impl FromRequest for PathId {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(ids(request).and_then(|ids| Ok(Self(*ids.first().ok_or(Rejection::NotFound)?))))
    }
}

impl FromRequest for PathIds {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(ids(request).and_then(|ids| match ids[..] {
            [outer, inner] => Ok(Self(outer, inner)),
            _ => Err(Rejection::NotFound.into()),
        }))
    }
}

/// Reads an id as it must be written in paths.
pub fn parse_id(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (id.hyphenated().to_string() == text).then_some(id)
}

/// All path parameters that are ids by their names; a key date's `{key}` is not.
fn ids(request: &HttpRequest) -> Result<Vec<Uuid>> {
    let ids: Vec<Uuid> = request
        .match_info()
        .iter()
        .filter(|(name, _)| *name == "id" || name.ends_with("Id") || name.ends_with("_id"))
        .map(|(_, text)| parse_id(text).ok_or(Rejection::NotFound))
        .collect::<Result<_, _>>()?;
    if let (Some(field), Some(id)) = (log_field(request), ids.first()) {
        Span::current().record(field, tracing::field::display(id));
    }
    Ok(ids)
}

/// What the first id of a path is called in logs and traces, where it is a deal's or a task's.
fn log_field(request: &HttpRequest) -> Option<&'static str> {
    let pattern = request.match_pattern()?;
    [("/deals/{id}", "dealId"), ("/tasks/{id}", "taskId")]
        .into_iter()
        .find_map(|(path, field)| pattern.contains(path).then_some(field))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_usual_form_is_an_id() {
        let good = "0190a5c0-7b7e-7cc0-8000-00000000abcd";
        assert!(parse_id(good).is_some());
        let odd = [
            good.to_uppercase(),
            good.replace('-', ""),
            format!("{{{good}}}"),
            format!("urn:uuid:{good}"),
            "7".to_owned(),
        ];
        for text in odd {
            assert_eq!(parse_id(&text), None, "{text}");
        }
    }
}
