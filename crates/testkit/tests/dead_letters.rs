//! An event that cannot be handled becomes a dead letter with its reason, and an administrator sends it round again.

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use testkit::{
    Client, Organization, buyer_purchase, dead_letters, eventually, run_program, settings_of, stack,
};
use uuid::Uuid;

const QUEUE: &str = "workflow-worker.events";

/// Runs the command for dead letters as the operator, and answers what it prints.
async fn command(queue: &str, arguments: &[&str]) -> String {
    let arguments = [&["dead-letters", queue], arguments].concat();
    let ended = run_program("workflow-worker", &arguments, &settings_of("operator")).await;
    assert!(ended.succeeded, "{}", ended.said);
    ended.said
}

#[tokio::test]
async fn an_unreadable_event_is_laid_aside_listed_and_sent_round_again() {
    let organization = Organization::new().await;
    let event_id = Uuid::now_v7().to_string();
    let message = json!({
        "routing_key": QUEUE,
        "payload": "not an event",
        "payload_encoding": "string",
        "properties": {
            "message_id": event_id,
            "type": "deals.deal.activated",
            "headers": {"organizationId": organization.id},
        },
    });
    let published = Client::new(&stack().rabbitmq_management)
        .post("/api/exchanges/%2f/amq.default/publish", &message)
        .await;
    assert_eq!(published.expect(200)["routed"], true);
    let laid_aside = async || {
        let letters = dead_letters(QUEUE, &organization.id).await;
        (letters == ["deals.deal.activated"]).then_some(())
    };
    eventually("the event is laid aside", laid_aside).await;

    // Everything behind it goes on.
    let agent = organization.agent().await;
    agent.create_planned_deal(&buyer_purchase(&json!([]))).await;

    let listed = command(QUEUE, &[]).await;
    let letter: Value = listed
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .find(|letter| letter["eventId"] == event_id)
        .expect("the letter is listed");
    assert_eq!(letter["attempts"], 1, "{letter}");
    assert!(letter["reason"].is_string(), "{letter}");

    let moved = command(QUEUE, &["--redrive"]).await;
    assert!(
        moved.ends_with(" events sent round again\n") && !moved.starts_with("0 "),
        "{moved}"
    );
    eventually("it fails again, for the first time", laid_aside).await;
}

#[tokio::test]
async fn a_thousand_dead_letters_are_listed_and_no_more() {
    // No other test has a dead letter there.
    const UNUSED: &str = "user-service.events";
    let broker = Client::new(&stack().rabbitmq_management);
    let letter = json!({
        "routing_key": format!("{UNUSED}.dead"),
        "payload": "",
        "payload_encoding": "string",
        "properties": {},
    });
    let publish = async || {
        let path = "/api/exchanges/%2f/amq.default/publish";
        let published = broker.post(path, &letter).await;
        assert_eq!(published.expect(200)["routed"], true);
    };
    stream::iter(0..1_001)
        .for_each_concurrent(20, |_| publish())
        .await;
    let listed = command(UNUSED, &[]).await;
    let contents = format!("/api/queues/%2f/{UNUSED}.dead/contents");
    broker.delete(&contents).await.expect(204);
    assert_eq!(listed.lines().count(), 1_000);
}
