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
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument as _, Span, field::Empty};

use super::{
    caller::Caller,
    context::{REQUEST_ID, RequestContext, bearer_secret, one_authorization},
    routes::Methods,
    underway,
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

    let counted = request
        .app_data::<web::Data<TaskTracker>>()
        .map(|requests| requests.token());

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
        let answer = match (answer, counted) {
            (Ok(response), Some(request)) => {
                Ok(response.map_body(|_, body| underway::until_sent(request, body)))
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

/// Our own error out of actix's wrapping, which only lends it.
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
mod tests;
