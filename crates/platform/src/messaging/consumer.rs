//! Takes messages from a service's queue and gives them to a handler: batches of one organization, organizations
//! by turns, each deal in order ([`super::turns`]).
//!
//! A message is acknowledged after the handler is through with it, or after it has been put safely elsewhere: into the
//! retry queue, or among the dead letters ([`super::settle`]). Nothing that a handler does, a panic included, ends the
//! loop; a lost connection is replaced for ever.
//!
//! While something the handler needs is unavailable, a message is kept in memory for a bounded time and then put back
//! through the retry queue, uncounted. It is never returned to the broker unacknowledged: the broker counts such
//! returns, closes the channel of a consumer that keeps a message for too long, and in a long outage would move them
//! all to the dead letters.

use std::{
    collections::HashSet,
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use contracts::event::{Event, Head};
use futures::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use lapin::{
    Consumer as Messages,
    message::Delivery as Message,
    options::{BasicConsumeOptions, BasicQosOptions},
    types::FieldTable,
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, field::Empty};
use uuid::Uuid;

use super::{
    connection::Link,
    publisher::Publisher,
    settle::Ticket,
    topology::Subscription,
    turns::{Batch, Lane, Turns},
};
use crate::{
    config::Secret,
    db::{Inbox, ParkedEvent},
    error::Error,
    telemetry::{self, metrics::CONSUMER_DURATION},
    wait::wait_for,
};

/// Messages in memory, waiting or being handled, a few kilobytes each. Only these take turns by organization; what is
/// behind them in the queue comes in the queue's order. So this is more than one tenant's burst leaves there.
const PREFETCH: u16 = 2_048;
/// Batches at work at a time: a share of the service's database sessions, so that requests keep theirs.
const BATCHES_MAX: usize = 6;
/// A handler takes no longer over a batch.
const HANDLER_TIMEOUT: Duration = Duration::from_secs(60);
/// A message that has been in memory for so long and still has to wait goes back to the queue: the broker closes the
/// channel of a consumer that keeps one for half an hour (`consumer_timeout`).
const IN_HAND_MAX: Duration = Duration::from_mins(10);
/// Between attempts while something the handler needs is unavailable.
const PAUSE_MIN: Duration = Duration::from_millis(250);
/// Between later ones.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Before connecting again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);
/// How often parked events are looked for whose turn has come, beside the look after each event that some wait for:
/// what a crash or a lock timeout left parked is found within this time.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);

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

impl Delivery {
    /// What has to stay in order with it: its deal, or its aggregate.
    fn lane(&self) -> Lane {
        let deal = self.event.deal_id().map(Uuid::try_parse);
        Lane {
            organization_id: self.head.organization_id,
            key: match deal {
                Some(Ok(deal_id)) => deal_id,
                Some(Err(_)) | None => self.head.subject,
            },
        }
    }
}

/// What a handler says about the events that it was given. All of them are done, or none: then each is given
/// again by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Their effect is committed, or they need none.
    Done,
    /// Part of the work is committed and more is left; it is taken up again after others have had their turn.
    Unfinished,
    /// Something the handler needs is unavailable. Retried until it is back, however long that takes.
    Later(String),
    /// It failed and may go better: again after a pause, a bounded number of times.
    Retry(String),
    /// It can never be handled.
    Poison(String),
}

/// An outage of a dependency is waited out; any other failure is retried a few times. A statement that took too long is
/// a failure: the work may be too large for one statement, and waiting does not make it smaller.
impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable { .. }
            | Error::Busy { .. }
            | Error::Unprepared(_)
            | Error::TimedOut => Self::Later(error.to_string()),
            Error::StatementTimeout { .. }
            | Error::Rejected(_)
            | Error::Refused(_)
            | Error::Unexpected(_) => Self::Retry(error.to_string()),
        }
    }
}

impl From<Result<(), Error>> for Outcome {
    fn from(result: Result<(), Error>) -> Self {
        result.map_or_else(Self::from, |()| Self::Done)
    }
}

