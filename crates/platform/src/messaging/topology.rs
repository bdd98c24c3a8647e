//! What stands in the broker. Every connection declares all of it, so that no event is lost because its
//! consumer has never run yet.

use contracts::routing;
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, LongString},
};

/// A service's queue and what it hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The queue's name; also the consumer's name in the inbox.
    pub queue: &'static str,
    /// Patterns of routing keys.
    pub bindings: &'static [&'static str],
}

/// Feeds the deals' read models and drops their cache entries.
pub const DEAL_SERVICE: Subscription = Subscription {
    queue: "deal-service.events",
    bindings: &[
        routing::ALL_DEALS,
        routing::ALL_TASKS,
        routing::USER_UPDATED,
        routing::USER_DISABLED,
        routing::USER_JOINED,
        routing::USER_INVITED,
    ],
};

/// Follows deals with their plans, and takes tasks from users who are gone.
pub const TASK_SERVICE: Subscription = Subscription {
    queue: "task-service.events",
    bindings: &[routing::ALL_DEALS, "users.user.#"],
};

/// Drops what is cached of users and organizations.
pub const USER_SERVICE: Subscription = Subscription {
    queue: "user-service.events",
    bindings: &[routing::ALL_USERS],
};

/// Starts and signals workflows.
pub const WORKFLOW_WORKER: Subscription = Subscription {
    queue: "workflow-worker.events",
    bindings: &[
        "deals.deal.#",
        routing::PLAN_REVISED,
        routing::KEY_DATES_CHANGED,
        routing::TASK_CREATED,
        routing::TASK_UPDATED,
        routing::TASK_ASSIGNED,
        routing::TASK_UNLOCKED,
        routing::TASK_BLOCKED,
        routing::TASK_COMPLETED,
        routing::TASK_WAIVED,
        routing::TASK_REOPENED,
        routing::TASK_DELETED,
        routing::ALL_NOTIFICATIONS,
    ],
};

/// Every subscription there is.
pub const SUBSCRIPTIONS: [Subscription; 4] =
    [DEAL_SERVICE, TASK_SERVICE, USER_SERVICE, WORKFLOW_WORKER];

/// How often a message may come back from a consumer that died over it.
const DELIVERY_LIMIT: i64 = 8;
/// Looking at dead letters counts as a delivery as well, and must not lose them.
const DEAD_DELIVERY_LIMIT: i64 = 1_000_000;
/// How long a message waits in the retry queue.
const RETRY_DELAY_MS: i64 = 2_000;
/// A queue that nobody empties takes no more than this; then publishers keep their outbox rows.
const QUEUE_BYTES_MAX: i64 = 512 * 1024 * 1024;

impl Subscription {
    /// Where messages wait before they are tried again.
    pub fn retry_queue(&self) -> String {
        format!("{}.retry", self.queue)
    }

    /// Where messages end that cannot be handled.
    pub fn dead_queue(&self) -> String {
        format!("{}.dead", self.queue)
    }

    /// The subscription with this queue.
    pub fn find(queue: &str) -> Option<Self> {
        SUBSCRIPTIONS
            .into_iter()
            .find(|subscription| subscription.queue == queue)
    }
}

/// Declares the exchange, all queues and all bindings. Harmless when they are there.
pub(super) async fn declare(channel: &Channel) -> lapin::Result<()> {
    let durable = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    channel
        .exchange_declare(
            routing::EXCHANGE.into(),
            ExchangeKind::Topic,
            durable,
            FieldTable::default(),
        )
        .await?;
    for subscription in SUBSCRIPTIONS {
        declare_queues(channel, subscription).await?;
    }
    Ok(())
}

async fn declare_queues(channel: &Channel, subscription: Subscription) -> lapin::Result<()> {
    let (retry, dead) = (subscription.retry_queue(), subscription.dead_queue());
    let dead_arguments = arguments([("x-delivery-limit", DEAD_DELIVERY_LIMIT.into())]);
    declare_queue(channel, &dead, dead_arguments).await?;

    let mut retry_arguments = dead_lettering_to(subscription.queue);
    retry_arguments.insert("x-message-ttl".into(), RETRY_DELAY_MS.into());
    declare_queue(channel, &retry, retry_arguments).await?;

    let mut queue_arguments = dead_lettering_to(&dead);
    queue_arguments.insert("x-delivery-limit".into(), DELIVERY_LIMIT.into());
    queue_arguments.insert("x-single-active-consumer".into(), true.into());
    declare_queue(channel, subscription.queue, queue_arguments).await?;

    for binding in subscription.bindings {
        channel
            .queue_bind(
                subscription.queue.into(),
                routing::EXCHANGE.into(),
                (*binding).into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await?;
    }
    Ok(())
}

async fn declare_queue(
    channel: &Channel,
    name: &str,
    mut arguments: FieldTable,
) -> lapin::Result<()> {
    arguments.insert("x-queue-type".into(), text("quorum"));
    channel
        .queue_declare(name.into(), QueueDeclareOptions::durable(), arguments)
        .await?;
    Ok(())
}

/// At-least-once dead lettering through the default exchange; it asks for `reject-publish`.
fn dead_lettering_to(queue: &str) -> FieldTable {
    arguments([
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(queue)),
        ("x-dead-letter-strategy", text("at-least-once")),
        ("x-overflow", text("reject-publish")),
        ("x-max-length-bytes", QUEUE_BYTES_MAX.into()),
    ])
}

fn arguments<const N: usize>(pairs: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in pairs {
        table.insert(name.into(), value);
    }
    table
}

pub(super) fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(value))
}

#[cfg(test)]
mod tests {
    use contracts::event::{
        CommentChange, DealChange, KeyDatesChange, MilestoneChange, NotificationChange,
        OrganizationChange, PartyChange, PlanChange, TaskChange, UserChange,
    };

    use super::*;

    /// The broker's rule for topic bindings, as far as ours go: a trailing `#` takes any rest.
    fn hears(binding: &str, key: &str) -> bool {
        binding
            .strip_suffix('#')
            .map_or(binding == key, |start| key.starts_with(start))
    }

    #[test]
    fn every_event_has_somebody_who_hears_it() {
        let keys = [
            DealChange::ALL
                .iter()
                .map(|c| c.routing_key())
                .collect::<Vec<_>>(),
            PartyChange::ALL.iter().map(|c| c.routing_key()).collect(),
            TaskChange::ALL.iter().map(|c| c.routing_key()).collect(),
            MilestoneChange::ALL
                .iter()
                .map(|c| c.routing_key())
                .collect(),
            PlanChange::ALL.iter().map(|c| c.routing_key()).collect(),
            KeyDatesChange::ALL
                .iter()
                .map(|c| c.routing_key())
                .collect(),
            CommentChange::ALL.iter().map(|c| c.routing_key()).collect(),
            UserChange::ALL.iter().map(|c| c.routing_key()).collect(),
            OrganizationChange::ALL
                .iter()
                .map(|c| c.routing_key())
                .collect(),
            NotificationChange::ALL
                .iter()
                .map(|c| c.routing_key())
                .collect(),
        ];
        for key in keys.into_iter().flatten() {
            let heard = SUBSCRIPTIONS
                .iter()
                .any(|s| s.bindings.iter().any(|binding| hears(binding, key)));
            assert!(
                heard,
                "{key} would be returned as unroutable and stay in the outbox"
            );
        }
    }
}
