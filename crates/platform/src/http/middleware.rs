//! What happens to every request around its handler, from the outside in: request id, span, metrics and
//! the error body; limits; who is asking.
//!
//! Identity is found here and not in an extractor, because extractors of one handler run side by side: a
//! body would be read, and complained about, before the token is looked at.

use std::{
    fmt,
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use actix_web::{
    HttpMessage, HttpResponse, ResponseError,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{StatusCode, header},
    middleware::Next,
    web,
};
use domain::rejection::Rejection;
use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span, field::Empty};

use super::{
    caller::Caller,
    context::{REQUEST_ID, RequestContext, bearer_secret, one_authorization},
    routes::Methods,
    underway::Underway,
};
use crate::{
    auth::token::{TokenRefused, TokenVerifier},
    error::{Error, Refusal},
    telemetry::{self, metrics, traces},
};

/// A request takes no longer, unless its answer is a stream that has begun.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// A body is no larger.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Outermost: gives the request its id, span and metrics, and every error its body.
pub(super) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = Instant::now();
    let mut context = RequestContext::from_head(&request);
    let route = request
        .match_pattern()
        .unwrap_or_else(|| "unmatched".to_owned());
    let method = metrics::method_label(request.method());
    let path = request.path().to_owned();
    let draining = request
        .app_data::<web::Data<CancellationToken>>()
        .is_some_and(|token| token.is_cancelled());

    let underway = request
        .app_data::<web::Data<Underway>>()
        .map(|requests| requests.begin());

    let span = request_span(method, &route, &context);
    telemetry::continue_trace(&span, traces::traceparent_header(request.headers()));
    context.traceparent = telemetry::traceparent_of(&span);
    let request_id = context.request_id.clone();
    request.extensions_mut().insert(context);

    async move {
        let outcome = next.call(request).await;
        let mut answer = answered(outcome, &request_id, &path);
        let status = match &answer {
            Ok(response) => response.status(),
            Err(failure) => failure.error.status_code(),
        };
        record(method, &route, status, started);
        if let Ok(response) = &mut answer {
            finish_headers(response.response_mut(), &request_id, draining);
        }
        let answer = match (answer, underway) {
            (Ok(response), Some(request)) => {
                Ok(response.map_body(|_, body| request.until_sent(body)))
            }
            (answer, _) => answer,
        };
        answer.map_err(Into::into)
    }
    .instrument(span)
    .await
}

/// Middle: refuses what is too large, encoded or too slow, and turns a panic into a 500.
pub(super) async fn limit<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    check_head(&request)?;
    let call = AssertUnwindSafe(next.call(request)).catch_unwind();
    match tokio::time::timeout(REQUEST_TIMEOUT, call).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(Error::Unexpected(anyhow::anyhow!("a handler panicked")).into()),
        Err(_) => Err(Error::TimedOut.into()),
    }
}

/// Innermost: finds out who is asking. Nobody is refused here; routes that need a caller do that.
pub(super) async fn identify<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, actix_web::Error> {
    let verifier = request.app_data::<web::Data<TokenVerifier>>().cloned();
    if let (Some(token), Some(verifier)) = (bearer_secret(request.headers()), verifier) {
        match verifier.verify(token.expose()).await {
            Ok(claims) => {
                let context = RequestContext::of(request.request());
                Span::current().record("userId", claims.user_id.to_string());
                request.extensions_mut().insert(Caller {
                    user_id: claims.user_id,
                    session_id: claims.sid,
                    request_id: context.request_id,
                    ip: context.ip,
                    traceparent: context.traceparent,
                    token,
                });
            }
            Err(TokenRefused::Invalid) => {}
            Err(TokenRefused::KeysUnavailable) => {
                request.extensions_mut().insert(IdentityUnavailable);
            }
        }
    }
    next.call(request).await
}

/// Marks a request whose token could not be checked, since the keys could not be had.
pub(super) struct IdentityUnavailable;

/// Answers for paths and methods that no route takes.
pub(super) async fn nothing_here(request: actix_web::HttpRequest) -> Result<HttpResponse, Error> {
    let methods = request.app_data::<web::Data<Methods>>();
    let pattern = request.match_pattern();
    let allowed = methods
        .zip(pattern)
        .and_then(|(methods, pattern)| methods.allowed(&pattern));
    let Some(allowed) = allowed else {
        return Err(Rejection::NotFound.into());
    };
    let RequestContext { request_id, .. } = RequestContext::of(&request);
    let refusal = Error::from(Refusal::MethodNotAllowed);
    let mut response = refusal.to_response(&request_id, request.path());
    response
        .headers_mut()
        .insert(header::ALLOW, allowed.clone());
    Ok(response)
}

