//! What is known of every request before its handler: its id, where it comes from, its trace.

use std::net::IpAddr;

use actix_web::{HttpMessage, HttpRequest, dev::ServiceRequest, http::header::HeaderMap};
use domain::rejection::Rejection;
use uuid::Uuid;

use crate::config::Secret;

/// The header that carries the request's id in and out.
pub const REQUEST_ID: &str = "x-request-id";

/// Shortest and longest request id that is taken over.
const REQUEST_ID_LENGTH: std::ops::RangeInclusive<usize> = 8..=128;

/// What the middleware knows of a request.
#[derive(Clone, Debug)]
pub struct RequestContext {
    /// The client's `X-Request-Id` if well-formed, else one of our own.
    pub request_id: String,
    /// The client's address: what the last proxy says in `X-Forwarded-For`, else the connection's.
    pub ip: Option<IpAddr>,
    /// W3C trace context of the request's span.
    pub traceparent: Option<String>,
}

impl RequestContext {
    /// The context of a request that came through the middleware.
    pub fn of(request: &HttpRequest) -> Self {
        request
            .extensions()
            .get::<Self>()
            .cloned()
            .unwrap_or_else(|| Self {
                request_id: Uuid::now_v7().to_string(),
                ip: request.peer_addr().map(|address| address.ip()),
                traceparent: None,
            })
    }

    pub(super) fn from_head(request: &ServiceRequest) -> Self {
        Self {
            request_id: request_id(request.headers()),
            ip: forwarded_for(request.headers())
                .or_else(|| request.peer_addr().map(|address| address.ip())),
            traceparent: None,
        }
    }
}

/// Refuses a request with more than one `Authorization`: a proxy might use another of them than we do.
///
/// # Errors
/// 400 on `Authorization`.
pub fn one_authorization(headers: &HeaderMap) -> Result<(), Rejection> {
    if headers.get_all("authorization").nth(1).is_some() {
        let message = "Authorization is given twice";
        return Err(Rejection::field("Authorization", "duplicate", message));
    }
    Ok(())
}

/// The token of an `Authorization: Bearer …` header.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get("authorization")?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

pub(super) fn bearer_secret(headers: &HeaderMap) -> Option<Secret> {
    bearer(headers).map(Secret::new)
}

/// The request id of a request with these headers: the client's if well-formed, else a new one.
pub fn request_id(headers: &HeaderMap) -> String {
    let sane = |text: &&str| {
        REQUEST_ID_LENGTH.contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(sane)
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}

fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let value = headers.get_all("x-forwarded-for").last()?.to_str().ok()?;
    value.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn id_of(sent: &str) -> String {
        let request = TestRequest::default()
            .insert_header((REQUEST_ID, sent))
            .to_srv_request();
        RequestContext::from_head(&request).request_id
    }

    #[test]
    fn a_sane_request_id_is_taken_over_and_any_other_replaced() {
        assert_eq!(id_of("abc.DEF_1-2"), "abc.DEF_1-2");
        for odd in [
            "short",
            "has space in it",
            "semi;colon;here",
            &"x".repeat(129),
        ] {
            assert!(Uuid::try_parse(&id_of(odd)).is_ok(), "{odd}");
        }
    }

    #[test]
    fn the_address_is_the_one_the_last_proxy_saw() {
        let request = TestRequest::default()
            .insert_header(("x-forwarded-for", "203.0.113.9, 198.51.100.7"))
            .to_srv_request();
        let ip = RequestContext::from_head(&request).ip;
        assert_eq!(ip, "198.51.100.7".parse().ok());
    }

    #[test]
    fn only_bearer_tokens_are_read() {
        let headers = |value: &'static str| {
            TestRequest::default()
                .insert_header(("authorization", value))
                .to_http_request()
        };
        assert_eq!(bearer(headers("bearer abc").headers()), Some("abc"));
        assert_eq!(bearer(headers("Basic abc").headers()), None);
        assert_eq!(bearer(headers("Bearer ").headers()), None);
    }
}
