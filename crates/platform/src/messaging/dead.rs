//! For administrators: look at dead letters, and send them round again once their cause is mended.

use anyhow::Context as _;
use lapin::{
    BasicProperties,
    options::{BasicAckOptions, BasicGetOptions, BasicNackOptions},
    types::{AMQPValue, FieldTable, ShortString},
};
use serde::Serialize;

use super::{
    connection::Link,
    publisher::Publisher,
    settle::{ATTEMPT, REASON, attempts},
    topology::{self, Subscription},
};
use crate::config::Secret;

/// A message that could not be handled.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// The event's id.
    pub event_id: Option<String>,
    /// The event's type.
    pub event_type: Option<String>,
    /// How often it was tried.
    pub attempts: i64,
    /// Why the last attempt failed; absent where the broker gave up on its own.
    pub reason: Option<String>,
}

/// The first `limit` dead letters of a queue. They stay where they are.
pub async fn list(
    url: &Secret,
    subscription: Subscription,
    limit: usize,
) -> anyhow::Result<Vec<DeadLetter>> {
    let link = Link::open(url, "dead letters").await?;
    let queue = subscription.dead_queue();
    let mut letters = Vec::new();
    let mut last = None;
    while letters.len() < limit {
        let fetched = link
            .channel
            .basic_get(queue.as_str().into(), BasicGetOptions::default())
            .await?;
        let Some(message) = fetched else { break };
        letters.push(letter(&message.delivery.properties));
        last = Some(message.delivery);
    }
    if let Some(last) = last {
        let all = BasicNackOptions {
            multiple: true,
            requeue: true,
        };
        last.nack(all)
            .await
            .context("failed to put the dead letters back")?;
    }
    link.close().await;
    Ok(letters)
}

/// Sends every dead letter of a queue round again and answers how many.
pub async fn redrive(url: &Secret, subscription: Subscription) -> anyhow::Result<u32> {
    let link = Link::open(url, "dead letters").await?;
    let publisher = Publisher::new(url.clone(), "dead letters");
    let dead = subscription.dead_queue();
    let mut moved = 0;
    // Those that die again meanwhile are not taken a second time.
    let mut left = None;
    while left != Some(0) {
        let fetched = link
            .channel
            .basic_get(dead.as_str().into(), BasicGetOptions::default())
            .await?;
        let Some(message) = fetched else { break };
        left = Some(left.map_or(message.message_count, |left: u32| left - 1));
        let properties = fresh(&message.delivery.properties);
        publisher
            .send(
                topology::RETURNS,
                subscription.queue,
                &message.delivery.data,
                properties,
            )
            .await?;
        message
            .delivery
            .ack(BasicAckOptions::default())
            .await
            .context("failed to acknowledge")?;
        moved += 1;
    }
    link.close().await;
    Ok(moved)
}

fn letter(properties: &BasicProperties) -> DeadLetter {
    let headers = properties.headers().as_ref().map(FieldTable::inner);
    let reason = match headers.and_then(|headers| headers.get(REASON)) {
        Some(AMQPValue::LongString(reason)) => {
            Some(String::from_utf8_lossy(reason.as_bytes()).into_owned())
        }
        _ => None,
    };
    DeadLetter {
        event_id: properties.message_id().as_ref().map(ShortString::to_string),
        event_type: properties.kind().as_ref().map(ShortString::to_string),
        attempts: attempts(properties),
        reason,
    }
}

/// The properties as they were before the first attempt.
fn fresh(properties: &BasicProperties) -> BasicProperties {
    let mut headers = FieldTable::default();
    for (name, value) in properties.headers().iter().flatten() {
        if ![ATTEMPT, REASON].contains(&name.as_str()) && !name.as_str().starts_with("x-") {
            headers.insert(name.clone(), value.clone());
        }
    }
    properties.clone().with_headers(headers)
}