fn request_span(method: &str, route: &str, context: &RequestContext) -> Span {
    tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        db.statements = Empty,
        requestId = context.request_id,
        traceId = Empty,
        userId = Empty,
        organizationId = Empty,
        dealId = Empty,
        taskId = Empty,
    )
}

fn check_head(request: &ServiceRequest) -> Result<(), Error> {
    let headers = request.headers();
    one_authorization(headers)?;
    let encoded = headers
        .get_all(header::CONTENT_ENCODING)
        .any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if encoded {
        return Err(Refusal::UnsupportedMediaType.into());
    }
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    match length {
        Some(length) if length > BODY_BYTES_MAX => Err(Refusal::PayloadTooLarge.into()),
        _ => Ok(()),
    }
}

/// An error on its way out, with what its body needs beside it.
#[derive(Debug)]
struct Failure {
    error: Error,
    request_id: String,
    path: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(formatter)
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.error.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = self.error.to_response(&self.request_id, &self.path);
        finish_headers(&mut response, &self.request_id, true);
        response
    }
}

/// Gives an error its body. What a handler or a proxied service answered by itself stays as it is.
fn answered(
    outcome: Result<ServiceResponse<impl MessageBody + 'static>, actix_web::Error>,
    request_id: &str,
    path: &str,
) -> Result<ServiceResponse<BoxBody>, Failure> {
    match outcome {
        Ok(response) => {
            let Some(error) = response.response().error() else {
                return Ok(response.map_into_boxed_body());
            };
            let rendered = match error.as_error::<Error>() {
                Some(own) => {
                    own.log();
                    own.to_response(request_id, path)
                }
                None => {
                    let own = foreign(error);
                    own.log();
                    own.to_response(request_id, path)
                }
            };
            Ok(response.into_response(rendered))
        }
        Err(error) => {
            let error = take_own(error);
            error.log();
            Err(Failure {
                error,
                request_id: request_id.to_owned(),
                path: path.to_owned(),
            })
        }
    }
}

/// Our own error out of actix's wrapping, which does not give it away.
fn take_own(error: actix_web::Error) -> Error {
    match error.as_error::<Error>() {
        Some(Error::Rejected(rejection)) => Error::Rejected(rejection.clone()),
        Some(Error::Refused(refusal)) => Error::Refused(*refusal),
        Some(Error::TimedOut) => Error::TimedOut,
        Some(Error::Unavailable {
            retry_after_s,
            reason,
        }) => Error::Unavailable {
            retry_after_s: *retry_after_s,
            reason: reason.clone(),
        },
        Some(Error::Busy { reason }) => Error::Busy {
            reason: reason.clone(),
        },
        Some(Error::Unprepared(preparation)) => Error::Unprepared(preparation.clone()),
        Some(Error::StatementTimeout { reason }) => Error::StatementTimeout {
            reason: reason.clone(),
        },
        Some(Error::Unexpected(error)) => Error::Unexpected(anyhow::anyhow!("{error:#}")),
        None => foreign(&error),
    }
}

/// An error that actix itself found, such as a malformed path, as one of ours.
fn foreign(error: &actix_web::Error) -> Error {
    match error.as_response_error().status_code() {
        StatusCode::NOT_FOUND => Rejection::NotFound.into(),
        StatusCode::METHOD_NOT_ALLOWED => Refusal::MethodNotAllowed.into(),
        StatusCode::PAYLOAD_TOO_LARGE => Refusal::PayloadTooLarge.into(),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Refusal::UnsupportedMediaType.into(),
        StatusCode::REQUEST_TIMEOUT => Error::TimedOut,
        status if status.is_client_error() => {
            Rejection::field("body", "format", "the request cannot be read").into()
        }
        _ => Error::Unexpected(anyhow::anyhow!("{error}")),
    }
}

fn finish_headers<B>(response: &mut HttpResponse<B>, request_id: &str, close: bool) {
    let headers = response.headers_mut();
    if let Ok(value) = header::HeaderValue::from_str(request_id) {
        headers.insert(header::HeaderName::from_static(REQUEST_ID), value);
    }
    if close {
        response
            .head_mut()
            .set_connection_type(actix_web::http::ConnectionType::Close);
    }
}

fn record(method: &'static str, route: &str, status: StatusCode, started: Instant) {
    let elapsed = started.elapsed();
    metrics::answered(method, route, status, elapsed);
    let span = Span::current();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    // Milliseconds, to the microsecond.
    let duration = elapsed.as_micros() as f64 / 1_000.0;
    // The gateway logs every request, under the same request id.
    let is_routine = !status.is_client_error() && !status.is_server_error();
    let status = status.as_u16();
    if is_routine || matches!(route, "/healthz" | "/readyz" | "/metrics") {
        tracing::debug!(
            method,
            route,
            status,
            duration,
            "answered {method} {route} with {status}"
        );
    } else {
        tracing::info!(
            method,
            route,
            status,
            duration,
            "answered {method} {route} with {status}"
        );
    }
}

