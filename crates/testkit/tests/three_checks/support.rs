//! The operations of the document, with an example request for each, and something for them to name.

use std::collections::BTreeMap;

use domain::permission::{Permission, PermissionSet, Role, default_permissions};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, Organization, Response, User, base64url, buyer_purchase, stack, text};
use uuid::Uuid;

/// A template that is good, so that nothing but the permission can refuse it.
const TEMPLATE: &str =
    include_str!("../../../../services/task-service/templates/us_refinance.yaml");

/// One operation of the merged document.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// Any of these; none of them needed where empty.
    pub(crate) permissions: Vec<Permission>,
    pub(crate) is_public: bool,
}

/// An organization with one of everything that a path can name.
pub(crate) struct Scene {
    pub(crate) organization: Organization,
    pub(crate) users: Vec<(Role, User)>,
    pub(crate) ids: BTreeMap<&'static str, String>,
}

pub(crate) async fn operations() -> Vec<Operation> {
    let document = Client::new(&stack().gateway)
        .get("/api/openapi.json")
        .await
        .expect(200)
        .clone();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let Ok(method) = method.to_uppercase().parse::<Method>() else {
                continue;
            };
            if !operation.is_object()
                || !["GET", "POST", "PUT", "PATCH", "DELETE"].contains(&method.as_str())
            {
                continue;
            }
            let permissions = operation["x-permissions"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            all.push(Operation {
                method,
                path: path.clone(),
                permissions: permissions
                    .iter()
                    .map(|name| {
                        Permission::parse(name.as_str().expect("a name")).expect("a permission")
                    })
                    .collect(),
                is_public: operation["x-public"] == true,
            });
        }
    }
    assert!(all.len() > 40, "{} operations", all.len());
    all
}

impl Operation {
    pub(crate) fn allows(&self, role: Role) -> bool {
        let held: PermissionSet = default_permissions(role);
        self.is_public || self.permissions.is_empty() || held.has_any(&self.permissions)
    }

    /// The path with ids from `ids`; the collection before a placeholder says what it names.
    pub(crate) fn with_ids(&self, ids: &BTreeMap<&'static str, String>) -> String {
        let mut before = "";
        let mut filled = String::new();
        for part in self.path.split('/').skip(1) {
            filled.push('/');
            if part.starts_with('{') {
                let id = ids
                    .get(before)
                    .unwrap_or_else(|| panic!("no example for {part} in {}", self.path));
                filled.push_str(id);
            } else {
                filled.push_str(part);
            }
            before = part;
        }
        filled
    }

    pub(crate) fn names_something(&self) -> bool {
        self.path.contains('{')
    }

    pub(crate) fn service(&self) -> &'static str {
        let stack = stack();
        if self.path.ends_with("/workflow") {
            return &stack.workflow_worker;
        }
        let is_planned = ["/plan", "/key-dates", "/what-if"]
            .iter()
            .any(|part| self.path.contains(part));
        match self.path.split('/').nth(2).unwrap_or_default() {
            "auth" | "users" | "organization" | "notifications" => &stack.user_service,
            "tasks" | "templates" => &stack.task_service,
            "deals" if is_planned => &stack.task_service,
            _ => &stack.deal_service,
        }
    }

    /// A body that passes the checks of shape, so that what refuses is the permission.
    pub(crate) fn body(&self, scene: &Scene) -> Option<Value> {
        if self.method == Method::GET || self.method == Method::DELETE {
            return None;
        }
        let user = scene.users[0].1.id.clone();
        let address = json!({"street": "1 Quay", "city": "Portland", "stateOrProvince": "ME", "postalCode": "04101"});
        let deal = json!({"name": "x", "propertyAddress": address, "dealType": "PURCHASE", "facts": {}, "version": 1});
        Some(match self.path.as_str() {
            "/api/deals" => json!({"propertyAddress": address, "dealType": "PURCHASE"}),
            "/api/deals/{id}" if self.method == Method::PUT => deal,
            "/api/tasks" => json!({"dealId": scene.ids["deals"], "title": "A task"}),
            "/api/tasks/{id}" if self.method == Method::PUT => {
                json!({"title": "Another title", "version": 1})
            }
            "/api/users" => {
                json!({"email": format!("{}@example.test", Uuid::now_v7().simple()), "fullName": "X", "role": "BUYER"})
            }
            "/api/users/{id}" if self.method == Method::PUT => {
                json!({"fullName": "X", "role": "BUYER", "version": 1})
            }
            "/api/organization" if self.method == Method::PUT => {
                json!({"name": "X", "timezone": "America/New_York", "holidayCalendar": null, "roleGrants": {}, "version": 1})
            }
            path if self.method == Method::PUT && path.contains("/parties/") => {
                json!({"role": "lender", "name": "X", "version": 1})
            }
            path if path.ends_with("/parties") => json!({"role": "lender", "name": "X"}),
            path if path.ends_with("/assign") => json!({"assigneeId": user}),
            path if path.ends_with("/waive")
                || path.ends_with("/reopen")
                || path.ends_with("/cancel") =>
            {
                json!({"reason": "x"})
            }
            path if path.ends_with("/dependencies") => {
                json!({"dependsOnId": scene.ids["dependencies"]})
            }
            path if path.ends_with("/comments") => json!({"body": "x", "visibility": "INTERNAL"}),
            path if path.ends_with("/chases") => json!({"channel": "PHONE"}),
            path if path.ends_with("/follow-up") => json!({"followUpOn": null}),
            path if path.ends_with("/key-dates") || path.ends_with("/key-dates/preview") => {
                json!({"keyDates": {"closing_date": "2030-05-01"}, "reason": "x", "version": 1})
            }
            path if path.ends_with("/what-if") => {
                json!({"keyDates": {"closing_date": "2030-05-01"}})
            }
            "/api/templates" => json!({"source": TEMPLATE}),
            path if path.starts_with("/api/templates")
                && !path.ends_with("/publish")
                && !path.ends_with("/validate") =>
            {
                json!({"source": TEMPLATE, "version": 1})
            }
            _ => json!({}),
        })
    }

    pub(crate) async fn send(&self, client: &Client, path: &str, body: Option<&Value>) -> Response {
        let headers: &[(&str, &str)] = if self.method == Method::PATCH {
            &[("Content-Type", "application/merge-patch+json")]
        } else {
            &[]
        };
        client.send(self.method.clone(), path, headers, body).await
    }
}

