//! What the broker holds, and who may do what there. An operator imports it ([`definitions`]) before the services
//! start; they only look whether it is there, so that none of them needs the right to change it.

use anyhow::Context as _;
use contracts::routing;
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable, LongString},
};
use serde_json::{Value, json};

/// A service's queue and its bindings.
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
        routing::TASK_CHASED,
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

/// The topic exchange for messages on their way to the retry queue, to the dead letters, and back from there; a routing
/// key is a queue's name. Who may write to the default exchange may write to every queue; here each service has a
/// permission for its own.
pub(super) const RETURNS: &str = "haushavn.returns";

/// RabbitMQ's virtual host.
const VHOST: &str = "/";

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

    fn names(&self) -> [String; 3] {
        [self.queue.to_owned(), self.retry_queue(), self.dead_queue()]
    }

    /// The queues as definitions. Dead letters go through the default exchange, as the broker and not as an account.
    fn queues(&self) -> [Value; 3] {
        let queue = |name: &str, mut arguments: Value| {
            arguments["x-queue-type"] = "quorum".into();
            json!({"name": name, "vhost": VHOST, "durable": true, "auto_delete": false, "arguments": arguments})
        };
        // At-least-once dead lettering asks for `reject-publish`.
        let dead_lettering_to = |queue: &str| {
            json!({
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": queue,
                "x-dead-letter-strategy": "at-least-once",
                "x-overflow": "reject-publish",
                "x-max-length-bytes": QUEUE_BYTES_MAX,
            })
        };
        let mut own = dead_lettering_to(&self.dead_queue());
        own["x-delivery-limit"] = DELIVERY_LIMIT.into();
        own["x-single-active-consumer"] = true.into();
        let mut retry = dead_lettering_to(self.queue);
        retry["x-message-ttl"] = RETRY_DELAY_MS.into();
        [
            queue(self.queue, own),
            queue(&self.retry_queue(), retry),
            queue(
                &self.dead_queue(),
                json!({"x-delivery-limit": DEAD_DELIVERY_LIMIT}),
            ),
        ]
    }

    fn bindings(&self) -> Vec<Value> {
        let binding = |exchange: &str, queue: &str, key: &str| {
            json!({
                "source": exchange, "vhost": VHOST, "destination": queue, "destination_type": "queue",
                "routing_key": key, "arguments": {},
            })
        };
        let heard = self
            .bindings
            .iter()
            .map(|key| binding(routing::EXCHANGE, self.queue, key));
        let back = self.names().map(|name| binding(RETURNS, &name, &name));
        heard.chain(back).collect()
    }

    /// The subscription with this queue.
    pub fn find(queue: &str) -> Option<Self> {
        SUBSCRIPTIONS
            .into_iter()
            .find(|subscription| subscription.queue == queue)
    }
}

/// An account at the broker with the least that its program needs. None may configure anything.
struct Account {
    name: &'static str,
    /// Starts of the routing keys of the events that it emits.
    emits: &'static [&'static str],
    /// The service's own queue.
    subscription: Subscription,
}

const SERVICES: [Account; 4] = [
    Account {
        name: "deal-service",
        emits: &["deals."],
        subscription: DEAL_SERVICE,
    },
    Account {
        name: "task-service",
        emits: &["tasks."],
        subscription: TASK_SERVICE,
    },
    Account {
        name: "user-service",
        emits: &["users.", "notifications."],
        subscription: USER_SERVICE,
    },
    Account {
        name: "workflow-worker",
        emits: &[],
        subscription: WORKFLOW_WORKER,
    },
];

/// Reads dead letters of every queue, and sends them round again.
const OPERATOR: &str = "operator";

/// Whether a service emits events with this routing key. The broker closes the channel over any other, and with it
/// what is published beside.
pub(super) fn emits(service: &str, key: &str) -> bool {
    SERVICES
        .iter()
        .filter(|account| account.name == service)
        .any(|account| account.emits.iter().any(|start| key.starts_with(start)))
}

/// Exchanges, queues, bindings and the permissions of accounts, as RabbitMQ's management API and its setting
/// `load_definitions` read them. Importing them once more changes nothing. The accounts themselves, with their
/// passwords, are made before.
pub fn definitions() -> Value {
    let exchanges = [routing::EXCHANGE, RETURNS].map(|name| {
        json!({
            "name": name, "vhost": VHOST, "type": "topic", "durable": true, "auto_delete": false, "internal": false,
            "arguments": {},
        })
    });
    let queues = SUBSCRIPTIONS.iter().flat_map(Subscription::queues);
    json!({
        "vhosts": [{"name": VHOST}],
        "exchanges": exchanges,
        "queues": queues.collect::<Vec<_>>(),
        "bindings": SUBSCRIPTIONS.iter().flat_map(Subscription::bindings).collect::<Vec<_>>(),
        "permissions": permissions(),
        "topic_permissions": topic_permissions(),
    })
}

