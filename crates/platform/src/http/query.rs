//! Query parameters, read strictly: an unknown, repeated or empty one is 400, and so is a query that is too long.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use domain::rejection::{FieldError, Rejection};
use serde::de::DeserializeOwned;

use super::body::decode_text;
use crate::error::{Error, Result};

/// A query string, in bytes. The longest that a client needs is a cursor with all filters of a list.
pub const QUERY_BYTES_MAX: usize = 4_096;
/// Parameters of a query string. No list takes half as many.
pub const QUERY_PARAMETERS_MAX: usize = 32;

/// The query parameters of a request. Fields of `T` that may be absent are `Option`s or have a default.
#[derive(Clone, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> Query<T> {
    /// Reads a query string, without the question mark.
    pub fn parse(text: &str) -> Result<T> {
        within_bounds(text)?;
        let pairs = pairs(text).map_err(refuse)?;
        decode_text(pairs).map_err(refuse)
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Self::parse(request.query_string()).map(Self))
    }
}

/// Refuses a query string that is longer, or has more parameters, than any route takes. The gateway asks this too,
/// before it passes a request on.
///
/// # Errors
/// 400 on `query`.
pub fn within_bounds(text: &str) -> Result<(), Rejection> {
    if text.len() > QUERY_BYTES_MAX {
        let message = format!("the query string is longer than {QUERY_BYTES_MAX} bytes");
        return Err(Rejection::field("query", "max_length", message));
    }
    if parts(text).nth(QUERY_PARAMETERS_MAX).is_some() {
        let message = format!("the query string has more than {QUERY_PARAMETERS_MAX} parameters");
        return Err(Rejection::field("query", "max_items", message));
    }
    Ok(())
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split('&').filter(|part| !part.is_empty())
}

fn refuse(errors: Vec<FieldError>) -> Error {
    Rejection::Validation { errors }.into()
}

fn pairs(text: &str) -> std::result::Result<Vec<(String, String)>, Vec<FieldError>> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut errors = Vec::new();
    for part in parts(text) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
            errors.push(FieldError::new(
                "query",
                "format",
                "the query string is not well encoded",
            ));
            continue;
        };
        if value.is_empty() {
            let message = format!("{name} must not be empty");
            errors.push(FieldError::new(name, "empty", message));
        } else if pairs.iter().any(|(known, _)| *known == name) {
            let message = format!("{name} is given twice");
            errors.push(FieldError::new(name, "duplicate", message));
        } else {
            pairs.push((name, value));
        }
    }
    if errors.is_empty() {
        Ok(pairs)
    } else {
        Err(errors)
    }
}

/// Undoes percent encoding and `+`. `None` where that gives no text without NUL.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                let mut decoded = [0];
                hex::decode_to_slice(digits, &mut decoded).ok()?;
                decoded[0]
            }
            other => other,
        });
    }
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use time::Date;

    use super::*;

    #[derive(Debug, Default, Deserialize, PartialEq)]
    #[serde(rename_all = "camelCase")]
    struct Filter {
        status: Option<Status>,
        q: Option<String>,
        #[serde(default)]
        overdue: bool,
        limit: Option<u32>,
        closing_from: Option<Date>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    enum Status {
        OnHold,
    }

    fn refused(text: &str) -> (String, String) {
        match Query::<Filter>::parse(text) {
            Err(Error::Rejected(Rejection::Validation { mut errors })) => {
                let error = errors.remove(0);
                (error.field, error.constraint)
            }
            other => panic!("expected a refusal, got {other:?}"),
        }
    }

    #[test]
    fn parameters_are_read_by_type() {
        let filter = Query::<Filter>::parse(
            "status=ON_HOLD&q=1+Elm%20St&overdue=true&limit=5&closingFrom=2026-03-02",
        );
        let expected = Filter {
            status: Some(Status::OnHold),
            q: Some("1 Elm St".to_owned()),
            overdue: true,
            limit: Some(5),
            closing_from: Some(time::macros::date!(2026 - 03 - 02)),
        };
        assert_eq!(filter.unwrap(), expected);
        assert_eq!(Query::<Filter>::parse("").unwrap(), Filter::default());
    }

    #[test]
    fn reading_the_longest_query_costs_a_small_multiple_of_its_length() {
        let longest = [
            vec!["abcdefgh=%41%41%41"; QUERY_PARAMETERS_MAX].join("&"),
            format!("q={}", "%41".repeat(QUERY_BYTES_MAX / 3 - 1)),
            (0..QUERY_PARAMETERS_MAX)
                .map(|n| format!("n{n:0100}=1&"))
                .collect(),
        ];
        for text in longest {
            let mut outcome = None;
            let cost =
                allocation_counter::measure(|| outcome = Some(Query::<Filter>::parse(&text)));
            assert!(cost.bytes_max < 64 * 1024, "{cost:?}: {text}");
            assert!(cost.count_total < 2_000, "{cost:?}: {text}");
        }
    }

    #[test]
    fn unknown_repeated_empty_and_malformed_parameters_are_refused() {
        let cases = [
            ("colour=red", "colour", "unknown"),
            ("limit=1&limit=1", "limit", "duplicate"),
            ("limit=", "limit", "empty"),
            ("q", "q", "empty"),
            ("limit=many", "limit", "format"),
            ("overdue=yes", "overdue", "format"),
            ("status=GONE", "status", "one_of"),
            ("closingFrom=2026-02-30", "closingFrom", "format"),
            ("q=%ff", "query", "format"),
            ("q=%00", "query", "format"),
            ("q=%2", "query", "format"),
            (
                &format!("q={}", "x".repeat(QUERY_BYTES_MAX)),
                "query",
                "max_length",
            ),
            (&"a&".repeat(QUERY_PARAMETERS_MAX + 1), "query", "max_items"),
        ];
        for (text, field, constraint) in cases {
            assert_eq!(
                refused(text),
                (field.to_owned(), constraint.to_owned()),
                "{text}"
            );
        }
    }
}
