//! Which headers pass the gateway, in either direction.

use actix_web::http::header::{self, HeaderMap, HeaderName};

/// Meant for one connection only (RFC 9110, section 7.6.1), besides those that `Connection` names.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Of a request: what the gateway writes itself, or what says who somebody is or where a request came from.
/// Only the gateway may say that.
const NOT_FROM_CLIENTS: [&str; 13] = [
    "content-length",
    "expect",
    "forwarded",
    "host",
    "true-client-ip",
    "traceparent",
    "via",
    "x-client-ip",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-rewrite-url",
];

/// Prefixes of such headers.
const PREFIXES_NOT_FROM_CLIENTS: [&str; 12] = [
    "cf-",
    "x-auth",
    "x-forwarded",
    "x-haushavn-",
    "x-internal-",
    "x-org",
    "x-permission",
    "x-real-",
    "x-request-id",
    "x-role",
    "x-service-",
    "x-session",
];

/// Besides them all of `X-User…`; `User-Agent` is harmless.
const USER_PREFIX: &str = "x-user";

/// Headers of an answer that are not passed on: the gateway writes them itself, or they reveal its inside.
const NOT_FROM_SERVICES: [&str; 4] = ["content-length", "server", "via", "x-request-id"];

/// Copies a request's headers for a service. `Content-Length` follows from the body that is sent.
pub fn copy_request(from: &HeaderMap, to: &mut HeaderMap) {
    copy(from, to, |name| {
        !NOT_FROM_CLIENTS.contains(&name)
            && !name.starts_with(USER_PREFIX)
            && !PREFIXES_NOT_FROM_CLIENTS
                .iter()
                .any(|prefix| name.starts_with(prefix))
    });
}

/// Copies an answer's headers for a client. `Content-Length` follows from the body that is sent.
pub fn copy_answer(from: &HeaderMap, to: &mut HeaderMap) {
    copy(from, to, |name| !NOT_FROM_SERVICES.contains(&name));
}

fn copy(from: &HeaderMap, to: &mut HeaderMap, passes: impl Fn(&str) -> bool) {
    for (name, value) in from {
        let text = name.as_str();
        if passes(text) && !HOP_BY_HOP.contains(&text) && !is_named_by_connection(from, name) {
            to.append(name.clone(), value.clone());
        }
    }
}

fn is_named_by_connection(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers
        .get_all(header::CONNECTION)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|named| named.trim().eq_ignore_ascii_case(name.as_str()))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn passed(copy: impl Fn(&HeaderMap, &mut HeaderMap), sent: &[(&str, &str)]) -> Vec<String> {
        let mut from = HeaderMap::new();
        for (name, value) in sent {
            from.append(
                HeaderName::from_bytes(name.as_bytes()).unwrap(),
                HeaderValue::from_str(value).unwrap(),
            );
        }
        let mut to = HeaderMap::new();
        copy(&from, &mut to);
        let mut names: Vec<String> = to.keys().map(ToString::to_string).collect();
        names.sort();
        names
    }

    #[test]
    fn a_request_cannot_say_who_sends_it_or_where_it_comes_from() {
        let sent = [
            ("Accept", "*/*"),
            ("Authorization", "Bearer abc"),
            ("Content-Type", "application/json"),
            ("Idempotency-Key", "k"),
            ("If-Match", "\"1\""),
            ("User-Agent", "tests"),
            ("Forwarded", "for=1.2.3.4"),
            ("X-Forwarded-For", "1.2.3.4"),
            ("X-Forwarded-Host", "evil"),
            ("X-Real-IP", "1.2.3.4"),
            ("X-User-Id", "1"),
            ("X-UserId", "1"),
            ("X-User", "1"),
            ("X-Org-Id", "1"),
            ("X-Organization-Id", "1"),
            ("X-Role", "ADMIN"),
            ("X-Permissions", "*"),
            ("X-Session-Id", "1"),
            ("X-Internal-Caller", "deal-service"),
            ("X-Request-Id", "12345678"),
            ("X-HTTP-Method-Override", "DELETE"),
            ("Host", "evil"),
            ("Content-Length", "3"),
            ("traceparent", "made anew"),
        ];
        assert_eq!(
            passed(copy_request, &sent),
            [
                "accept",
                "authorization",
                "content-type",
                "idempotency-key",
                "if-match",
                "user-agent"
            ]
        );
    }

    #[test]
    fn headers_of_one_connection_do_not_pass_in_either_direction() {
        let sent = [
            ("Connection", "close, X-Secret-Hop"),
            ("X-Secret-Hop", "1"),
            ("Keep-Alive", "timeout=5"),
            ("TE", "trailers"),
            ("Trailer", "x"),
            ("Transfer-Encoding", "chunked"),
            ("Upgrade", "websocket"),
            ("Proxy-Authorization", "Basic abc"),
            ("ETag", "\"1\""),
        ];
        assert_eq!(passed(copy_request, &sent), ["etag"]);
        assert_eq!(passed(copy_answer, &sent), ["etag"]);
    }

    #[test]
    fn an_answer_keeps_its_headers_but_those_the_gateway_writes() {
        let sent = [
            ("Content-Type", "application/json"),
            ("ETag", "\"1\""),
            ("Location", "/api/deals/1"),
            ("Retry-After", "2"),
            ("Server", "secret/1.0"),
            ("X-Request-Id", "abc"),
        ];
        assert_eq!(
            passed(copy_answer, &sent),
            ["content-type", "etag", "location", "retry-after"]
        );
    }
}
