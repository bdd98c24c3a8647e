//! What becomes of an event after its handler: acknowledged, round the retry queue, or among the dead letters.
//!
//! An event comes from the broker or from the table of parked events ([`crate::db::Inbox`]); what has failed is
//! counted in a header of the message or in its row, to the same bound.

use std::time::Duration;

use anyhow::Context as _;
use lapin::{
    Acker, BasicProperties,
    message::Delivery as Message,
    options::BasicAckOptions,
    types::{AMQPValue, FieldTable, ShortString},
};
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    consumer::{Consumer, Outcome, next_pause},
    topology,
};
use crate::{
    db::{Inbox, ParkedEvent},
    telemetry::metrics::CONSUMER_MESSAGES,
};

/// Attempts in all before a message is moved to the dead letters.
const ATTEMPTS_MAX: i64 = 15;
/// An acknowledgement is written to the connection within this time. Where the connection is lost at that moment, no error
/// is reported: the consumer would wait for ever.
const ACK_TIMEOUT: Duration = Duration::from_secs(5);
/// Times that a message may come back from the broker unsettled, each the end of a process or a connection, before the
/// message is suspected to be the cause and counted. Well below the broker's own limit, which would take its neighbours
/// as well.
const RETURNS_MAX: i64 = 3;
/// What a suspicion counts as: the third is the last.
const SUSPICION_ATTEMPTS: i64 = 5;

/// The header that counts attempts.
pub(super) const ATTEMPT: &str = "x-haushavn-attempt";
/// The header that says why the last attempt failed.
pub(super) const REASON: &str = "x-haushavn-reason";
/// The broker's own count of how often it delivered a message before.
const DELIVERY_COUNT: &str = "x-delivery-count";

/// What is needed to settle an event, and how long it has been in memory.
#[derive(Debug)]
pub(super) struct Ticket {
    source: Source,
    received: Instant,
    /// Since when it waits for something that is unavailable.
    waits_since: Option<Instant>,
    pause: Duration,
}

#[derive(Debug)]
enum Source {
    Broker {
        acker: Acker,
        properties: Box<BasicProperties>,
    },
    Parked(ParkedEvent),
}

impl Ticket {
    /// A message's body and its ticket.
    pub(super) fn of_message(message: Message) -> (Vec<u8>, Self) {
        let source = Source::Broker {
            acker: message.acker,
            properties: Box::new(message.properties),
        };
        (message.data, Self::new(source))
    }

    /// A parked event's envelope and its ticket.
    pub(super) fn of_parked(mut event: ParkedEvent) -> (Vec<u8>, Self) {
        let envelope = std::mem::take(&mut event.envelope);
        (envelope, Self::new(Source::Parked(event)))
    }

    fn new(source: Source) -> Self {
        Self {
            source,
            received: Instant::now(),
            waits_since: None,
            pause: Duration::ZERO,
        }
    }

    /// Aggregate and version, where it was parked.
    pub(super) fn parked(&self) -> Option<(Uuid, i64)> {
        match &self.source {
            Source::Parked(event) => Some((event.aggregate_id, event.version)),
            Source::Broker { .. } => None,
        }
    }

    /// Whether an attempt at it has failed before: then it is handled by itself.
    pub(super) fn has_failed(&self) -> bool {
        self.attempts() > 0
    }

    fn attempts(&self) -> i64 {
        match &self.source {
            Source::Broker { properties, .. } => attempts(properties),
            Source::Parked(event) => i64::from(event.attempts),
        }
    }

    /// What becomes of a message at once that came back from the broker too often.
    pub(super) fn suspicion(&self) -> Option<Outcome> {
        let Source::Broker { properties, .. } = &self.source else {
            return None;
        };
        let returns = number(properties, DELIVERY_COUNT);
        (returns >= RETURNS_MAX).then(|| {
            Outcome::Retry(format!(
                "it came back {returns} times from consumers that ended"
            ))
        })
    }

    /// Records that it waits for something that is unavailable. Returns the pause before the next attempt.
    pub(super) fn waits(&mut self) -> Duration {
        self.waits_since.get_or_insert_with(Instant::now);
        self.pause = next_pause(self.pause);
        self.pause
    }

