//! Takes messages from a service's queue, one after the other, and gives each to a handler.
//!
//! A message is acknowledged after the handler is through with it, or after it has been put safely
//! elsewhere: into the retry queue, or among the dead letters. Nothing that a handler does, a panic
//! included, ends the loop; a lost connection is replaced for ever.
//!
//! While something the handler needs is away, a message is kept in hand for a bounded time and then put
//! back through the retry queue, uncounted. It is never left to the broker to take messages back: the
//! broker counts that, closes the channel of a consumer that keeps one for too long
//! ([`ACKNOWLEDGEMENT_TIMEOUT`]), and would lay them all among the dead letters in a long absence.

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use contracts::event::{Event, Head};
use futures::{FutureExt as _, StreamExt as _};
use lapin::{
    BasicProperties,
    message::Delivery as Message,
    options::{BasicAckOptions, BasicConsumeOptions, BasicQosOptions},
    types::{AMQPValue, FieldTable, ShortString},
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, field::Empty};

use super::{connection::Link, publisher::Publisher, topology, topology::Subscription};
use crate::{
    config::{EVENT_PATIENCE_MAX, Secret},
    error::Error,
    telemetry::{
        self,
        metrics::{CONSUMER_DURATION, CONSUMER_MESSAGES},
    },
    wait::wait_for,
};

/// Messages fetched ahead. Each of them waits for those before it, unacknowledged.
const PREFETCH: u16 = 8;
/// A handler takes no longer.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(60);
/// The broker's own limit on the time from delivery to acknowledgement (`consumer_timeout`), as shipped.
const ACKNOWLEDGEMENT_TIMEOUT: Duration = Duration::from_mins(30);
/// The last of the messages fetched ahead must be settled in time even if each one before it takes longest.
const _: () = assert!(
    PREFETCH as u64 * (EVENT_PATIENCE_MAX.as_secs() + HANDLER_TIMEOUT.as_secs())
        < ACKNOWLEDGEMENT_TIMEOUT.as_secs()
);
/// Attempts in all before a message is laid among the dead ones.
const ATTEMPTS_MAX: i64 = 15;
/// Between attempts while something the handler needs is away.
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// Between later ones.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Before connecting again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);

/// The header that counts attempts.
pub(super) const ATTEMPT: &str = "x-haushavn-attempt";
/// The header that says why the last attempt failed.
pub(super) const REASON: &str = "x-haushavn-reason";

/// An event as it came from the broker.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// What the envelope says.
    pub head: Head,
    /// The event.
    pub event: Event,
    /// The encoded envelope.
    pub envelope: Vec<u8>,
}

/// What a handler says about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its effect is committed, or it needs none.
    Done,
    /// Something the handler needs is away. It is tried until that is back, however long that takes.
    Later(String),
    /// It failed and may go better: again after a pause, a bounded number of times.
    Retry(String),
    /// It can never be handled.
    Poison(String),
}

/// A fault of a dependency is waited out; any other failure is tried again a few times.
impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable { .. }
            | Error::Busy { .. }
            | Error::Unprepared(_)
            | Error::TimedOut => Self::Later(error.to_string()),
            Error::Rejected(_) | Error::Refused(_) | Error::Unexpected(_) => {
                Self::Retry(error.to_string())
            }
        }
    }
}

impl From<Result<(), Error>> for Outcome {
    fn from(result: Result<(), Error>) -> Self {
        result.map_or_else(Self::from, |()| Self::Done)
    }
}

/// Consumes until `shutdown` is cancelled; the message in hand is finished first.
///
/// `patience` ([`Common::event_patience`](crate::config::Common::event_patience)): how long an event is kept
/// in hand while something is away. Afterwards others have their turn.
pub async fn consume(
    url: Secret,
    subscription: Subscription,
    patience: Duration,
    handler: impl AsyncFn(&Delivery) -> Outcome,
    shutdown: CancellationToken,
) {
    let consumer = Consumer {
        // Puts messages into the retry queue and among the dead ones, over a connection of its own.
        publisher: Publisher::new(url.clone(), subscription.queue),
        subscription,
        patience,
        handler,
        shutdown,
    };
    let purpose = format!("{} consumer", subscription.queue);
    let connect = || Link::open(&url, &purpose);
    while let Some(link) = wait_for("RabbitMQ", &consumer.shutdown, connect).await {
        if let Err(error) = consumer.run(link).await {
            tracing::warn!(
                queue = subscription.queue,
                error = format!("{error:#}"),
                "lost the broker, connecting again"
            );
            consumer.sleep(RECONNECT_PAUSE).await;
        }
        if consumer.shutdown.is_cancelled() {
            break;
        }
    }
}

