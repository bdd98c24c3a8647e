//! Around every answer: request id, span, metrics, security headers, and our own error body where a part of the
//! framework answered (a refused preflight).

use std::{rc::Rc, time::Instant};

use actix_web::{
    HttpMessage as _,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{
        ConnectionType, StatusCode,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web::Data,
};
use anyhow::Context as _;
use domain::rejection::Rejection;
use platform::{
    error::Error,
    http::context::REQUEST_ID,
    telemetry::{self, metrics, traces},
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span, field::Empty};

use crate::{
    routes::Match,
    state::Gateway,
    visit::{Target, Visit},
};

/// The middleware.
///
/// # Errors
/// Only when the application was put together without its data.
pub async fn envelope(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let started = Instant::now();
    let gateway = request
        .app_data::<Data<Gateway>>()
        .cloned()
        .context("the gateway is not part of the application data")
        .map_err(Error::from)?;
    let is_draining = request
        .app_data::<Data<CancellationToken>>()
        .is_some_and(|token| token.is_cancelled());
    let method = metrics::method_label(request.method());
    let mut visit = Visit::of(&request, &gateway.table, &gateway.config.trusted_proxies);
    if visit.is_told_by_a_stranger && gateway.is_production() {
        gateway.warn_of_untrusted_proxy();
    }
    let span = span(method, &visit);
    let incoming = traces::traceparent_header(request.headers());
    telemetry::continue_trace(&span, incoming);
    visit.traceparent = telemetry::traceparent_of(&span).or_else(|| incoming.map(str::to_owned));
    let visit = Rc::new(visit);
    request.extensions_mut().insert(Rc::clone(&visit));

    async move {
        let mut response = own_error_body(next.call(request).await?, &visit);
        record(method, &visit, response.status(), started);
        dress(response.headers_mut(), &visit, gateway.is_production());
        if is_draining {
            response
                .response_mut()
                .head_mut()
                .set_connection_type(ConnectionType::Close);
        }
        Ok(response)
    }
    .instrument(span)
    .await
}

fn span(method: &str, visit: &Visit) -> Span {
    let route = visit.target.label();
    tracing::info_span!(
        "request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
        requestId = visit.request_id,
        traceId = Empty,
        userId = Empty,
        organizationId = Empty,
    )
}

/// An error that the framework found by itself gets a body like all others.
fn own_error_body(
    response: ServiceResponse<impl MessageBody + 'static>,
    visit: &Visit,
) -> ServiceResponse<BoxBody> {
    let Some(error) = response.response().error() else {
        return response.map_into_boxed_body();
    };
    let error: Error = if error.as_response_error().status_code().is_client_error() {
        Rejection::field("Origin", "cors", error.to_string()).into()
    } else {
        anyhow::anyhow!("{error}").into()
    };
    error.log();
    let path = response.request().uri().path().to_owned();
    let rendered = error.to_response(&visit.request_id, &path);
    response.into_response(rendered)
}

fn record(method: &'static str, visit: &Visit, status: StatusCode, started: Instant) {
    let elapsed = started.elapsed();
    let route = visit.target.label();
    metrics::answered(method, route, status, elapsed);
    let span = Span::current();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    if visit.target.is_probe() {
        return;
    }
    let status = status.as_u16();
    // Milliseconds, to the microsecond.
    let duration = elapsed.as_micros() as f64 / 1_000.0;
    tracing::info!(
        method,
        route,
        status,
        duration,
        "answered {method} {route} with {status}"
    );
}

/// Adds the request id and security headers. An answer's own content policy and caching headers are kept, except
/// caching around sign-in.
fn dress(headers: &mut HeaderMap, visit: &Visit, is_production: bool) {
    if let Ok(value) = HeaderValue::from_str(&visit.request_id) {
        headers.insert(HeaderName::from_static(REQUEST_ID), value);
    }
    let always = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if is_production {
        let value = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        let value = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        headers.insert(header::CONTENT_SECURITY_POLICY, value);
    }
    if visit.target.is_auth() {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    } else if is_of_service(&visit.target) && !headers.contains_key(header::CACHE_CONTROL) {
        let value = HeaderValue::from_static("private, no-cache");
        headers.insert(header::CACHE_CONTROL, value);
    }
}

fn is_of_service(target: &Target) -> bool {
    matches!(
        target,
        Target::Service(Match::Found(_) | Match::NoSuchId(_))
    )
}