#[cfg(test)]
mod tests {
    use actix_web::{App, http::Method, middleware::from_fn, test};
    use jsonwebtoken::{DecodingKey, EncodingKey, Header, encode};
    use serde_json::{Value, json};
    use time::OffsetDateTime;
    use uuid::Uuid;

    use super::*;
    use crate::{
        auth::{
            AccessClaims,
            jwks::Jwks,
            service_token::tests::{private_pem, public_pem},
            token::{ACCESS_TOKEN_TYPE, ALGORITHM},
        },
        http::{Access as _, Authorized, Body, Json, PathId, Routes, permission},
    };

    async fn whoami(authorized: Authorized<permission::SignedIn>) -> HttpResponse {
        HttpResponse::Ok().json(json!({ "userId": authorized.caller().user_id }))
    }

    impl Body for Vec<u32> {}

    async fn echo(body: Json<Vec<u32>>) -> HttpResponse {
        HttpResponse::Ok().json(body.value)
    }

    async fn item(id: PathId) -> HttpResponse {
        HttpResponse::Ok().json(id.0)
    }

    async fn panics() -> HttpResponse {
        panic!("boom")
    }

    async fn fails() -> Result<HttpResponse, Error> {
        Err(anyhow::anyhow!("relation task.tasks does not exist").into())
    }

    async fn never() -> HttpResponse {
        std::future::pending().await
    }

    fn routes() -> Routes {
        Routes::default()
            .get("/api/never", never)
            .get("/api/whoami", whoami)
            .get("/api/items/{id}", item)
            .post("/api/echo", echo)
            .get("/api/panics", panics)
            .get("/api/fails", fails)
    }

    fn verifier() -> TokenVerifier {
        let key = DecodingKey::from_ed_pem(public_pem().as_bytes()).unwrap();
        TokenVerifier::with_keys(
            Jwks::fixed([("k1".to_owned(), key)]),
            "haushavn",
            "haushavn-api",
        )
    }

    fn token(user_id: Uuid) -> String {
        let now = OffsetDateTime::now_utc().unix_timestamp();
        let claims = AccessClaims {
            user_id,
            org_id: Uuid::nil(),
            role: "BUYER".to_owned(),
            sid: Uuid::nil(),
            iss: "haushavn".to_owned(),
            aud: "haushavn-api".to_owned(),
            exp: now + 60,
            iat: now,
        };
        let mut header = Header::new(ALGORITHM);
        header.typ = Some(ACCESS_TOKEN_TYPE.to_owned());
        header.kid = Some("k1".to_owned());
        let key = EncodingKey::from_ed_pem(private_pem().as_bytes()).unwrap();
        encode(&header, &claims, &key).unwrap()
    }

    /// Sends one request through the whole stack, and answers status, body and the request id's header.
    async fn answer(request: test::TestRequest) -> (u16, Value, String) {
        let app = test::init_service(
            App::new()
                .app_data(web::Data::new(verifier()))
                .configure(|config| routes().register(config, || web::to(nothing_here)))
                .default_service(web::to(nothing_here))
                .wrap(from_fn(identify))
                .wrap(from_fn(limit))
                .wrap(from_fn(observe)),
        )
        .await;
        let response = match test::try_call_service(&app, request.to_request()).await {
            Ok(response) => response.into_parts().1,
            Err(error) => error.error_response(),
        };
        let header = response
            .headers()
            .get(REQUEST_ID)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let status = response.status().as_u16();
        let body = actix_web::body::to_bytes(response.into_body())
            .await
            .ok()
            .unwrap();
        (
            status,
            serde_json::from_slice(&body).unwrap_or_default(),
            header,
        )
    }

    fn get(path: &str) -> test::TestRequest {
        test::TestRequest::get().uri(path)
    }

