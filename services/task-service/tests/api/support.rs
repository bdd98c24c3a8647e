//! People, deals and tasks that the tests of this service begin with.

use reqwest::Method;
use serde_json::{Value, json};
pub(crate) use testkit::{
    Office, all_items, days_from_today, ids, iso, patch_at, post_once, random_id, refuses_case,
    refuses_field, refuses_permission, refuses_reference, text,
};
use testkit::{Response, User};
use time::{Date, Duration};

/// Tasks as people make and change them.
pub(crate) trait Tasks {
    /// Adds a task with these fields beside its deal and title, and returns its id.
    async fn add_task(&self, deal_id: &str, title: &str, fields: Value) -> String;
    /// Adds a task that waits for others.
    async fn add_waiting(&self, deal_id: &str, title: &str, depends_on: &[&str]) -> String;
    /// Adds tasks each of which waits for the one before.
    async fn add_chain<const N: usize>(&self, deal_id: &str, titles: [&str; N]) -> [String; N];
    /// The task as it is now.
    async fn read_task(&self, id: &str) -> Value;
    /// Sends one of the commands `complete`, `assign`, `waive`, `reopen`.
    async fn task_command(&self, id: &str, command: &str, body: Value) -> Response;
    /// Completes a task.
    async fn complete_task(&self, id: &str) -> Response;
}

impl Tasks for User {
    async fn add_task(&self, deal_id: &str, title: &str, fields: Value) -> String {
        let mut body = json!({"dealId": deal_id, "title": title});
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = self.api.post("/api/tasks", &body).await;
        text(&answer.expect(201)["id"])
    }

    async fn add_waiting(&self, deal_id: &str, title: &str, depends_on: &[&str]) -> String {
        self.add_task(deal_id, title, json!({"dependsOn": depends_on}))
            .await
    }

    async fn add_chain<const N: usize>(&self, deal_id: &str, titles: [&str; N]) -> [String; N] {
        let mut chain: Vec<String> = Vec::new();
        for title in titles {
            let depends_on: Vec<&str> = chain.last().map(String::as_str).into_iter().collect();
            chain.push(self.add_waiting(deal_id, title, &depends_on).await);
        }
        chain.try_into().unwrap()
    }

    async fn read_task(&self, id: &str) -> Value {
        self.api
            .get(&format!("/api/tasks/{id}"))
            .await
            .expect(200)
            .clone()
    }

    async fn task_command(&self, id: &str, command: &str, body: Value) -> Response {
        self.api
            .post(&format!("/api/tasks/{id}/{command}"), &body)
            .await
    }

    async fn complete_task(&self, id: &str) -> Response {
        self.task_command(id, "complete", json!({})).await
    }
}

/// PUT under `If-Match`.
pub(crate) async fn put_at(user: &User, path: &str, version: &Value, body: &Value) -> Response {
    user.api
        .send(
            Method::PUT,
            path,
            &[("If-Match", &format!("\"{version}\""))],
            Some(body),
        )
        .await
}

/// The tasks of a plan's milestones, in order.
pub(crate) fn tasks_of(plan: &Value) -> Vec<Value> {
    let milestones = plan["milestones"].as_array().unwrap();
    milestones
        .iter()
        .flat_map(|milestone| milestone["tasks"].as_array().unwrap().clone())
        .collect()
}

/// A date moved by days.
pub(crate) fn plus_days(date: &Value, days: i64) -> String {
    iso(parse(date) + Duration::days(days))
}

#[track_caller]
pub(crate) fn parse(date: &Value) -> Date {
    let format = time::format_description::well_known::Iso8601::DATE;
    Date::parse(&text(date), &format).unwrap_or_else(|error| panic!("{date}: {error}"))
}