    /// How long it has waited for something that is unavailable.
    pub(super) fn waited(&self) -> Duration {
        self.waits_since
            .map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// How long it has been in memory.
    pub(super) fn age(&self) -> Duration {
        self.received.elapsed()
    }
}

/// Where an event goes that was not handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Again after a pause, counted.
    Retry,
    /// To the dead letters.
    Dead,
}

/// The way after one more failure.
fn way(outcome: &Outcome, attempt: i64) -> Way {
    match outcome {
        Outcome::Retry(_) if attempt < ATTEMPTS_MAX => Way::Retry,
        _ => Way::Dead,
    }
}

impl<H> Consumer<H> {
    /// Puts the event where it belongs, and acknowledges it then. An error means that the connection is of no use
    /// any more.
    pub(super) async fn settle(
        &self,
        ticket: Ticket,
        body: &[u8],
        outcome: Outcome,
    ) -> anyhow::Result<()> {
        let suspected = ticket.suspicion().is_some();
        let step = if suspected { SUSPICION_ATTEMPTS } else { 1 };
        let attempt = ticket.attempts() + step;
        let word = match (ticket.source, &self.inbox) {
            (Source::Broker { acker, properties }, _) => {
                let word = self.settle_message(&properties, body, outcome, attempt);
                let word = word.await?;
                let acknowledged = acker.ack(BasicAckOptions::default());
                tokio::time::timeout(ACK_TIMEOUT, acknowledged)
                    .await
                    .context("the broker took no acknowledgement in time")?
                    .context("failed to acknowledge")?;
                word
            }
            (Source::Parked(event), Some(inbox)) => {
                self.settle_parked(inbox, &event, body, outcome, attempt)
                    .await?
            }
            (Source::Parked(_), None) => return Ok(()),
        };
        let queue = self.subscription.queue;
        metrics::counter!(CONSUMER_MESSAGES, "queue" => queue, "outcome" => word).increment(1);
        Ok(())
    }

    async fn settle_message(
        &self,
        properties: &BasicProperties,
        body: &[u8],
        outcome: Outcome,
        attempt: i64,
    ) -> anyhow::Result<&'static str> {
        let way = way(&outcome, attempt);
        let reason = match outcome {
            Outcome::Done => return Ok("done"),
            Outcome::Unfinished => {
                return self.put_back(properties, body, "more is left to do").await;
            }
            Outcome::Later(reason) => return self.put_back(properties, body, &reason).await,
            Outcome::Retry(reason) | Outcome::Poison(reason) => reason,
        };
        let (event_id, event_type) = name(properties);
        let (queue, word) = match way {
            Way::Dead => (self.subscription.dead_queue(), "dead"),
            Way::Retry => (self.subscription.retry_queue(), "retry"),
        };
        self.log_failure(event_id, event_type, way, attempt, &reason);
        let properties = marked(properties, attempt, &reason);
        self.publisher
            .send(topology::RETURNS, &queue, body, properties)
            .await?;
        Ok(word)
    }

    /// Sends the message round again, uncounted: an outage is not the message's fault.
    async fn put_back(
        &self,
        properties: &BasicProperties,
        body: &[u8],
        reason: &str,
    ) -> anyhow::Result<&'static str> {
        let (event_id, event_type) = name(properties);
        tracing::warn!(
            queue = self.subscription.queue,
            event_id,
            event_type,
            reason,
            "an event is put back until an unavailable dependency returns"
        );
        let queue = self.subscription.retry_queue();
        let properties = without_returns(properties);
        self.publisher
            .send(topology::RETURNS, &queue, body, properties)
            .await?;
        Ok("later")
    }

    /// A parked event that was applied has left the table with its effect; any other stays, is counted there, or
    /// moves to the dead letters.
    async fn settle_parked(
        &self,
        inbox: &Inbox,
        event: &ParkedEvent,
        envelope: &[u8],
        outcome: Outcome,
        attempt: i64,
    ) -> anyhow::Result<&'static str> {
        let way = way(&outcome, attempt);
        let reason = match outcome {
            Outcome::Done => return Ok("done"),
            Outcome::Unfinished | Outcome::Later(_) => return Ok("later"),
            Outcome::Retry(reason) | Outcome::Poison(reason) => reason,
        };
        let id = event.message_id.to_string();
        self.log_failure(Some(&id), None, way, attempt, &reason);
        if way == Way::Retry {
            inbox.count_failure(event, &reason).await;
            return Ok("retry");
        }
        let properties = marked(&properties_of(event, envelope), attempt, &reason);
        let queue = self.subscription.dead_queue();
        self.publisher
            .send(topology::RETURNS, &queue, envelope, properties)
            .await?;
        inbox.remove(event).await;
        Ok("dead")
    }

    fn log_failure(
        &self,
        event_id: Option<&str>,
        event_type: Option<&str>,
        way: Way,
        attempt: i64,
        reason: &str,
    ) {
        let queue = self.subscription.queue;
        match way {
            Way::Dead => tracing::error!(
                queue,
                event_id,
                event_type,
                attempt,
                reason,
                "an event is moved to the dead letters"
            ),
            Way::Retry => tracing::warn!(
                queue,
                event_id,
                event_type,
                attempt,
                reason,
                "an event is tried again later"
            ),
        }
    }
}