struct Consumer<H> {
    publisher: Publisher,
    subscription: Subscription,
    patience: Duration,
    handler: H,
    shutdown: CancellationToken,
}

impl<H: AsyncFn(&Delivery) -> Outcome> Consumer<H> {
    /// Consumes over one connection until that is lost or the process is asked to end.
    async fn run(&self, link: Link) -> anyhow::Result<()> {
        let queue = self.subscription.queue;
        link.channel
            .basic_qos(PREFETCH, BasicQosOptions::default())
            .await?;
        let mut messages = link
            .channel
            .basic_consume(
                queue.into(),
                "".into(),
                BasicConsumeOptions::default(),
                FieldTable::default(),
            )
            .await
            .context("failed to consume")?;
        tracing::info!(queue, "consuming {queue}");
        loop {
            let message = tokio::select! {
                () = self.shutdown.cancelled() => break,
                message = messages.next() => message,
            };
            match message {
                Some(Ok(message)) => self.take(message).await?,
                Some(Err(error)) => return Err(error).context("the channel failed"),
                None => anyhow::bail!("the broker ended the consumption"),
            }
        }
        link.close().await;
        Ok(())
    }

    /// Handles one message to its end. An error means that the connection is of no use any more.
    async fn take(&self, message: Message) -> anyhow::Result<()> {
        let started = Instant::now();
        let outcome = match Event::decode(&message.data) {
            Ok((head, event)) => {
                let delivery = Delivery {
                    head,
                    event,
                    envelope: message.data.clone(),
                };
                let span = self.span(&delivery);
                self.handle(&delivery).instrument(span).await
            }
            Err(malformed) => Outcome::Poison(malformed.to_string()),
        };
        let queue = self.subscription.queue;
        metrics::histogram!(CONSUMER_DURATION, "queue" => queue).record(started.elapsed());
        let word = self.settle(&message, outcome).await?;
        metrics::counter!(CONSUMER_MESSAGES, "queue" => queue, "outcome" => word).increment(1);
        message
            .ack(BasicAckOptions::default())
            .await
            .context("failed to acknowledge")?;
        Ok(())
    }

