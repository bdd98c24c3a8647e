//! What the mail sink received.

use serde_json::Value;

use crate::{Client, stack};

/// One received message.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Its subject.
    pub subject: String,
    /// Its plain text.
    pub text: String,
}

/// Everything sent to an address so far.
pub async fn mails_to(address: &str) -> Vec<Mail> {
    let answer = Client::new(&stack().mail).get("/api/email").await;
    let received = answer.expect(200).as_array().cloned().unwrap_or_default();
    received
        .iter()
        .filter(|mail| {
            mail["to"]
                .as_array()
                .is_some_and(|to| to.iter().any(|to| to["address"] == address))
        })
        .map(|mail| Mail {
            subject: text(&mail["subject"]),
            text: text(&mail["text"]),
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
