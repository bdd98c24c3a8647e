//! People, deals and tasks that the tests of this service begin with.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Database, Deal, Organization, Response, User, buyer_purchase};
use time::{Date, Duration, OffsetDateTime};

/// An organization with one user of each role.
pub(crate) struct Office {
    pub(crate) organization: Organization,
    pub(crate) agent: User,
    pub(crate) coordinator: User,
    pub(crate) buyer: User,
}

impl Office {
    pub(crate) async fn new() -> Self {
        let organization = Organization::new().await;
        let agent = organization.agent().await;
        let coordinator = organization.coordinator().await;
        let buyer = organization.buyer().await;
        Self {
            organization,
            agent,
            coordinator,
            buyer,
        }
    }

    pub(crate) fn admin(&self) -> &User {
        &self.organization.admin
    }

    /// The agent's deal with agent, coordinator and buyer as parties, without a template and active.
    pub(crate) async fn deal(&self) -> Deal {
        let deal = self.draft().await;
        self.agent
            .api
            .post(&format!("/api/deals/{}/activate", deal.id), &json!({}))
            .await
            .expect(200);
        deal
    }

    /// As [`Office::deal`], not yet active.
    pub(crate) async fn draft(&self) -> Deal {
        self.agent
            .create_deal(&json!({
                "propertyAddress": {"street": "7 Mill Road", "city": "Portland", "stateOrProvince": "ME", "postalCode": "04101"},
                "dealType": "PURCHASE",
                "parties": self.parties(),
            }))
            .await
    }

    /// The agent's purchase from the buyer template, with its plan applied.
    pub(crate) async fn purchase(&self) -> Deal {
        self.agent
            .create_planned_deal(&buyer_purchase(&self.parties()))
            .await
    }

    pub(crate) fn parties(&self) -> Value {
        json!([
            {"role": "buyer", "name": "The Buyer", "userId": self.buyer.id},
            {"role": "buyer_agent", "name": "The Agent", "userId": self.agent.id},
            {"role": "transaction_coordinator", "name": "The Coordinator", "userId": self.coordinator.id},
        ])
    }

    /// What happened to something, in the order of its versions, as the audit log tells an ADMIN.
    pub(crate) async fn history(&self, entity_id: &str) -> Vec<String> {
        let answer = self
            .admin()
            .api
            .get(&format!("/api/audit?entity={entity_id}&limit=100"))
            .await;
        let mut rows = answer.expect(200)["items"].as_array().unwrap().clone();
        rows.sort_by_key(|row| row["version"].as_i64());
        rows.iter().map(|row| text(&row["eventType"])).collect()
    }

    /// Every invariant holds for this organization.
    pub(crate) async fn holds(&self) {
        Database::superuser()
            .await
            .holds_for(&self.organization.id)
            .await;
    }
}

/// Tasks as people make and change them.
pub(crate) trait Tasks {
    /// Adds a task with these fields beside its deal and title, and tells its id.
    async fn add_task(&self, deal_id: &str, title: &str, fields: Value) -> String;
    /// Adds a task that waits for others.
    async fn add_waiting(&self, deal_id: &str, title: &str, depends_on: &[&str]) -> String;
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

/// What an answer must say about one wrong field: 400 with its name and constraint.
#[track_caller]
pub(crate) fn refuses_field(answer: &Response, field: &str, constraint: &str) {
    let details = answer.refuses(400, "VALIDATION_001");
    assert_eq!(
        (details["field"].as_str(), details["constraint"].as_str()),
        (Some(field), Some(constraint)),
        "{}: {}",
        answer.request,
        answer.text
    );
}

/// What an answer must say about a reference that the caller cannot see.
#[track_caller]
pub(crate) fn refuses_reference(answer: &Response, field: &str) {
    assert_eq!(
        answer.refuses(400, "UNKNOWN_REFERENCE")["field"],
        field,
        "{}",
        answer.text
    );
}

/// What an answer must say when a permission is missing.
#[track_caller]
pub(crate) fn refuses_permission(answer: &Response, one_of_required: &str) {
    let required = answer.refuses(403, "FORBIDDEN")["required"].clone();
    let names = required
        .as_array()
        .unwrap_or_else(|| panic!("no details.required in {}", answer.text));
    assert!(
        names.iter().any(|name| name == one_of_required),
        "{one_of_required} is not in {required}"
    );
}

/// PATCH under `If-Match`.
pub(crate) async fn patch_at(user: &User, path: &str, version: &Value, body: &Value) -> Response {
    let tag = format!("\"{version}\"");
    let headers = [
        ("Content-Type", "application/merge-patch+json"),
        ("If-Match", tag.as_str()),
    ];
    user.api
        .send(Method::PATCH, path, &headers, Some(body))
        .await
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

/// POST with an idempotency key.
pub(crate) async fn post_once(user: &User, path: &str, key: &str, body: &Value) -> Response {
    user.api
        .send(Method::POST, path, &[("Idempotency-Key", key)], Some(body))
        .await
}

/// The items of a list, through all its pages.
pub(crate) async fn all_items(user: &User, path: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let page = match &cursor {
            Some(cursor) => user.api.get(&format!("{path}&cursor={cursor}")).await,
            None => user.api.get(path).await,
        };
        items.extend(
            page.expect(200)["items"]
                .as_array()
                .unwrap()
                .iter()
                .cloned(),
        );
        match page.json["nextCursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return items,
        }
    }
}

/// The ids of items, in their order.
pub(crate) fn ids(items: &[Value]) -> Vec<String> {
    items.iter().map(|item| text(&item["id"])).collect()
}

#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not a text: {value}"))
        .to_owned()
}

/// The tasks of a plan's milestones, in order.
pub(crate) fn tasks_of(plan: &Value) -> Vec<Value> {
    let milestones = plan["milestones"].as_array().unwrap();
    milestones
        .iter()
        .flat_map(|milestone| milestone["tasks"].as_array().unwrap().clone())
        .collect()
}

/// A date so many days from today (UTC). Zones of the Americas are at most a day behind, so anything from
/// two days ago lies in their past and anything from tomorrow in their future.
pub(crate) fn days_from_today(days: i64) -> String {
    iso(OffsetDateTime::now_utc().date() + Duration::days(days))
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

pub(crate) fn iso(date: Date) -> String {
    format!(
        "{:04}-{:02}-{:02}",
        date.year(),
        u8::from(date.month()),
        date.day()
    )
}

/// An id that nothing has.
pub(crate) fn random_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