    /// Runs the handler; waits with the message for a while when something the handler needs is away.
    async fn handle(&self, delivery: &Delivery) -> Outcome {
        let started = Instant::now();
        let mut pause = PAUSE_MIN;
        loop {
            let attempt = AssertUnwindSafe((self.handler)(delivery)).catch_unwind();
            let reason = match tokio::time::timeout(HANDLER_TIMEOUT, attempt).await {
                Ok(Ok(Outcome::Later(reason))) => reason,
                Ok(Ok(outcome)) => return outcome,
                Ok(Err(_)) => return Outcome::Retry("the handler panicked".to_owned()),
                Err(_) => return Outcome::Retry("the handler took too long".to_owned()),
            };
            if self.shutdown.is_cancelled() || started.elapsed() + pause > self.patience {
                return Outcome::Later(reason);
            }
            tracing::warn!(reason, "an event waits for something that is away");
            self.sleep(pause).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// Puts the message where it belongs. Afterwards it may be acknowledged.
    async fn settle(&self, message: &Message, outcome: Outcome) -> anyhow::Result<&'static str> {
        let (reason, word, attempt) = match outcome {
            Outcome::Done => return Ok("done"),
            Outcome::Later(reason) => return self.put_back(message, &reason).await,
            Outcome::Retry(reason) => {
                let attempt = attempts(&message.properties) + 1;
                (
                    reason,
                    if attempt < ATTEMPTS_MAX {
                        "retry"
                    } else {
                        "dead"
                    },
                    attempt,
                )
            }
            Outcome::Poison(reason) => (reason, "dead", attempts(&message.properties) + 1),
        };
        let (event_id, event_type) = name(&message.properties);
        let queue = if word == "dead" {
            tracing::error!(
                queue = self.subscription.queue,
                event_id,
                event_type,
                attempt,
                reason,
                "an event is laid among the dead letters"
            );
            self.subscription.dead_queue()
        } else {
            tracing::warn!(
                queue = self.subscription.queue,
                event_id,
                event_type,
                attempt,
                reason,
                "an event is tried again later"
            );
            self.subscription.retry_queue()
        };
        let properties = marked(&message.properties, attempt, &reason);
        self.publisher
            .send("", &queue, &message.data, properties)
            .await?;
        Ok(word)
    }

    /// Sends the message round again as if it had never been delivered: an absence is nobody's fault.
    async fn put_back(&self, message: &Message, reason: &str) -> anyhow::Result<&'static str> {
        let (event_id, event_type) = name(&message.properties);
        tracing::warn!(
            queue = self.subscription.queue,
            event_id,
            event_type,
            reason,
            "an event is put back until something that is away returns"
        );
        self.publisher
            .send(
                "",
                &self.subscription.retry_queue(),
                &message.data,
                message.properties.clone(),
            )
            .await?;
        Ok("later")
    }

    fn span(&self, delivery: &Delivery) -> tracing::Span {
        let Delivery { head, event, .. } = delivery;
        let span = tracing::info_span!(
            "consume",
            otel.name = format!("consume {}", event.routing_key()),
            otel.kind = "consumer",
            queue = self.subscription.queue,
            eventId = %head.id,
            eventType = event.routing_key(),
            requestId = head.request_id,
            organizationId = %head.organization_id,
            dealId = event.deal_id(),
            traceId = Empty,
        );
        telemetry::continue_trace(&span, head.traceparent.as_deref());
        span
    }

    async fn sleep(&self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.shutdown.cancelled() => {}
        }
    }
}

/// The event's id and type, for the log: the message itself may be unreadable.
fn name(properties: &BasicProperties) -> (Option<&str>, Option<&str>) {
    (
        properties.message_id().as_ref().map(ShortString::as_str),
        properties.kind().as_ref().map(ShortString::as_str),
    )
}

/// How often handling the message has failed so far.
pub(super) fn attempts(properties: &BasicProperties) -> i64 {
    let headers = properties.headers().as_ref();
    match headers.and_then(|headers| headers.inner().get(ATTEMPT)) {
        Some(AMQPValue::LongLongInt(attempts)) => *attempts,
        _ => 0,
    }
}

fn marked(properties: &BasicProperties, attempt: i64, reason: &str) -> BasicProperties {
    let mut headers = properties.headers().clone().unwrap_or_default();
    headers.insert(ATTEMPT.into(), AMQPValue::LongLongInt(attempt));
    let short: String = reason.chars().take(500).collect();
    headers.insert(REASON.into(), topology::text(&short));
    properties.clone().with_headers(headers)
}

#[cfg(test)]
mod tests {
    use domain::rejection::Rejection;

    use super::*;

    #[test]
    fn a_dependency_that_is_away_is_waited_out_and_a_failure_is_counted() {
        assert!(matches!(
            Outcome::from(Error::unavailable("PostgreSQL")),
            Outcome::Later(_)
        ));
        assert!(matches!(
            Outcome::from(Error::from(Rejection::NotFound)),
            Outcome::Retry(_)
        ));
        assert_eq!(Outcome::from(Ok(())), Outcome::Done);
    }

    #[test]
    fn attempts_are_counted_in_a_header() {
        let first = marked(&BasicProperties::default(), 1, "boom");
        assert_eq!(
            (attempts(&BasicProperties::default()), attempts(&first)),
            (0, 1)
        );
        assert_eq!(attempts(&marked(&first, 2, "boom")), 2);
    }
}
