//! Traces: W3C context in and out, and the exporter.
//!
//! Trace ids are made and passed on also without an exporter, so that logs of several services can be
//! put together.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
};

use actix_web::http::header::HeaderMap;
use anyhow::Context as _;
use opentelemetry::{Context, KeyValue, global, trace::TraceContextExt as _};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{IdGenerator, SdkTracerProvider},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The header, and the name in messages and outbox rows.
pub const TRACEPARENT: &str = "traceparent";

/// Whether spans are sent anywhere.
static EXPORTED: AtomicBool = AtomicBool::new(false);

/// Sets the propagator and makes the provider; it sends to `endpoint` (gRPC) where there is one.
pub(super) fn provider(
    service: &'static str,
    endpoint: Option<&str>,
    ids: impl IdGenerator + 'static,
) -> anyhow::Result<SdkTracerProvider> {
    global::set_text_map_propagator(TraceContextPropagator::new());
    let resource = Resource::builder()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.namespace", "haushavn"))
        .build();
    let mut builder = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_id_generator(ids);
    if let Some(endpoint) = endpoint {
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .build()
            .context("failed to make the trace exporter")?;
        builder = builder.with_batch_exporter(exporter);
        EXPORTED.store(true, Ordering::Relaxed);
    }
    let provider = builder.build();
    global::set_tracer_provider(provider.clone());
    Ok(provider)
}

/// The span of one SQL statement, whose text has no values in it. None where no span is sent: it costs more than some
/// statements do.
pub(crate) fn statement_span(sql: &str) -> Span {
    if !EXPORTED.load(Ordering::Relaxed) {
        return Span::none();
    }
    let operation = sql.split_whitespace().next().unwrap_or("SQL");
    tracing::info_span!(
        "statement",
        otel.name = operation,
        otel.kind = "client",
        db.system.name = "postgresql",
        db.query.text = sql,
    )
}

/// The span of one call of another service; none where no span is sent.
pub(crate) fn call_span(service: &str, method: &str) -> Span {
    if !EXPORTED.load(Ordering::Relaxed) {
        return Span::none();
    }
    tracing::info_span!(
        "call",
        otel.name = format!("{method} {service}"),
        otel.kind = "client",
        http.request.method = method,
        server.address = service,
    )
}

/// The W3C trace context of a span, to be sent along; `None` before telemetry is initialised.
pub fn traceparent_of(span: &Span) -> Option<String> {
    let mut carrier = HashMap::new();
    let context = span.context();
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, &mut carrier));
    carrier.remove(TRACEPARENT)
}

/// The trace context of the current span, to be sent along.
pub fn current_traceparent() -> Option<String> {
    traceparent_of(&Span::current())
}

/// Makes `span` a child of the trace that came along with a request, a message or an outbox row.
pub fn continue_trace(span: &Span, traceparent: Option<&str>) {
    if let Some(traceparent) = traceparent {
        let carrier = HashMap::from([(TRACEPARENT.to_owned(), traceparent.to_owned())]);
        let parent: Context =
            global::get_text_map_propagator(|propagator| propagator.extract(&carrier));
        // Refused only after the span has been entered; then it stays a trace of its own.
        let _accepted = span.set_parent(parent);
    }
    let context = span.context();
    let trace_id = context.span().span_context().trace_id();
    span.record("traceId", tracing::field::display(trace_id));
}

/// The `traceparent` header of a request.
pub fn traceparent_header(headers: &HeaderMap) -> Option<&str> {
    headers.get(TRACEPARENT)?.to_str().ok()
}