/// Consumes until `shutdown` is cancelled; what is at work is finished first.
///
/// `patience` ([`Common::event_patience`](crate::config::Common::event_patience)): how long an event is kept in memory
/// while something is unavailable. `inbox`: where events wait that came before their predecessor; none for a handler
/// that parks nothing. The handler gets events of one organization, in order; those that are much work (`alone`) one at
/// a time, so that others have their turn between them.
pub async fn consume(
    url: Secret,
    subscription: Subscription,
    patience: Duration,
    inbox: Option<Inbox>,
    alone: fn(&Event) -> bool,
    handler: impl AsyncFn(&[Delivery]) -> Outcome,
    shutdown: CancellationToken,
) {
    let consumer = Consumer {
        // Puts messages into the retry queue and among the dead ones, over a connection of its own.
        publisher: Publisher::new(url.clone(), subscription.queue),
        subscription,
        patience,
        inbox,
        alone,
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

pub(super) struct Consumer<H> {
    pub(super) publisher: Publisher,
    pub(super) subscription: Subscription,
    patience: Duration,
    pub(super) inbox: Option<Inbox>,
    alone: fn(&Event) -> bool,
    handler: H,
    shutdown: CancellationToken,
}

type Item = (Delivery, Ticket);

/// What goes on beside the loop.
enum Task {
    /// A batch is handled.
    Handle(Batch<Item>),
    /// A batch waits for something that is unavailable.
    Rest(Batch<Item>, Duration),
    /// Parked events are looked for.
    Sweep,
}

enum Finished {
    Handled(Batch<Item>, Vec<Outcome>),
    Rested(Batch<Item>),
    Swept(Vec<ParkedEvent>),
}

/// What is in memory over one connection.
#[derive(Default)]
struct InHand {
    turns: Turns<Item>,
    /// Batches at work.
    running: usize,
    /// Whether parked events are being looked for.
    sweeping: bool,
    /// Parked events in memory, by aggregate and version.
    parked: HashSet<(Uuid, i64)>,
}

impl<H: AsyncFn(&[Delivery]) -> Outcome> Consumer<H> {
    /// Consumes over one connection until that is lost or the process is asked to end.
    async fn run(&self, link: Link) -> anyhow::Result<()> {
        let mut messages = self.subscribe(&link).await?;
        let mut hand = InHand::default();
        let mut tasks = FuturesUnordered::new();
        let mut sweep = tokio::time::interval(SWEEP_INTERVAL);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            while let Some(batch) = hand.next_batch() {
                tasks.push(self.perform(Task::Handle(batch)));
            }
            let is_due = tokio::select! {
                () = self.shutdown.cancelled() => break,
                message = messages.next() => {
                    self.accept(&mut hand, message).await?;
                    // What has arrived with it goes into the same batches.
                    while let Some(message) = messages.next().now_or_never() {
                        self.accept(&mut hand, message).await?;
                    }
                    false
                }
                Some(finished) = tasks.next(), if !tasks.is_empty() => {
                    if let Some(task) = self.finish(&mut hand, finished).await? {
                        tasks.push(self.perform(task));
                    }
                    false
                }
                _ = sweep.tick() => true,
                () = self.some_are_behind() => true,
            };
            if is_due && self.inbox.is_some() && !hand.sweeping {
                hand.sweeping = true;
                tasks.push(self.perform(Task::Sweep));
            }
        }
        // What is at work is finished; the rest goes back to the broker with the connection.
        while hand.running > 0
            && let Some(finished) = tasks.next().await
        {
            self.finish(&mut hand, finished).await?;
        }
        drop(tasks);
        link.close().await;
        Ok(())
    }

    async fn subscribe(&self, link: &Link) -> anyhow::Result<Messages> {
        let queue = self.subscription.queue;
        link.channel
            .basic_qos(PREFETCH, BasicQosOptions::default())
            .await?;
        let messages = link
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
        Ok(messages)
    }

    /// Ready when an event was applied that others are parked behind.
    async fn some_are_behind(&self) {
        match &self.inbox {
            Some(inbox) => inbox.some_are_behind().await,
            None => std::future::pending().await,
        }
    }

    /// Takes over a message. An error means that the connection is of no use any more.
    async fn accept(
        &self,
        hand: &mut InHand,
        message: Option<lapin::Result<Message>>,
    ) -> anyhow::Result<()> {
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(error).context("the channel failed"),
            None => anyhow::bail!("the broker ended the consumption"),
        };
        let (body, ticket) = Ticket::of_message(message);
        if let Some(outcome) = ticket.suspicion() {
            return self.settle(ticket, &body, outcome).await;
        }
        self.take_in_hand(hand, body, ticket).await
    }

    /// Gives an event its place among those that wait; one that cannot be read has none.
    async fn take_in_hand(
        &self,
        hand: &mut InHand,
        envelope: Vec<u8>,
        ticket: Ticket,
    ) -> anyhow::Result<()> {
        match Event::decode(&envelope) {
            Ok((head, event)) => {
                let delivery = Delivery {
                    head,
                    event,
                    envelope,
                };
                let lane = delivery.lane();
                let item = (delivery, ticket);
                hand.turns.push(lane, self.goes_alone(&item), item);
                Ok(())
            }
            Err(malformed) => {
                hand.forget(&ticket);
                let outcome = Outcome::Poison(malformed.to_string());
                self.settle(ticket, &envelope, outcome).await
            }
        }
    }

    fn goes_alone(&self, (delivery, ticket): &Item) -> bool {
        ticket.has_failed() || (self.alone)(&delivery.event)
    }

    async fn perform(&self, task: Task) -> Finished {
        match task {
            Task::Handle(batch) => {
                let (batch, outcomes) = self.handle(batch).await;
                Finished::Handled(batch, outcomes)
            }
            Task::Rest(batch, pause) => {
                self.sleep(pause).await;
                Finished::Rested(batch)
            }
            Task::Sweep => Finished::Swept(match &self.inbox {
                Some(inbox) => inbox.due().await,
                None => Vec::new(),
            }),
        }
    }

    /// Does what follows; answers what is to go on beside the loop.
    async fn finish(&self, hand: &mut InHand, finished: Finished) -> anyhow::Result<Option<Task>> {
        match finished {
            Finished::Handled(batch, outcomes) => {
                hand.running -= 1;
                self.sort_out(hand, batch, outcomes).await
            }
            Finished::Rested(batch) => {
                hand.turns.put_first(batch, |item| self.goes_alone(item));
                Ok(None)
            }
            Finished::Swept(events) => {
                hand.sweeping = false;
                for event in events {
                    if hand.parked.insert((event.aggregate_id, event.version)) {
                        let (envelope, ticket) = Ticket::of_parked(event);
                        self.take_in_hand(hand, envelope, ticket).await?;
                    }
                }
                Ok(None)
            }
        }
    }

    /// Settles what is through, and keeps for another attempt what waits for something.
    async fn sort_out(
        &self,
        hand: &mut InHand,
        batch: Batch<Item>,
        outcomes: Vec<Outcome>,
    ) -> anyhow::Result<Option<Task>> {
        let organization_id = batch.organization_id;
        let mut kept = Vec::new();
        let mut free = Vec::new();
        let mut pause = Duration::ZERO;
        for ((key, (delivery, mut ticket)), outcome) in batch.items.into_iter().zip(outcomes) {
            let is_kept = match &outcome {
                Outcome::Unfinished => !self.shutdown.is_cancelled(),
                Outcome::Later(reason) => {
                    tracing::warn!(reason, "an event waits for an unavailable dependency");
                    let next = ticket.waits().min(PAUSE_MAX);
                    pause = pause.max(next);
                    !self.shutdown.is_cancelled()
                        && ticket.waited() + next <= self.patience
                        && ticket.age() < IN_HAND_MAX
                }
                Outcome::Done | Outcome::Retry(_) | Outcome::Poison(_) => false,
            };
            if is_kept {
                kept.push((key, (delivery, ticket)));
            } else {
                free.push(key);
                hand.forget(&ticket);
                self.settle(ticket, &delivery.envelope, outcome).await?;
            }
        }
        free.retain(|key| !kept.iter().any(|(busy, _)| busy == key));
        hand.turns.finish(organization_id, free);
        Ok((!kept.is_empty()).then(|| {
            let batch = Batch {
                organization_id,
                items: kept,
            };
            Task::Rest(batch, pause)
        }))
    }

    /// Runs the handler over a batch; where it fails for several events, over each by itself.
    async fn handle(&self, batch: Batch<Item>) -> (Batch<Item>, Vec<Outcome>) {
        let organization_id = batch.organization_id;
        let (keys, items): (Vec<Uuid>, Vec<Item>) = batch.items.into_iter().unzip();
        let (deliveries, tickets): (Vec<Delivery>, Vec<Ticket>) = items.into_iter().unzip();
        let spans: Vec<tracing::Span> = deliveries.iter().map(|event| self.span(event)).collect();
        let mut outcomes = Vec::with_capacity(deliveries.len());
        let span = spans.first().cloned().unwrap_or_else(tracing::Span::none);
        match self.attempt(&deliveries).instrument(span).await {
            outcome @ (Outcome::Done | Outcome::Later(_)) => {
                outcomes.resize(deliveries.len(), outcome);
            }
            outcome if deliveries.len() == 1 => outcomes.push(outcome),
            Outcome::Unfinished | Outcome::Retry(_) | Outcome::Poison(_) => {
                for (delivery, span) in deliveries.iter().zip(&spans) {
                    let one = std::slice::from_ref(delivery);
                    outcomes.push(self.attempt(one).instrument(span.clone()).await);
                }
            }
        }
        let items = deliveries.into_iter().zip(tickets);
        let batch = Batch {
            organization_id,
            items: keys.into_iter().zip(items).collect(),
        };
        (batch, outcomes)
    }

    async fn attempt(&self, deliveries: &[Delivery]) -> Outcome {
        let started = Instant::now();
        let attempt = AssertUnwindSafe((self.handler)(deliveries)).catch_unwind();
        let outcome = match tokio::time::timeout(HANDLER_TIMEOUT, attempt).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Outcome::Retry("the handler panicked".to_owned()),
            Err(_) => Outcome::Retry("the handler took too long".to_owned()),
        };
        let queue = self.subscription.queue;
        metrics::histogram!(CONSUMER_DURATION, "queue" => queue).record(started.elapsed());
        outcome
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

impl InHand {
    /// The batch whose turn it is, where one more may be at work.
    fn next_batch(&mut self) -> Option<Batch<Item>> {
        if self.running >= BATCHES_MAX {
            return None;
        }
        let batch = self.turns.next()?;
        self.running += 1;
        Some(batch)
    }

    fn forget(&mut self, ticket: &Ticket) {
        if let Some(parked) = ticket.parked() {
            self.parked.remove(&parked);
        }
    }
}

/// The pause after the first failure, and after each further one.
pub(super) const fn next_pause(pause: Duration) -> Duration {
    if pause.is_zero() {
        PAUSE_MIN
    } else {
        pause.saturating_mul(2)
    }
}

#[cfg(test)]
mod tests;
