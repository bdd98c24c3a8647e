//! What a service's accounts at Redis and RabbitMQ reach, and what they do not.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on should say why"
)]

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, ErrorKind, ExchangeKind,
    options::{
        BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions,
        ExchangeBindOptions, ExchangeDeclareOptions, ExchangeDeleteOptions, QueueBindOptions,
        QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
    },
    protocol::{AMQPErrorKind, AMQPSoftError},
    types::FieldTable,
};
use reqwest::Url;
use testkit::{Client, settings_of, stack};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// What Redis answers a service's account to one command.
async fn answer(service: &str, command: &str) -> String {
    let settings = settings_of(service);
    let url: Url = settings["HAUSHAVN_REDIS_URL"].parse().expect("an address");
    let address = (url.host_str().expect("a host"), url.port().expect("a port"));
    let mut redis = TcpStream::connect(address).await.expect("Redis is there");
    let (user, password) = (url.username(), url.password().expect("a password"));
    assert_eq!(user, service, "an account of its own");
    let lines = format!("AUTH {user} {password}\r\n{command}\r\nQUIT\r\n");
    redis.write_all(lines.as_bytes()).await.expect("sent");
    let mut text = String::new();
    redis.read_to_string(&mut text).await.expect("an answer");
    let rest = text.strip_prefix("+OK\r\n").expect("the password is right");
    rest.to_owned()
}

#[tokio::test]
async fn a_service_reaches_its_own_keys_in_redis_and_no_others() {
    let own = [
        ("user-service", "session:none"),
        ("user-service", "profile:none"),
        ("deal-service", "summary:none"),
        ("gateway", "session:none"),
        ("gateway", "limit:none"),
    ];
    for (service, _) in own {
        for (_, key) in own {
            for command in [format!("GET {key}"), format!("SET {key} forged NX PX 1")] {
                let answer = answer(service, &command).await;
                let is_refused = answer.starts_with("-NOPERM");
                let is_own = own.contains(&(service, key));
                assert_eq!(is_refused, !is_own, "{service}: {command}: {answer}");
            }
        }
        for command in ["KEYS *", "FLUSHALL", "CONFIG GET requirepass", "ACL LIST"] {
            let answer = answer(service, command).await;
            assert!(
                answer.starts_with("-NOPERM"),
                "{service}: {command}: {answer}"
            );
        }
    }
}

/// Each account at RabbitMQ, with the starts of the routing keys that it may publish.
const BROKER_ACCOUNTS: [(&str, &[&str]); 5] = [
    ("user-service", &["users.", "notifications."]),
    ("deal-service", &["deals."]),
    ("task-service", &["tasks."]),
    ("workflow-worker", &[]),
    ("operator", &[]),
];
const CONSUMERS: [&str; 4] = [
    "user-service",
    "deal-service",
    "task-service",
    "workflow-worker",
];
const EVENTS: &str = "haushavn.events";
const RETURNS: &str = "haushavn.returns";

/// A connection as an account; each attempt needs a channel of its own, which the broker closes over a refusal.
struct Broker {
    account: &'static str,
    connection: Connection,
}

impl Broker {
    async fn of(account: &'static str) -> Self {
        let settings = settings_of(account);
        let url: Url = settings["HAUSHAVN_AMQP_URL"].parse().expect("an address");
        assert_eq!(url.username(), account, "an account of its own");
        let connection = Connection::connect(url.as_str(), ConnectionProperties::default())
            .await
            .expect("RabbitMQ takes the password");
        Self {
            account,
            connection,
        }
    }

    /// The attempt is refused for want of a permission, and for nothing else.
    async fn is_refused<T>(&self, what: &str, attempt: impl AsyncFn(Channel) -> lapin::Result<T>) {
        let channel = self.connection.create_channel().await.expect("a channel");
        let outcome = attempt(channel).await.map(drop);
        let error = outcome.expect_err(&format!("{}: {what}", self.account));
        let ErrorKind::ProtocolError(protocol) = error.kind() else {
            panic!("{}: {what}: {error}", self.account)
        };
        let refused = AMQPErrorKind::Soft(AMQPSoftError::ACCESSREFUSED);
        assert_eq!(
            protocol.kind(),
            &refused,
            "{}: {what}: {error}",
            self.account
        );
    }

    async fn may_not_publish(&self, exchange: &str, key: &str) {
        self.is_refused(
            &format!("publish to '{exchange}' with {key}"),
            async |channel| {
                channel
                    .confirm_select(ConfirmSelectOptions::default())
                    .await?;
                channel
                    .basic_publish(
                        exchange.into(),
                        key.into(),
                        BasicPublishOptions::default(),
                        b"forged",
                        BasicProperties::default(),
                    )
                    .await?
                    .await
            },
        )
        .await;
    }

    async fn may_not_read(&self, queue: &str) {
        self.is_refused(&format!("consume {queue}"), async |channel| {
            let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
            channel
                .basic_consume(queue.into(), "".into(), options, arguments)
                .await
        })
        .await;
        self.is_refused(&format!("get from {queue}"), async |channel| {
            channel
                .basic_get(queue.into(), BasicGetOptions::default())
                .await
        })
        .await;
        self.is_refused(&format!("purge {queue}"), async |channel| {
            channel
                .queue_purge(queue.into(), QueuePurgeOptions::default())
                .await
        })
        .await;
    }