fn permissions() -> Vec<Value> {
    let permission = |user: &str, write: String, read: String| json!({"user": user, "vhost": VHOST, "configure": "^$", "write": write, "read": read});
    let of_service = |account: &Account| {
        let exchanges = if account.emits.is_empty() {
            vec![RETURNS]
        } else {
            vec![routing::EXCHANGE, RETURNS]
        };
        permission(
            account.name,
            one_of(&exchanges),
            one_of(&[account.subscription.queue]),
        )
    };
    let dead: Vec<String> = SUBSCRIPTIONS.iter().map(Subscription::dead_queue).collect();
    let dead: Vec<&str> = dead.iter().map(String::as_str).collect();
    let operator = permission(OPERATOR, one_of(&[RETURNS]), one_of(&dead));
    SERVICES.iter().map(of_service).chain([operator]).collect()
}

/// Without a line for an exchange, every routing key may be used there.
fn topic_permissions() -> Vec<Value> {
    let permission = |user: &str, exchange: &str, write: String| json!({"user": user, "vhost": VHOST, "exchange": exchange, "write": write, "read": "^$"});
    let of_service = |account: &Account| {
        let starts: Vec<String> = account.emits.iter().map(|start| literal(start)).collect();
        let emits = if starts.is_empty() {
            "^$".to_owned()
        } else {
            format!("^({})", starts.join("|"))
        };
        let own = account.subscription;
        [
            permission(account.name, routing::EXCHANGE, emits),
            permission(
                account.name,
                RETURNS,
                one_of(&[&own.retry_queue(), &own.dead_queue()]),
            ),
        ]
    };
    let queues = SUBSCRIPTIONS.map(|subscription| subscription.queue);
    let operator = [
        permission(OPERATOR, routing::EXCHANGE, "^$".to_owned()),
        permission(OPERATOR, RETURNS, one_of(&queues)),
    ];
    SERVICES
        .iter()
        .flat_map(of_service)
        .chain(operator)
        .collect()
}

/// The pattern that matches these names and nothing else.
fn one_of(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| literal(name)).collect();
    format!("^({})$", names.join("|"))
}

/// Dots are the only characters of our names that a pattern reads otherwise.
fn literal(name: &str) -> String {
    name.replace('.', "\\.")
}

/// Looks whether everything is there that [`definitions`] say, but for bindings and arguments, which cannot be looked
/// up: an event that is emitted before its consumer's queue is there would be lost to that consumer.
pub(super) async fn look_up(channel: &Channel) -> anyhow::Result<()> {
    const HINT: &str = "import what `workflow-worker broker-definitions` prints";
    for exchange in [routing::EXCHANGE, RETURNS] {
        let options = ExchangeDeclareOptions {
            passive: true,
            ..ExchangeDeclareOptions::default()
        };
        channel
            .exchange_declare(
                exchange.into(),
                ExchangeKind::Topic,
                options,
                FieldTable::default(),
            )
            .await
            .with_context(|| format!("the exchange {exchange} cannot be used: {HINT}"))?;
    }
    for subscription in SUBSCRIPTIONS {
        for queue in subscription.names() {
            let options = QueueDeclareOptions {
                passive: true,
                ..QueueDeclareOptions::default()
            };
            channel
                .queue_declare(queue.as_str().into(), options, FieldTable::default())
                .await
                .with_context(|| format!("the queue {queue} cannot be used: {HINT}"))?;
        }
    }
    Ok(())
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

    #[test]
    fn every_event_is_emitted_by_one_service() {
        for key in keys() {
            let emitting = SERVICES.iter().filter(|account| emits(account.name, key));
            assert_eq!(emitting.count(), 1, "{key}");
        }
        assert!(!emits("task-service", "deals.deal.closed"));
        assert!(!emits("workflow-worker", "tasks.task.created"));
    }

    /// The broker's rule for topic bindings, as far as ours go: a trailing `#` takes any rest.
    fn hears(binding: &str, key: &str) -> bool {
        binding
            .strip_suffix('#')
            .map_or(binding == key, |start| key.starts_with(start))
    }

    fn keys() -> impl Iterator<Item = &'static str> {
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
        keys.into_iter().flatten()
    }

    #[test]
    fn every_event_has_somebody_who_hears_it() {
        for key in keys() {
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
