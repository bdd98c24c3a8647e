//! JSON bodies, read strictly: what is not understood is refused, never ignored.
//!
//! Refused are duplicate keys at any depth, unknown fields, trailing text, a byte order mark, NUL and lone
//! surrogates in strings. The parsed value stays at hand, for the fingerprint of idempotency keys.

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap},
    web::BytesMut,
};
use domain::rejection::{FIELD_ERRORS_MAX, FieldError, Rejection};
use futures::{FutureExt as _, StreamExt as _, future::LocalBoxFuture};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    middleware::BODY_BYTES_MAX,
    strict_json::{self, describe, dotted},
};
use crate::error::{Error, Refusal, Result};

/// A body that checks its own values, so that one rejection reports them together with mistakes of the shape.
pub trait Body: DeserializeOwned {
    /// Refuses what the handler would refuse before it looks anything up; without rules of its own a body keeps this
    /// default. Called when the shape is wrong: a field that could not be read then has a placeholder.
    fn check(&self) -> Result<(), Rejection> {
        Ok(())
    }
}

/// A JSON body of a known shape. Put it behind [`super::Authorized`] in a handler's arguments, so that a caller who is
/// not signed in gets that error first.
#[derive(Clone, Debug)]
pub struct Json<T> {
    /// The body.
    pub value: T,
    /// The body as it was parsed, for [`crate::db::Db::once`].
    pub raw: Value,
}

/// As [`Json`], for routes that may be called without a body: then it is the default.
#[derive(Clone, Debug)]
pub struct JsonOrEmpty<T> {
    /// The body, or the default without one.
    pub value: T,
    /// The body as it was parsed. Without one it is `{}`: an idempotency key means the same request by both.
    pub raw: Value,
}

impl<T: Body + 'static> FromRequest for Json<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let typed = has_type(request.headers(), "application/json");
        let payload = payload.take();
        async move {
            if !typed {
                return Err(Refusal::UnsupportedMediaType.into());
            }
            let raw = strict_json::parse(&read(payload).await?)?;
            Ok(Self {
                value: strict_json::decode(&raw)?,
                raw,
            })
        }
        .boxed_local()
    }
}

impl<T: Body + Default + 'static> FromRequest for JsonOrEmpty<T> {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let typed = has_type(request.headers(), "application/json");
        let payload = payload.take();
        async move {
            let bytes = read(payload).await?;
            if bytes.is_empty() {
                return Ok(Self {
                    value: T::default(),
                    raw: Value::Object(Map::new()),
                });
            }
            if !typed {
                return Err(Refusal::UnsupportedMediaType.into());
            }
            let raw = strict_json::parse(&bytes)?;
            Ok(Self {
                value: strict_json::decode(&raw)?,
                raw,
            })
        }
        .boxed_local()
    }
}

/// Reads a body to its end, up to 1 MiB.
pub(super) async fn read(mut payload: Payload) -> Result<BytesMut> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk
            .map_err(|_| Rejection::field("body", "format", "the body did not arrive whole"))?;
        if body.len() + chunk.len() > BODY_BYTES_MAX {
            return Err(Refusal::PayloadTooLarge.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Whether the body is declared to be of this type. Parameters such as the charset do not matter.
pub(super) fn has_type(headers: &HeaderMap, expected: &str) -> bool {
    let declared = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    declared.is_some_and(|declared| {
        declared
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .eq_ignore_ascii_case(expected)
    })
}

/// Parses JSON text as strictly as [`Json`] does, without a shape.
pub fn parse(text: &[u8]) -> Result<Value> {
    Ok(strict_json::parse(text)?)
}

/// Decodes a value of a known shape, for bodies that arrive by another way. Refuses as [`Json`] does.
pub fn decode<T: Body>(raw: &Value) -> Result<T> {
    Ok(strict_json::decode(raw)?)
}

/// Decodes query parameters or form fields, given as an object of strings.
pub(super) fn decode_text<T: DeserializeOwned>(
    pairs: Vec<(String, String)>,
) -> std::result::Result<T, Vec<FieldError>> {
    let mut unknown = Vec::new();
    let deserializer = serde::de::value::MapDeserializer::<_, strict_json::TextError>::new(
        pairs
            .into_iter()
            .map(|(name, value)| (name, strict_json::Text(value))),
    );
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(deserializer, &mut track);
    let decoded = serde_ignored::deserialize(tracked, |path| {
        if unknown.len() <= FIELD_ERRORS_MAX {
            let message = format!("{path} is not known");
            unknown.push(FieldError::new(path.to_string(), "unknown", message));
        }
    });
    match decoded {
        Ok(value) if unknown.is_empty() => Ok(value),
        Ok(_) => Err(unknown),
        Err(error) => {
            unknown.push(describe(&dotted(&track.path()), &error.to_string()));
            Err(unknown)
        }
    }
}