/// The properties that a parked event had as a message, as far as they matter.
fn properties_of(event: &ParkedEvent, envelope: &[u8]) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert(
        "organizationId".into(),
        topology::text(&event.organization_id.to_string()),
    );
    let properties = BasicProperties::default()
        .with_delivery_mode(2)
        .with_message_id(event.message_id.to_string().into())
        .with_headers(headers);
    let decoded = contracts::event::Event::decode(envelope);
    match decoded.map(|(_, event)| ShortString::try_new(event.routing_key())) {
        Ok(Ok(kind)) => properties.with_type(kind),
        Ok(Err(_)) | Err(_) => properties,
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
    number(properties, ATTEMPT)
}

fn number(properties: &BasicProperties, header: &str) -> i64 {
    let headers = properties.headers().as_ref();
    match headers.and_then(|headers| headers.inner().get(header)) {
        Some(AMQPValue::LongLongInt(number)) => *number,
        Some(AMQPValue::LongInt(number)) => i64::from(*number),
        _ => 0,
    }
}

/// The properties without the broker's count, which begins again in another queue.
fn without_returns(properties: &BasicProperties) -> BasicProperties {
    let mut headers = FieldTable::default();
    for (name, value) in properties.headers().iter().flatten() {
        if name.as_str() != DELIVERY_COUNT {
            headers.insert(name.clone(), value.clone());
        }
    }
    properties.clone().with_headers(headers)
}

fn marked(properties: &BasicProperties, attempt: i64, reason: &str) -> BasicProperties {
    let properties = without_returns(properties);
    let mut headers = properties.headers().clone().unwrap_or_default();
    headers.insert(ATTEMPT.into(), AMQPValue::LongLongInt(attempt));
    let short: String = reason.chars().take(500).collect();
    headers.insert(REASON.into(), topology::text(&short));
    properties.with_headers(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_round_again_has_not_come_back_from_the_broker() {
        let mut headers = FieldTable::default();
        headers.insert(DELIVERY_COUNT.into(), AMQPValue::LongLongInt(3));
        let returned = BasicProperties::default().with_headers(headers);
        assert_eq!(number(&returned, DELIVERY_COUNT), 3);
        let again = marked(&returned, 5, "it came back");
        assert_eq!((number(&again, DELIVERY_COUNT), attempts(&again)), (0, 5));
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

    #[test]
    fn a_failure_is_tried_again_to_the_bound_and_poison_never() {
        let failed = Outcome::Retry("boom".to_owned());
        assert_eq!(way(&failed, ATTEMPTS_MAX - 1), Way::Retry);
        assert_eq!(way(&failed, ATTEMPTS_MAX), Way::Dead);
        assert_eq!(way(&Outcome::Poison("bad".to_owned()), 1), Way::Dead);
    }

    #[test]
    fn a_message_that_came_back_three_times_is_suspected() {
        let returned = |times| {
            let mut headers = FieldTable::default();
            headers.insert(DELIVERY_COUNT.into(), AMQPValue::LongLongInt(times));
            let mut message = Message::mock(1, "".into(), "".into(), false, Vec::new());
            message.properties = BasicProperties::default().with_headers(headers);
            Ticket::of_message(message).1.suspicion()
        };
        assert_eq!(returned(2), None);
        assert!(matches!(returned(3), Some(Outcome::Retry(_))));
    }
}
