//! What lies in the broker.

use serde_json::{Value, json};

use crate::{Client, stack};

/// More are not looked at.
const LETTERS_MAX: u32 = 10_000;

/// The events of an organization that a consumer has given up, by type. They stay where they are.
pub async fn dead_letters(queue: &str, organization_id: &str) -> Vec<String> {
    let answer = Client::new(&stack().rabbitmq_management)
        .post(
            &format!("/api/queues/%2f/{queue}.dead/get"),
            &json!({"count": LETTERS_MAX, "ackmode": "ack_requeue_true", "encoding": "base64"}),
        )
        .await;
    let letters = answer.expect(200).as_array().cloned().unwrap_or_default();
    letters
        .iter()
        .map(|letter| &letter["properties"])
        .filter(|properties| properties["headers"]["organizationId"] == organization_id)
        .map(|properties| text(&properties["type"]))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
