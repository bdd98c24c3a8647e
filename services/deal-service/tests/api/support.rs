//! People and deals that the tests of this service begin with.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Deal, Response, User};
pub(crate) use testkit::{
    Office, address, all_items, days_from_today, ids, patch_at, plain_deal, post_once, random_id,
    refuses_field, refuses_permission, refuses_reference, text,
};

/// The tasks of a purchase's first milestone.
pub(crate) const FIRST_MILESTONE: [&str; 7] = [
    "verify_executed_contract",
    "confirm_effective_date",
    "enter_key_dates",
    "send_intro_package",
    "buyer_kickoff_call",
    "wire_fraud_ack",
    "broker_opening_review",
];

/// Deals as people take them on.
pub(crate) trait Deals {
    /// Sends one of `activate`, `hold`, `resume`, `close`, `cancel`, `reopen`.
    async fn step(&self, deal: &Deal, step: &str, body: Value) -> Response;
    /// The deal as it is now.
    async fn read_deal(&self, id: &str) -> Value;
    /// Adds a task to a deal and returns its id.
    async fn add_task(&self, deal: &Deal, fields: Value) -> String;
}

impl Deals for User {
    async fn step(&self, deal: &Deal, step: &str, body: Value) -> Response {
        self.api
            .post(&format!("/api/deals/{}/{step}", deal.id), &body)
            .await
    }

    async fn read_deal(&self, id: &str) -> Value {
        self.api
            .get(&format!("/api/deals/{id}"))
            .await
            .expect(200)
            .clone()
    }

    async fn add_task(&self, deal: &Deal, fields: Value) -> String {
        let mut body = json!({"dealId": deal.id, "title": "Something to do"});
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = self.api.post("/api/tasks", &body).await;
        text(&answer.expect(201)["id"])
    }
}

/// A body with one member set.
pub(crate) fn with(mut body: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap()[name] = value;
    body
}

/// A body without one member.
pub(crate) fn without(mut body: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent)
        .unwrap()
        .as_object_mut()
        .unwrap()
        .remove(name)
        .unwrap();
    body
}

/// PUT with this `If-Match`, unchanged.
pub(crate) async fn put_if(user: &User, path: &str, if_match: &str, body: &Value) -> Response {
    user.api
        .send(Method::PUT, path, &[("If-Match", if_match)], Some(body))
        .await
}