    /// Neither its own queue nor another's.
    async fn may_not_change(&self, queue: &str) {
        self.is_refused(&format!("delete {queue}"), async |channel| {
            channel
                .queue_delete(queue.into(), QueueDeleteOptions::default())
                .await
        })
        .await;
        self.is_refused(&format!("declare {queue}"), async |channel| {
            let (options, arguments) = (QueueDeclareOptions::durable(), FieldTable::default());
            channel
                .queue_declare(queue.into(), options, arguments)
                .await
        })
        .await;
        for exchange in [EVENTS, RETURNS] {
            self.is_refused(&format!("bind {queue} to {exchange}"), async |channel| {
                let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
                channel
                    .queue_bind(
                        queue.into(),
                        exchange.into(),
                        "#".into(),
                        options,
                        arguments,
                    )
                    .await
            })
            .await;
            self.is_refused(
                &format!("unbind {queue} from {exchange}"),
                async |channel| {
                    let arguments = FieldTable::default();
                    channel
                        .queue_unbind(queue.into(), exchange.into(), queue.into(), arguments)
                        .await
                },
            )
            .await;
        }
    }
}

#[tokio::test]
async fn an_account_at_the_broker_publishes_the_events_of_its_own_context_and_no_others() {
    let forged = [
        "users.user.disabled",
        "notifications.notification.created",
        "deals.deal.closed",
        "tasks.task.completed",
    ];
    for (account, own) in BROKER_ACCOUNTS {
        let broker = Broker::of(account).await;
        let is_own = |key: &&str| own.iter().any(|start| key.starts_with(start));
        for key in forged.iter().filter(|key| !is_own(key)) {
            broker.may_not_publish(EVENTS, key).await;
        }
        // Whatever else leads to a queue.
        for consumer in CONSUMERS {
            let queue = format!("{consumer}.events");
            let (retry, dead) = (format!("{queue}.retry"), format!("{queue}.dead"));
            for key in [&queue, &retry, &dead] {
                broker.may_not_publish("", key).await;
            }
            if account != "operator" {
                broker.may_not_publish(RETURNS, &queue).await;
            }
            if account != consumer {
                broker.may_not_publish(RETURNS, &retry).await;
                broker.may_not_publish(RETURNS, &dead).await;
            }
        }
        for exchange in ["amq.direct", "amq.fanout", "amq.topic", "amq.headers"] {
            broker.may_not_publish(exchange, "any").await;
        }
    }
}

#[tokio::test]
async fn an_account_at_the_broker_reads_its_own_queue_and_no_other() {
    for (account, _) in BROKER_ACCOUNTS {
        let broker = Broker::of(account).await;
        for consumer in CONSUMERS {
            let queue = format!("{consumer}.events");
            broker.may_not_read(&format!("{queue}.retry")).await;
            if account != "operator" {
                broker.may_not_read(&format!("{queue}.dead")).await;
            }
            if account != consumer {
                broker.may_not_read(&queue).await;
            }
        }
    }
}

#[tokio::test]
async fn an_account_at_the_broker_declares_changes_and_deletes_nothing() {
    for (account, _) in BROKER_ACCOUNTS {
        let broker = Broker::of(account).await;
        for consumer in CONSUMERS {
            for end in ["", ".retry", ".dead"] {
                let queue = format!("{consumer}.events{end}");
                broker.may_not_change(&queue).await;
            }
        }
        for exchange in [EVENTS, RETURNS, "an.exchange.of.its.own"] {
            broker
                .is_refused(&format!("declare {exchange}"), async |channel| {
                    let options = ExchangeDeclareOptions::default();
                    let kind = ExchangeKind::Fanout;
                    channel
                        .exchange_declare(exchange.into(), kind, options, FieldTable::default())
                        .await
                })
                .await;
            broker
                .is_refused(&format!("delete {exchange}"), async |channel| {
                    channel
                        .exchange_delete(exchange.into(), ExchangeDeleteOptions::default())
                        .await
                })
                .await;
        }
        broker
            .is_refused("bind an exchange to another", async |channel| {
                let (options, arguments) = (ExchangeBindOptions::default(), FieldTable::default());
                channel
                    .exchange_bind(
                        RETURNS.into(),
                        EVENTS.into(),
                        "#".into(),
                        options,
                        arguments,
                    )
                    .await
            })
            .await;
        // Nor by the broker's own API, which creates accounts.
        let settings = settings_of(account);
        let url: Url = settings["HAUSHAVN_AMQP_URL"].parse().expect("an address");
        let mut api: Url = stack().rabbitmq_management.parse().expect("an address");
        api.set_username(account).expect("a name");
        api.set_password(url.password()).expect("a password");
        let answer = Client::new(api.as_str().trim_end_matches('/'))
            .get("/api/queues")
            .await;
        answer.expect(401);
    }
}
