use domain::rejection::Rejection;

use super::*;
use crate::messaging::topology;

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
fn a_statement_that_takes_too_long_is_counted_as_a_failure_of_its_event() {
    let reason = "canceling statement due to statement timeout".to_owned();
    assert!(matches!(
        Outcome::from(Error::StatementTimeout { reason }),
        Outcome::Retry(_)
    ));
}

/// A consumer with no broker, of events that need no settling: parked ones without a table to be parked in.
fn consumer<H: AsyncFn(&[Delivery]) -> Outcome>(patience: Duration, handler: H) -> Consumer<H> {
    let subscription = topology::USER_SERVICE;
    Consumer {
        publisher: Publisher::new(Secret::new("amqp://127.0.0.1:1"), subscription.queue),
        subscription,
        patience,
        inbox: None,
        alone: |_| false,
        handler,
        shutdown: CancellationToken::new(),
    }
}

/// An event of this organization, as it was parked.
fn item(organization_id: Uuid) -> Item {
    let aggregate_id = Uuid::now_v7();
    let delivery = Delivery {
        head: Head {
            id: Uuid::now_v7(),
            source: "user-service".to_owned(),
            subject: aggregate_id,
            time: time::OffsetDateTime::UNIX_EPOCH,
            organization_id,
            actor_user_id: Uuid::now_v7(),
            request_id: "request-1".to_owned(),
            sequence: 1,
            traceparent: None,
            cause_event_id: None,
        },
        event: Event::Unknown {
            event_type: "users.user.renamed".to_owned(),
            dataschema: String::new(),
            data: Vec::new(),
        },
        envelope: Vec::new(),
    };
    let (_, ticket) = Ticket::of_parked(ParkedEvent {
        organization_id,
        aggregate_id,
        version: 1,
        message_id: delivery.head.id,
        envelope: Vec::new(),
        attempts: 0,
    });
    (delivery, ticket)
}

fn batch_of_one() -> Batch<Item> {
    let organization_id = Uuid::now_v7();
    let item = item(organization_id);
    Batch {
        organization_id,
        items: vec![(item.0.head.subject, item)],
    }
}

/// Keeps an event whose handling waits for something, until it is given back; the pauses between its attempts.
async fn pauses(patience: Duration) -> Vec<Duration> {
    tokio::time::pause();
    let consumer = consumer(patience, async |_: &[Delivery]| Outcome::Done);
    let mut hand = InHand::default();
    let mut batch = batch_of_one();
    let mut pauses = Vec::new();
    loop {
        let waits = vec![Outcome::Later("Temporal is unavailable".to_owned())];
        let next = consumer.sort_out(&mut hand, batch, waits).await.unwrap();
        let Some(Task::Rest(resting, pause)) = next else {
            return pauses;
        };
        assert!(pauses.len() < 10_000, "it is kept for ever");
        tokio::time::advance(pause).await;
        pauses.push(pause);
        batch = resting;
    }
}

#[actix_web::test]
async fn an_event_is_given_back_when_patience_is_over_and_its_pauses_stay_short() {
    let pauses = pauses(Duration::from_secs(30)).await;
    let waited: Duration = pauses.iter().sum();
    assert!(waited <= Duration::from_secs(30), "{pauses:?}");
    assert!(waited > Duration::from_secs(24), "{pauses:?}");
    assert_eq!(pauses.iter().max(), Some(&Duration::from_secs(5)));
}

#[actix_web::test]
async fn whatever_the_patience_an_event_is_given_back_after_ten_minutes_in_hand() {
    let waited: Duration = pauses(Duration::MAX).await.iter().sum();
    let ten_minutes = Duration::from_secs(600);
    assert!(waited >= ten_minutes && waited < ten_minutes + PAUSE_MAX);
}

#[actix_web::test]
async fn a_handler_that_does_not_end_within_a_minute_has_failed() {
    tokio::time::pause();
    let endless = consumer(Duration::ZERO, async |_: &[Delivery]| {
        std::future::pending().await
    });
    let handling = endless.handle(batch_of_one());
    let handled = tokio::time::timeout(Duration::from_secs(3_600), handling).await;
    let (_, outcomes) = handled.expect("it is not waited for without end");
    let expected = Outcome::Retry("the handler took too long".to_owned());
    assert_eq!(outcomes, [expected]);
}

#[test]
fn six_batches_are_at_work_at_a_time_however_many_wait() {
    let mut hand = InHand::default();
    for _ in 0..20 {
        let item = item(Uuid::now_v7());
        hand.turns.push(item.0.lane(), false, item);
    }
    let mut at_work: Vec<_> = std::iter::from_fn(|| hand.next_batch()).collect();
    assert_eq!(at_work.len(), 6);
    let through = at_work.pop().unwrap();
    hand.running -= 1;
    hand.turns
        .finish(through.organization_id, [through.items[0].0]);
    assert_eq!(std::iter::from_fn(|| hand.next_batch()).count(), 1);
}