/// A session of the ADMIN beside the one that requests are sent in: it may end.
async fn another_session(organization: &Organization) -> String {
    let admin = &organization.admin;
    let credentials = json!({"email": admin.email, "password": admin.password});
    let login = Client::new(&stack().gateway)
        .post("/api/auth/login", &credentials)
        .await;
    let token = text(&login.expect(200)["accessToken"]);
    let claims = base64url(token.split('.').nth(1).expect("claims"));
    let claims: Value = serde_json::from_slice(&claims).expect("claims as JSON");
    text(&claims["sid"])
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let organization = Organization::new().await;
        let users = one_of_each(&organization).await;
        let agent = &users[1].1;
        let deal = agent
            .create_planned_deal(&buyer_purchase(
                &json!([{"role": "lender", "name": "A Lender"}]),
            ))
            .await;
        let parties = agent
            .api
            .get(&format!("/api/deals/{}/parties", deal.id))
            .await;
        let party = parties.expect(200)["items"][0]["id"]
            .as_str()
            .expect("a party")
            .to_owned();
        let task = agent.task(&deal.id, "confirm_effective_date").await;
        let first = agent.task(&deal.id, "verify_executed_contract").await;
        let coordinator = &users[2].1;
        let draft = json!({"source": TEMPLATE});
        let template = coordinator.api.post("/api/templates", &draft).await;
        let comments = format!("/api/tasks/{}/comments", text(&task["id"]));
        let comment = json!({"body": "Seen", "visibility": "SHARED"});
        let comment = coordinator.api.post(&comments, &comment).await;
        let chases = format!("/api/tasks/{}/chases", text(&task["id"]));
        let chase = json!({"channel": "PHONE"});
        let chase = coordinator.api.post(&chases, &chase).await;
        let id = |value: &Value| value["id"].as_str().expect("an id").to_owned();
        let ids = BTreeMap::from([
            ("deals", deal.id),
            ("parties", party),
            ("tasks", id(&task)),
            ("dependencies", id(&first)),
            ("comments", id(comment.expect(201))),
            ("chases", id(chase.expect(201))),
            ("templates", id(template.expect(201))),
            ("users", users[0].1.id.clone()),
            ("sessions", another_session(&organization).await),
            ("notifications", Uuid::now_v7().to_string()),
            ("key-dates", "closing_date".to_owned()),
        ]);
        Self {
            organization,
            users,
            ids,
        }
    }

    pub(crate) fn user(&self, role: Role) -> &User {
        &self
            .users
            .iter()
            .find(|(known, _)| *known == role)
            .expect("every role has a user")
            .1
    }
}

/// A user of each role, the organization's first ADMIN among them.
pub(crate) async fn one_of_each(organization: &Organization) -> Vec<(Role, User)> {
    vec![
        (Role::Buyer, organization.buyer().await),
        (Role::BuyerAgent, organization.agent().await),
        (
            Role::TransactionCoordinator,
            organization.coordinator().await,
        ),
        (Role::Admin, organization.admin.clone()),
    ]
}

pub(crate) fn random_ids() -> BTreeMap<&'static str, String> {
    let mut ids: BTreeMap<&'static str, String> = [
        "deals",
        "parties",
        "tasks",
        "dependencies",
        "comments",
        "chases",
        "templates",
        "users",
        "notifications",
        "sessions",
    ]
    .into_iter()
    .map(|name| (name, Uuid::now_v7().to_string()))
    .collect();
    ids.insert("key-dates", "closing_date".to_owned());
    ids
}