    #[actix_web::test]
    async fn every_error_has_the_agreed_body_and_the_request_id() {
        let big = vec![b' '; BODY_BYTES_MAX + 1];
        let json_type = || (header::CONTENT_TYPE, "application/json");
        let post = || test::TestRequest::post().uri("/api/echo");
        let odd_id = "/api/items/0190A5C0-7B7E-7CC0-8000-00000000ABCD";
        let cases = [
            (get("/api/nothing"), 404, "NOT_FOUND"),
            (get("/api/whoami/"), 404, "NOT_FOUND"),
            (get("/api//whoami"), 404, "NOT_FOUND"),
            (get(odd_id), 404, "NOT_FOUND"),
            (get("/api/echo"), 405, "METHOD_NOT_ALLOWED"),
            (
                get("/api/whoami").method(Method::DELETE),
                405,
                "METHOD_NOT_ALLOWED",
            ),
            (get("/api/whoami"), 401, "UNAUTHENTICATED"),
            (
                get("/api/whoami").insert_header((header::AUTHORIZATION, "Bearer x.y.z")),
                401,
                "UNAUTHENTICATED",
            ),
            (post().set_payload("[1]"), 415, "UNSUPPORTED_MEDIA_TYPE"),
            (
                post().insert_header(json_type()).set_payload("[1"),
                400,
                "VALIDATION_001",
            ),
            (
                post()
                    .insert_header(json_type())
                    .insert_header((header::CONTENT_ENCODING, "gzip")),
                415,
                "UNSUPPORTED_MEDIA_TYPE",
            ),
            (
                post()
                    .insert_header(json_type())
                    .insert_header((header::CONTENT_LENGTH, 2_000_000)),
                413,
                "PAYLOAD_TOO_LARGE",
            ),
            (
                post().insert_header(json_type()).set_payload(big),
                413,
                "PAYLOAD_TOO_LARGE",
            ),
            (get("/api/whoami?x=1"), 401, "UNAUTHENTICATED"),
            (get("/api/fails?x=1"), 400, "VALIDATION_001"),
            (post().uri("/api/echo?x=1"), 415, "UNSUPPORTED_MEDIA_TYPE"),
            (
                post()
                    .uri("/api/echo?x=1")
                    .insert_header(json_type())
                    .set_payload("[1"),
                400,
                "VALIDATION_001",
            ),
            (get("/api/panics"), 500, "INTERNAL_ERROR"),
            (get("/api/fails"), 500, "INTERNAL_ERROR"),
        ];
        for (request, status, code) in cases {
            let sent = request.insert_header((REQUEST_ID, "request-1"));
            let (answered, body, header) = answer(sent).await;
            assert_eq!(
                (answered, body["code"].as_str()),
                (status, Some(code)),
                "{body}"
            );
            assert_eq!(
                (body["requestId"].as_str(), header.as_str()),
                (Some("request-1"), "request-1")
            );
            assert!(body["instance"].as_str().unwrap().starts_with("/api/"));
            assert!(!body.to_string().contains("task.tasks"));
        }
    }

    #[actix_web::test]
    async fn two_authorization_headers_are_refused_whoever_sent_them() {
        let bearer = format!("Bearer {}", token(Uuid::now_v7()));
        for second in [bearer.as_str(), "Bearer x.y.z", "Basic eA=="] {
            let request = get("/api/whoami")
                .append_header((header::AUTHORIZATION, bearer.clone()))
                .append_header((header::AUTHORIZATION, second));
            let (status, body, _) = answer(request).await;
            assert_eq!(status, 400, "{second}");
            assert_eq!(
                body["details"],
                json!({"field": "Authorization", "constraint": "duplicate"})
            );
        }
    }

    #[actix_web::test]
    async fn odd_methods_paths_and_hosts_make_no_series_of_their_own() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        let _guard = ::metrics::set_default_local_recorder(&recorder);
        for n in 0..100 {
            let method = Method::from_bytes(format!("ODD{n}").as_bytes()).unwrap();
            let host = (header::HOST, format!("host{n}.example"));
            let everywhere = [
                get("/api/whoami").method(method),
                get(&format!("/api/items/{n}")).insert_header(host.clone()),
                get(&format!("/api/nothing/{n}")),
                get(&format!("/api/whoami?x{n}=1")).insert_header(host),
                get("/api/whoami").insert_header((header::AUTHORIZATION, format!("Bearer {n}"))),
            ];
            for request in everywhere {
                answer(request).await;
            }
        }
        let rendered = handle.render();
        let series: Vec<&str> = rendered
            .lines()
            .filter(|line| line.starts_with("api_request_duration_seconds_count"))
            .collect();
        assert_eq!(series.len(), 4, "{series:#?}");
    }

    #[actix_web::test]
    async fn a_valid_token_makes_a_caller() {
        let user_id = Uuid::now_v7();
        let request = get("/api/whoami")
            .insert_header((header::AUTHORIZATION, format!("Bearer {}", token(user_id))));
        let (status, body, header) = answer(request).await;
        assert_eq!((status, body), (200, json!({ "userId": user_id })));
        assert!(Uuid::try_parse(&header).is_ok());
    }

    #[actix_web::test]
    async fn a_request_that_takes_more_than_thirty_seconds_is_given_up() {
        tokio::time::pause();
        let began = tokio::time::Instant::now();
        let answering = answer(get("/api/never"));
        let answered = tokio::time::timeout(Duration::from_hours(1), answering).await;
        let (status, body, _) = answered.expect("it is not waited for without end");
        assert_eq!((status, &body["code"]), (503, &json!("TIMEOUT")));
        assert_eq!(began.elapsed().as_secs(), REQUEST_TIMEOUT.as_secs());
    }
}
