//! Publishes events, each confirmed by the broker.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use contracts::{
    event::{Event, Head},
    routing,
};
use lapin::{
    BasicProperties, Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::{FieldTable, ShortString},
};
use tokio::sync::Mutex;

use super::{connection::Link, topology};
use crate::{
    config::Secret, telemetry::metrics::MESSAGES_PUBLISHED, telemetry::traces::TRACEPARENT,
};

/// A confirm takes no longer, or the message counts as not published.
const CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);
/// Between two attempts to connect.
const CONNECT_INTERVAL_MIN: Duration = Duration::from_millis(500);
/// A larger message is refused here: the broker would close the channel over it, and other messages on the channel
/// would fail too. Limits on texts and plans keep every event smaller.
const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Message survives a restart of the broker.
const PERSISTENT: u8 = 2;

/// Publishes over one connection of its own, which is opened when needed and replaced when lost. Cheap to
/// clone; messages may be published side by side.
#[derive(Clone)]
pub struct Publisher {
    shared: Arc<Shared>,
}

struct Shared {
    url: Secret,
    service: &'static str,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    link: Option<Link>,
    failed_at: Option<Instant>,
}

/// Why a message was not published.
#[derive(Debug)]
pub enum Unpublished {
    /// The broker is unavailable. Nothing is wrong with the message, and none of the others would go either.
    Away(anyhow::Error),
    /// This message is not taken: refused, too large, unconfirmed, or known to no queue. Others may well be.
    NotTaken(String),
}

impl fmt::Display for Unpublished {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away(error) => write!(formatter, "the broker is unavailable: {error:#}"),
            Self::NotTaken(reason) => formatter.write_str(reason),
        }
    }
}

impl std::error::Error for Unpublished {}

impl Publisher {
    /// A publisher that connects when the first message comes. `service` is also the name of its account at the broker.
    pub fn new(url: Secret, service: &'static str) -> Self {
        let state = Mutex::new(State::default());
        Self {
            shared: Arc::new(Shared {
                url,
                service,
                state,
            }),
        }
    }

    /// Publishes an event. `Ok` means that the broker has it in at least one queue.
    ///
    /// # Errors
    /// When the broker is unavailable, refuses, answers too late, or knows no queue for the event. The message may have
    /// arrived nevertheless: consumers recognise a repetition by its id.
    pub async fn publish(&self, head: &Head, event: &Event) -> Result<(), Unpublished> {
        let key = event.routing_key();
        let outcome = if topology::emits(self.shared.service, key) {
            let body = event.encode(head);
            self.send(routing::EXCHANGE, key, &body, properties(head, event))
                .await
        } else {
            let service = self.shared.service;
            Err(Unpublished::NotTaken(format!(
                "{service} may not emit {key}"
            )))
        };
        let word = if outcome.is_ok() {
            "confirmed"
        } else {
            "failed"
        };
        metrics::counter!(MESSAGES_PUBLISHED, "outcome" => word).increment(1);
        outcome
    }

    /// Whether the broker is there. For readiness.
    pub async fn ping(&self) -> anyhow::Result<()> {
        self.channel().await.map(drop)
    }

    /// Publishes any message, confirmed.
    pub(super) async fn send(
        &self,
        exchange: &str,
        key: &str,
        body: &[u8],
        properties: BasicProperties,
    ) -> Result<(), Unpublished> {
        if body.len() > MESSAGE_BYTES_MAX {
            let size = body.len();
            return Err(Unpublished::NotTaken(format!("{size} bytes are too large")));
        }
        let not_taken = |reason: &str| Err(Unpublished::NotTaken(reason.to_owned()));
        let (Ok(exchange), Ok(key)) = (ShortString::try_new(exchange), ShortString::try_new(key))
        else {
            return not_taken("the routing key is too long");
        };
        let channel = self.channel().await.map_err(Unpublished::Away)?;
        let sending = async {
            let options = BasicPublishOptions {
                mandatory: true,
                ..BasicPublishOptions::default()
            };
            channel
                .basic_publish(exchange, key, options, body, properties)
                .await?
                .await
        };
        match in_time(sending).await {
            Some(Ok(Confirmation::Ack(None))) => Ok(()),
            Some(Ok(Confirmation::Ack(Some(_)))) => not_taken("no queue is bound for the message"),
            Some(Ok(Confirmation::Nack(_))) => not_taken("the broker refused the message"),
            Some(Ok(Confirmation::NotRequested)) => not_taken("the channel does not confirm"),
            Some(Err(error)) => {
                self.drop_broken().await;
                Err(Unpublished::Away(error.into()))
            }
            None => {
                self.drop_link().await;
                not_taken("the broker did not confirm in time")
            }
        }
    }

