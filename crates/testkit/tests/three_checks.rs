//! Gateway, service and database each refuse by themselves what the permission matrix refuses, and
//! nobody can tell another organization's things from things that do not exist.
//!
//! Generated from the OpenAPI document: a route that is added is checked, and one without an example
//! request here fails the test.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on should say why"
)]

use std::collections::BTreeMap;

use domain::permission::{Permission, PermissionSet, Role, default_permissions};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Client, Database, Organization, Response, User, buyer_purchase, stack};
use uuid::Uuid;

/// A template that is good, so that nothing but the permission can refuse it.
const TEMPLATE: &str = include_str!("../../../services/task-service/templates/us_refinance.yaml");

/// One operation of the merged document.
#[derive(Clone, Debug)]
struct Operation {
    method: Method,
    path: String,
    /// Any of these; none of them needed where empty.
    permissions: Vec<Permission>,
    is_public: bool,
}

/// An organization with one of everything that a path can name.
struct Scene {
    organization: Organization,
    users: Vec<(Role, User)>,
    ids: BTreeMap<&'static str, String>,
}

async fn operations() -> Vec<Operation> {
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
    fn allows(&self, role: Role) -> bool {
        let held: PermissionSet = default_permissions(role);
        self.is_public || self.permissions.is_empty() || held.has_any(&self.permissions)
    }

    /// The path with ids from `ids`; what a path names is told by the collection before it.
    fn with_ids(&self, ids: &BTreeMap<&'static str, String>) -> String {
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

    fn names_something(&self) -> bool {
        self.path.contains('{')
    }

    fn service(&self) -> &'static str {
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
    fn body(&self, scene: &Scene) -> Option<Value> {
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

    async fn send(&self, client: &Client, path: &str, body: Option<&Value>) -> Response {
        let headers: &[(&str, &str)] = if self.method == Method::PATCH {
            &[("Content-Type", "application/merge-patch+json")]
        } else {
            &[]
        };
        client.send(self.method.clone(), path, headers, body).await
    }
}

impl Scene {
    async fn new() -> Self {
        let organization = Organization::new().await;
        let users = vec![
            (Role::Buyer, organization.buyer().await),
            (Role::BuyerAgent, organization.agent().await),
            (
                Role::TransactionCoordinator,
                organization.coordinator().await,
            ),
            (Role::Admin, organization.admin.clone()),
        ];
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
        let templates = agent.api.get("/api/templates").await;
        let template = templates.expect(200)["items"][0]["id"]
            .as_str()
            .expect("a template")
            .to_owned();
        let id = |value: &Value| value["id"].as_str().expect("an id").to_owned();
        let ids = BTreeMap::from([
            ("deals", deal.id),
            ("parties", party),
            ("tasks", id(&task)),
            ("dependencies", id(&first)),
            ("templates", template),
            ("users", users[0].1.id.clone()),
            ("notifications", Uuid::now_v7().to_string()),
            ("key-dates", "closing_date".to_owned()),
        ]);
        Self {
            organization,
            users,
            ids,
        }
    }

    fn user(&self, role: Role) -> &User {
        &self
            .users
            .iter()
            .find(|(known, _)| *known == role)
            .expect("every role has a user")
            .1
    }
}

#[tokio::test]
async fn the_gateway_refuses_every_role_that_lacks_a_routes_permission() {
    let scene = Scene::new().await;
    let mut refused = 0;
    for operation in operations().await {
        for (role, user) in scene
            .users
            .iter()
            .filter(|(role, _)| !operation.allows(*role))
        {
            // The same for every id: the answer tells nothing about what exists.
            for path in [
                operation.with_ids(&scene.ids),
                operation.with_ids(&random_ids()),
            ] {
                let answer = operation.send(&user.api, &path, None).await;
                let details = answer.refuses(403, "FORBIDDEN");
                let required: Vec<&str> =
                    operation.permissions.iter().map(|p| p.as_str()).collect();
                assert_eq!(
                    details["required"],
                    json!(required),
                    "{role:?} {} {path}",
                    operation.method
                );
                refused += 1;
            }
        }
    }
    assert!(refused > 60, "only {refused} refusals");
}

#[tokio::test]
async fn every_route_but_the_public_ones_asks_for_a_token() {
    let anonymous = Client::new(&stack().gateway);
    for operation in operations()
        .await
        .iter()
        .filter(|operation| !operation.is_public)
    {
        let path = operation.with_ids(&random_ids());
        operation
            .send(&anonymous, &path, None)
            .await
            .refuses(401, "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn a_service_asked_past_the_gateway_refuses_by_itself() {
    let scene = Scene::new().await;
    let mut refused = 0;
    for operation in operations().await {
        let path = operation.with_ids(&scene.ids);
        let body = operation.body(&scene);
        for (role, user) in scene
            .users
            .iter()
            .filter(|(role, _)| !operation.allows(*role))
        {
            let answer = operation
                .send(&user.api.at(operation.service()), &path, body.as_ref())
                .await;
            assert!(
                matches!(answer.status.as_u16(), 403 | 404),
                "{role:?} {}: {} {}",
                answer.request,
                answer.status,
                answer.text
            );
            refused += 1;
        }
        if !operation.is_public {
            let anonymous = Client::new(operation.service());
            operation
                .send(&anonymous, &path, body.as_ref())
                .await
                .refuses(401, "UNAUTHENTICATED");
        }
    }
    assert!(refused > 30, "only {refused} refusals");
}

#[tokio::test]
async fn a_foreign_id_and_a_random_id_get_the_same_answer() {
    let scene = Scene::new().await;
    let stranger = Organization::new().await;
    // Shipped templates are everybody's; the rest of the scene is not.
    let operations = operations().await;
    let foreign = operations
        .iter()
        .filter(|o| o.names_something() && !o.path.starts_with("/api/templates/"));
    let mut compared = 0;
    for operation in foreign {
        let body = operation.body(&scene);
        let theirs = operation
            .send(
                &stranger.admin.api,
                &operation.with_ids(&scene.ids),
                body.as_ref(),
            )
            .await;
        let nobodys = operation
            .send(
                &stranger.admin.api,
                &operation.with_ids(&random_ids()),
                body.as_ref(),
            )
            .await;
        assert_eq!(
            theirs.status, nobodys.status,
            "{}: {} / {}",
            theirs.request, theirs.text, nobodys.text
        );
        assert_eq!(bare(&theirs), bare(&nobodys), "{}", theirs.request);
        assert!(
            theirs.status.is_client_error(),
            "{}: {}",
            theirs.request,
            theirs.text
        );
        compared += 1;
    }
    assert!(compared > 20, "only {compared} routes");
    Database::superuser()
        .await
        .holds_for(&scene.organization.id)
        .await;
}

/// The body without what differs between any two requests.
fn bare(answer: &Response) -> Value {
    let mut body = answer.json.clone();
    if let Some(members) = body.as_object_mut() {
        members.remove("requestId");
        members.remove("instance");
    }
    body
}

fn random_ids() -> BTreeMap<&'static str, String> {
    let mut ids: BTreeMap<&'static str, String> = [
        "deals",
        "parties",
        "tasks",
        "dependencies",
        "templates",
        "users",
        "notifications",
    ]
    .into_iter()
    .map(|name| (name, Uuid::now_v7().to_string()))
    .collect();
    ids.insert("key-dates", "closing_date".to_owned());
    ids
}

/// The session id that a token names.
fn session_of(user: &User) -> String {
    use std::str::FromStr as _;
    let payload = user
        .access_token
        .split('.')
        .nth(1)
        .expect("a token has three parts");
    let claims = testkit::base64url(payload);
    let claims: Value = serde_json::from_slice(&claims).expect("claims are JSON");
    Uuid::from_str(claims["sid"].as_str().expect("sid"))
        .expect("a session id")
        .to_string()
}

/// Statements that a service might send by mistake, each with the role of the database that sends it and
/// the permission without which it must change nothing.
fn mistakes(scene: &Scene) -> Vec<(&'static str, String, Permission)> {
    let deal = &scene.ids["deals"];
    let task = &scene.ids["tasks"];
    let user = &scene.ids["users"];
    let organization = &scene.organization.id;
    vec![
        (
            "deal_svc",
            format!("UPDATE deal.deals SET name = 'forged' WHERE id = '{deal}'"),
            Permission::ManageTasks,
        ),
        (
            "deal_svc",
            format!("UPDATE deal.parties SET name = 'forged' WHERE deal_id = '{deal}'"),
            Permission::ManageTasks,
        ),
        (
            "deal_svc",
            format!(
                "INSERT INTO deal.parties (id, organization_id, deal_id, role, name, buyer_contact) VALUES (gen_random_uuid(), '{organization}', '{deal}', 'lender', 'forged', false)"
            ),
            Permission::ManageTasks,
        ),
        (
            "task_svc",
            format!("UPDATE task.tasks SET title = 'forged' WHERE id = '{task}'"),
            Permission::ManageTasks,
        ),
        (
            "task_svc",
            format!(
                "UPDATE task.tasks SET status = 'WAIVED', waived_at = now() WHERE id = '{task}'"
            ),
            Permission::ManageTasks,
        ),
        (
            "task_svc",
            format!("DELETE FROM task.dependencies WHERE deal_id = '{deal}'"),
            Permission::ManageTasks,
        ),
        (
            "task_svc",
            format!("UPDATE task.key_dates SET date = '2030-01-01' WHERE deal_id = '{deal}'"),
            Permission::ManageTasks,
        ),
        (
            "task_svc",
            format!("UPDATE task.plans SET state = 'FAILED' WHERE deal_id = '{deal}'"),
            Permission::ManageTasks,
        ),
        (
            "task_svc",
            format!(
                "INSERT INTO task.templates (id, organization_id, key, template_version, name, deal_type, status, source) VALUES (gen_random_uuid(), '{organization}', 'k', 1, 'n', 'PURCHASE', 'DRAFT', 's')"
            ),
            Permission::ManageTasks,
        ),
        (
            "user_svc",
            format!("UPDATE identity.users SET role = 'ADMIN' WHERE id = '{user}'"),
            Permission::ManageUsers,
        ),
        (
            "user_svc",
            "UPDATE identity.organizations SET name = 'forged'".to_owned(),
            Permission::ManageOrganization,
        ),
        (
            "user_svc",
            format!(
                "UPDATE identity.sessions SET revoked_at = now() WHERE user_id <> ctx.uid() AND organization_id = '{organization}'"
            ),
            Permission::ManageUsers,
        ),
    ]
}

/// The buyer is no party of this deal, so the database shows it nothing of it either.
#[tokio::test]
async fn the_database_refuses_what_a_service_lets_slip() {
    let scene = Scene::new().await;
    let buyer = scene.user(Role::Buyer);
    for (database_role, statement, permission) in mistakes(&scene) {
        assert!(!default_permissions(Role::Buyer).has(permission));
        let mut database = Database::role(database_role).await;
        let enter = format!(
            "SELECT * FROM ctx.enter('{}', '{}')",
            buyer.id,
            session_of(buyer)
        );
        database.execute("BEGIN").await.expect("begin");
        database.rows(&enter).await;
        let changed = database.execute(&statement).await;
        let refused = match &changed {
            Ok(rows) => *rows == 0,
            Err(error) => error
                .as_database_error()
                .and_then(|error| error.code())
                .is_some_and(|code| code == "42501"),
        };
        assert!(
            refused,
            "a buyer got through the database: {statement}: {changed:?}"
        );
    }
}

#[tokio::test]
async fn the_database_shows_a_member_of_another_organization_nothing() {
    let scene = Scene::new().await;
    let stranger = Organization::new().await.admin;
    for (role, tables) in [
        (
            "user_svc",
            vec![
                "identity.users",
                "identity.organizations",
                "identity.sessions",
                "identity.notifications",
            ],
        ),
        (
            "deal_svc",
            vec![
                "deal.deals",
                "deal.parties",
                "deal.task_view",
                "ctx.deals",
                "ctx.deal_access",
            ],
        ),
        (
            "task_svc",
            vec![
                "task.tasks",
                "task.plans",
                "task.milestones",
                "task.key_dates",
                "task.dependencies",
            ],
        ),
    ] {
        let mut database = Database::role(role).await;
        database.execute("BEGIN").await.expect("begin");
        database
            .rows(&format!(
                "SELECT * FROM ctx.enter('{}', '{}')",
                stranger.id,
                session_of(&stranger)
            ))
            .await;
        for table in tables {
            let column = if table == "identity.organizations" {
                "id"
            } else {
                "organization_id"
            };
            let sql = format!(
                "SELECT count(*) AS n FROM {table} WHERE {column} = '{}'",
                scene.organization.id
            );
            assert_eq!(database.rows(&sql).await[0]["n"], 0, "{role} shows {table}");
        }
    }
}
