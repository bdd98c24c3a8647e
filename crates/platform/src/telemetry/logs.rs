//! Logs as one JSON object a line: timestamp, level, service, message, the event's own fields, and the
//! fields of the spans around it (requestId, userId, organizationId, dealId, taskId, traceId).

use std::{fmt, io::Write as _};

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::Context,
    registry::{LookupSpan, SpanRef},
};

/// Span fields with a dot in their names are OpenTelemetry's, for traces only.
const TRACE_ONLY: char = '.';

/// Writes each event to standard output.
pub(super) struct JsonLogs {
    service: &'static str,
}

impl JsonLogs {
    pub(super) fn new(service: &'static str) -> Self {
        Self { service }
    }

    fn line(&self, event: &Event<'_>, spans: Map<String, Value>) -> Map<String, Value> {
        let mut own = Fields::default();
        event.record(&mut own);
        let metadata = event.metadata();
        let mut line = Map::new();
        line.insert(
            "timestamp".to_owned(),
            contracts::field::instant_text(OffsetDateTime::now_utc()).into(),
        );
        line.insert(
            "level".to_owned(),
            metadata.level().as_str().to_ascii_lowercase().into(),
        );
        line.insert("service".to_owned(), self.service.into());
        let message = own
            .0
            .remove("message")
            .unwrap_or_else(|| metadata.name().into());
        line.insert("message".to_owned(), message);
        line.insert("target".to_owned(), metadata.target().into());
        line.extend(spans);
        line.extend(own.0);
        line
    }
}

impl<S> Layer<S> for JsonLogs
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let spans = context
            .event_scope(event)
            .into_iter()
            .flat_map(|scope| scope.from_root())
            .fold(Map::new(), with_fields_of);
        let mut text = Value::Object(self.line(event, spans)).to_string();
        text.push('\n');
        // A log that cannot be written has nowhere to be reported.
        let _written = std::io::stdout().lock().write_all(text.as_bytes());
    }
}

fn with_fields_of<S>(mut all: Map<String, Value>, span: SpanRef<'_, S>) -> Map<String, Value>
where
    S: for<'span> LookupSpan<'span>,
{
    if let Some(fields) = span.extensions().get::<Fields>() {
        all.extend(
            fields
                .0
                .iter()
                .filter(|(name, _)| !name.contains(TRACE_ONLY))
                .map(|(name, value)| (name.clone(), value.clone())),
        );
    }
    all
}

/// The fields of a span or an event, as they were written.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0
            .insert(field.name().to_owned(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), json!(value));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    /// Keeps the line instead of writing it.
    struct Kept(JsonLogs, Arc<Mutex<Vec<Value>>>);

    impl<S: Subscriber + for<'span> LookupSpan<'span>> Layer<S> for Kept {
        fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
            self.0.on_new_span(attributes, id, context);
        }

        fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
            self.0.on_record(id, values, context);
        }

        fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
            let scope = context.event_scope(event).unwrap();
            let spans = scope.from_root().fold(Map::new(), with_fields_of);
            let line = self.0.line(event, spans);
            self.1.lock().unwrap().push(Value::Object(line));
        }
    }

    #[test]
    fn a_line_carries_the_spans_fields_and_its_own() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let layer = Kept(JsonLogs::new("task-service"), Arc::clone(&lines));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = tracing::info_span!(
                "request",
                requestId = "r-1",
                userId = tracing::field::Empty,
                otel.kind = "server",
                http.route = "/tasks"
            );
            span.record("userId", "u-1");
            let _entered = span.enter();
            tracing::info!(taskId = "t-1", duration = 45, "Task completed");
        });
        let mut line = lines.lock().unwrap().remove(0);
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
        line["timestamp"] = Value::Null;
        line["target"] = Value::Null;
        assert_eq!(
            line,
            json!({
                "timestamp": null,
                "level": "info",
                "service": "task-service",
                "message": "Task completed",
                "target": null,
                "requestId": "r-1",
                "userId": "u-1",
                "taskId": "t-1",
                "duration": 45
            })
        );
    }
}