    async fn channel(&self) -> anyhow::Result<Channel> {
        let mut state = self.shared.state.lock().await;
        if let Some(link) = state.link.as_ref().filter(|link| link.is_alive()) {
            return Ok(link.channel.clone());
        }
        state.link = None;
        if state
            .failed_at
            .is_some_and(|at| at.elapsed() < CONNECT_INTERVAL_MIN)
        {
            anyhow::bail!("the broker is unavailable");
        }
        match self.connect().await {
            Ok(link) => {
                let channel = link.channel.clone();
                *state = State {
                    link: Some(link),
                    failed_at: None,
                };
                Ok(channel)
            }
            Err(error) => {
                state.failed_at = Some(Instant::now());
                Err(error)
            }
        }
    }

    async fn connect(&self) -> anyhow::Result<Link> {
        let link = Link::open(
            &self.shared.url,
            &format!("{} publisher", self.shared.service),
        )
        .await?;
        link.channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .context("failed to ask for confirms")?;
        Ok(link)
    }

    async fn drop_broken(&self) {
        let mut state = self.shared.state.lock().await;
        if state.link.as_ref().is_some_and(|link| !link.is_alive()) {
            state.link = None;
        }
    }

    async fn drop_link(&self) {
        let link = self.shared.state.lock().await.link.take();
        if let Some(link) = link {
            link.close().await;
        }
    }
}

impl fmt::Debug for Publisher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Publisher")
            .field("service", &self.shared.service)
            .finish_non_exhaustive()
    }
}

/// What the broker says of a message that is sent; `None` where it says nothing in time.
async fn in_time<T>(sending: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(CONFIRM_TIMEOUT, sending).await.ok()
}

fn properties(head: &Head, event: &Event) -> BasicProperties {
    let mut headers = FieldTable::default();
    headers.insert(
        "organizationId".into(),
        topology::text(&head.organization_id.to_string()),
    );
    headers.insert(
        "actorUserId".into(),
        topology::text(&head.actor_user_id.to_string()),
    );
    headers.insert("requestId".into(), topology::text(&head.request_id));
    if let Some(traceparent) = &head.traceparent {
        headers.insert(TRACEPARENT.into(), topology::text(traceparent));
    }
    let kind = ShortString::try_new(event.routing_key()).unwrap_or_default();
    BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_content_type("application/x-protobuf".into())
        .with_message_id(head.id.to_string().into())
        .with_type(kind)
        .with_headers(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[actix_web::test]
    async fn a_message_of_more_than_four_mebibytes_never_gets_to_the_broker() {
        let publisher = Publisher::new(Secret::new("amqp://127.0.0.1:1"), "task-service");
        let send = async |length: usize| {
            let body = vec![0; length];
            let properties = BasicProperties::default();
            publisher
                .send(routing::EXCHANGE, routing::TASK_CREATED, &body, properties)
                .await
        };
        let fits = send(4 * 1024 * 1024).await;
        assert!(matches!(fits, Err(Unpublished::Away(_))), "{fits:?}");
        let too_large = send(4 * 1024 * 1024 + 1).await;
        assert!(
            matches!(&too_large, Err(Unpublished::NotTaken(reason)) if reason == "4194305 bytes are too large"),
            "{too_large:?}"
        );
    }

    #[actix_web::test]
    async fn a_confirm_is_waited_for_five_seconds_and_no_longer() {
        tokio::time::pause();
        let late = in_time(tokio::time::sleep(Duration::from_millis(5_001)));
        assert_eq!(late.await, None);
        let just_in_time = in_time(tokio::time::sleep(Duration::from_millis(4_999)));
        assert_eq!(just_in_time.await, Some(()));
    }
}
