//! What the database refuses by itself when a service makes a mistake: for somebody who has nothing to do with a deal,
//! for somebody inside it, and for another organization.

use std::str::FromStr as _;

use domain::permission::Role;
use serde_json::{Value, json};
use testkit::{Database, Deal, Office, Organization, User, text};
use uuid::Uuid;

use super::support::Scene;

/// How the database refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It raises that the privilege is insufficient: of a new row, or of columns of a row that may otherwise change.
    Raised,
    /// No row is there for the caller to change.
    Hidden,
}

/// A statement that a service might send by mistake.
#[derive(Clone, Debug)]
pub(super) struct Mistake {
    /// The role of the database that sends it.
    service: &'static str,
    statement: String,
    refusal: Refusal,
    /// Why it must change nothing.
    why: &'static str,
}

impl Mistake {
    /// One that raises.
    pub(super) fn raised(service: &'static str, why: &'static str, statement: String) -> Self {
        Self {
            service,
            statement,
            refusal: Refusal::Raised,
            why,
        }
    }

    /// One that finds nothing to change.
    pub(super) fn hidden(service: &'static str, why: &'static str, statement: String) -> Self {
        Self {
            service,
            statement,
            refusal: Refusal::Hidden,
            why,
        }
    }
}

/// A connection of this service, in a transaction of this user.
pub(super) async fn entered(service: &str, user: &User) -> Database {
    let mut database = Database::role(service).await;
    database.execute("BEGIN").await.expect("begin");
    let enter = format!("SELECT ctx.enter('{}', '{}')", user.id, session_of(user));
    database.rows(&enter).await;
    database
}

/// The session id that a token names.
fn session_of(user: &User) -> String {
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

/// Makes every mistake for this user, each in a transaction of its own that comes to nothing.
pub(super) async fn refuses(user: &User, mistakes: &[Mistake]) {
    for mistake in mistakes {
        let mut database = entered(mistake.service, user).await;
        let outcome = database.execute(&mistake.statement).await;
        let refusal = match &outcome {
            Ok(0) => Some(Refusal::Hidden),
            Ok(_) => None,
            Err(error) => error
                .as_database_error()
                .and_then(|error| error.code())
                .is_some_and(|code| code == "42501")
                .then_some(Refusal::Raised),
        };
        assert_eq!(
            refusal,
            Some(mistake.refusal),
            "{}: {}: {outcome:?}",
            mistake.why,
            mistake.statement
        );
    }
}

/// What a buyer who is no party of this deal must not change.
fn of_an_outsider(scene: &Scene) -> Vec<Mistake> {
    let deal = &scene.ids["deals"];
    let task = &scene.ids["tasks"];
    let organization = &scene.organization.id;
    let raised = Mistake::raised;
    let hidden = Mistake::hidden;
    vec![
        hidden(
            "deal_svc",
            "deals need manage_tasks, or to be their creator",
            format!("UPDATE deal.deals SET name = 'forged' WHERE id = '{deal}'"),
        ),
        hidden(
            "deal_svc",
            "parties need manage_tasks, or to be the deal's creator",
            format!("UPDATE deal.parties SET name = 'forged' WHERE deal_id = '{deal}'"),
        ),
        raised("deal_svc", "and so do new ones", party(organization, deal)),
        hidden(
            "task_svc",
            "the deal's tasks are not the buyer's",
            format!("UPDATE task.tasks SET title = 'forged' WHERE id = '{task}'"),
        ),
        hidden(
            "task_svc",
            "the deal's tasks are not the buyer's",
            waive(task),
        ),
        hidden(
            "task_svc",
            "dependencies need manage_tasks, or assign_tasks in one's own deals",
            format!("DELETE FROM task.dependencies WHERE deal_id = '{deal}'"),
        ),
        hidden(
            "task_svc",
            "key dates need manage_tasks, or to be the deal's creator",
            format!("UPDATE task.key_dates SET date = '2030-01-01' WHERE deal_id = '{deal}'"),
        ),
        hidden(
            "task_svc",
            "plans need manage_tasks",
            format!("UPDATE task.plans SET state = 'FAILED' WHERE deal_id = '{deal}'"),
        ),
    ]
}

/// What a buyer must not change outside all deals.
fn of_a_buyer_to_the_organization(scene: &Scene) -> Vec<Mistake> {
    let user = &scene.ids["users"];
    let organization = &scene.organization.id;
    let raised = Mistake::raised;
    let hidden = Mistake::hidden;
    vec![
        raised(
            "task_svc",
            "templates need manage_tasks",
            format!(
                "INSERT INTO task.templates (id, organization_id, key, template_version, name, deal_type, status, source) VALUES (gen_random_uuid(), '{organization}', 'k', 1, 'n', 'PURCHASE', 'DRAFT', 's')"
            ),
        ),
        raised(
            "user_svc",
            "one's own row may change, but its role needs manage_users",
            format!("UPDATE identity.users SET role = 'ADMIN' WHERE id = '{user}'"),
        ),
        hidden(
            "user_svc",
            "the organization needs manage_organization",
            "UPDATE identity.organizations SET name = 'forged'".to_owned(),
        ),
        hidden(
            "user_svc",
            "other people's sessions need manage_users",
            format!(
                "UPDATE identity.sessions SET revoked_at = now() WHERE user_id <> ctx.uid() AND organization_id = '{organization}'"
            ),
        ),
    ]
}

/// A deal of the agent's, with the buyer as a party, and three tasks of it that nothing holds up.
struct Inside {
    office: Office,
    deal: Deal,
    /// The buyer's own.
    own: String,
    /// The agent's, which the buyer sees.
    visible: String,
    /// One that the buyer does not see.
    internal: String,
}

impl Inside {
    async fn new() -> Self {
        let office = Office::new().await;
        let deal = office.purchase().await;
        let add = async |mut body: Value| {
            body["dealId"] = json!(deal.id);
            body["title"] = json!("A task");
            let answer = office.agent.api.post("/api/tasks", &body).await;
            text(&answer.expect(201)["id"])
        };
        let own = add(json!({"assigneeId": office.buyer.id})).await;
        let visible = add(json!({"assigneeId": office.agent.id, "buyerVisible": true})).await;
        let internal = add(json!({"buyerVisible": false})).await;
        Self {
            office,
            deal,
            own,
            visible,
            internal,
        }
    }

    /// What the buyer must not do to tasks, its own included.
    fn of_the_buyer_to_tasks(&self) -> Vec<Mistake> {
        let (own, visible) = (&self.own, &self.visible);
        let agent = &self.office.agent.id;
        let raised = |why, statement| Mistake::raised("task_svc", why, statement);
        let hidden = |why, statement| Mistake::hidden("task_svc", why, statement);
        let set = |columns: &str, task: &str| {
            format!("UPDATE task.tasks SET {columns} WHERE id = '{task}'")
        };
        let not_its_own = "an assignee changes nobody else's task";
        vec![
            raised(
                "waiving needs manage_tasks, of one's own task as well",
                waive(own),
            ),
            raised(
                "an assignee completes its task and does not rename it",
                set("title = 'forged'", own),
            ),
            raised(
                "due dates need assign_tasks",
                set("due_date = '2030-01-01'", own),
            ),
            raised(
                "assigning needs assign_tasks",
                set(&format!("assignee_id = '{agent}'"), own),
            ),
            raised(
                "when to ask again is not for its assignee to say",
                set("follow_up_on = '2030-01-01'", own),
            ),
            raised(
                "who sees a task is not for its assignee to say",
                set("buyer_visible = NOT buyer_visible", own),
            ),
            hidden(not_its_own, complete(visible)),
            hidden(not_its_own, waive(visible)),
            hidden(not_its_own, set("title = 'forged'", visible)),
            hidden(not_its_own, set("due_date = '2030-01-01'", visible)),
            hidden(not_its_own, set("assignee_id = ctx.uid()", visible)),
            hidden(not_its_own, complete(&self.internal)),
            raised("adding a task needs assign_tasks", self.new_task()),
            raised(
                "only who finished a task unlocks what waited for it",
                format!("SELECT ctx.permit_unlock('{own}')"),
            ),
        ]
    }

    /// What the buyer must not do to the rest of the deal.
    fn of_the_buyer_to_the_deal(&self) -> Vec<Mistake> {
        let deal = &self.deal.id;
        let buyer = &self.office.buyer.id;
        let raised = |why, statement| Mistake::raised("task_svc", why, statement);
        let hidden = |why, statement| Mistake::hidden("task_svc", why, statement);
        vec![
            raised(
                "a client writes no internal comment",
                self.comment(&self.own, buyer, "INTERNAL"),
            ),
            raised(
                "nobody comments on a task that it does not see",
                self.comment(&self.internal, buyer, "SHARED"),
            ),
            raised(
                "nobody comments in another's name",
                self.comment(&self.own, &self.office.agent.id, "SHARED"),
            ),
            raised(
                "to ask for a task needs assign_tasks",
                self.chase(&self.own, buyer),
            ),
            raised("a dependency needs assign_tasks", self.dependency()),
            hidden(
                "dependencies are removed with assign_tasks",
                "DELETE FROM task.dependencies".to_owned(),
            ),
            hidden(
                "milestones change with tasks alone",
                "UPDATE task.milestones SET title = 'forged'".to_owned(),
            ),
            hidden(
                "key dates need manage_tasks, or to be the deal's creator",
                "UPDATE task.key_dates SET date = '2030-01-01'".to_owned(),
            ),
            raised(
                "and so does leave to move them",
                format!("SELECT ctx.permit_dates('{deal}')"),
            ),
            Mistake::hidden(
                "deal_svc",
                "a party does not change the deal",
                format!("UPDATE deal.deals SET name = 'forged' WHERE id = '{deal}'"),
            ),
            Mistake::raised(
                "deal_svc",
                "a party brings no other one",
                party(&self.office.organization.id, deal),
            ),
        ]
    }

    /// What the agent must not do in its own deal.
    fn of_the_agent(&self) -> Vec<Mistake> {
        let raised = |why, statement| Mistake::raised("task_svc", why, statement);
        vec![
            raised(
                "nobody asks in another's name",
                self.chase(&self.own, &self.office.buyer.id),
            ),
            raised("waiving needs manage_tasks", waive(&self.visible)),
            raised("waiving needs manage_tasks", waive(&self.own)),
            raised(
                "the agent may change the buyer's task, but not complete it",
                complete(&self.own),
            ),
        ]
    }

    /// What an agent must not do in a deal of the organization that it neither created nor is a party of. Without a
    /// condition, so that what the agent may read does not hide what it might change.
    fn of_another_agent(&self, another: &User) -> Vec<Mistake> {
        let raised = |why, statement| Mistake::raised("task_svc", why, statement);
        let hidden = |why, statement| Mistake::hidden("task_svc", why, statement);
        let elsewhere = "assign_tasks reaches as far as the deals that one sees";
        vec![
            raised(elsewhere, self.new_task()),
            raised(elsewhere, self.dependency()),
            raised(
                "nobody comments on a task that it does not see",
                self.comment(&self.own, &another.id, "SHARED"),
            ),
            raised(elsewhere, self.chase(&self.own, &another.id)),
            hidden(
                elsewhere,
                "UPDATE task.milestones SET title = 'forged'".to_owned(),
            ),
            hidden(
                elsewhere,
                "UPDATE task.tasks SET title = 'forged'".to_owned(),
            ),
            hidden(elsewhere, "DELETE FROM task.dependencies".to_owned()),
            hidden(
                "create_deals steers the deals that one created",
                "UPDATE task.key_dates SET date = '2030-01-01'".to_owned(),
            ),
        ]
    }

    /// What the coordinator must not do, who sees every deal and manages its tasks.
    fn of_the_coordinator(&self) -> Vec<Mistake> {
        let needs = "a deal is created with create_deals, and in one's own name";
        [&self.office.coordinator.id, &self.office.agent.id]
            .map(|creator| {
                let statement = format!(
                    "INSERT INTO deal.deals (id, organization_id, name, street, city, state_or_province, postal_code, deal_type, status, time_zone, created_by) VALUES ('{}', '{}', 'forged', '1 Quay', 'Portland', 'ME', '04101', 'PURCHASE', 'DRAFT', 'America/New_York', '{creator}')",
                    Uuid::now_v7(),
                    self.office.organization.id
                );
                Mistake::raised("deal_svc", needs, statement)
            })
            .to_vec()
    }

    fn new_task(&self) -> String {
        format!(
            "INSERT INTO task.tasks (id, organization_id, deal_id, title, position, status, open_dependencies, created_by) VALUES (gen_random_uuid(), '{}', '{}', 'forged', 999, 'PENDING', 0, ctx.uid())",
            self.office.organization.id, self.deal.id
        )
    }

    /// That the agent's task waits for the buyer's.
    fn dependency(&self) -> String {
        format!(
            "INSERT INTO task.dependencies (organization_id, deal_id, task_id, depends_on_id) VALUES ('{}', '{}', '{}', '{}')",
            self.office.organization.id, self.deal.id, self.visible, self.own
        )
    }

    fn comment(&self, task: &str, author: &str, visibility: &str) -> String {
        format!(
            "INSERT INTO task.comments (id, organization_id, deal_id, task_id, author_id, body, visibility) VALUES (gen_random_uuid(), '{}', '{}', '{task}', '{author}', 'forged', '{visibility}')",
            self.office.organization.id, self.deal.id
        )
    }

    fn chase(&self, task: &str, author: &str) -> String {
        format!(
            "INSERT INTO task.chases (id, organization_id, deal_id, task_id, author_id, channel, replied) VALUES (gen_random_uuid(), '{}', '{}', '{task}', '{author}', 'PHONE', false)",
            self.office.organization.id, self.deal.id
        )
    }
}

fn waive(task: &str) -> String {
    format!(
        "UPDATE task.tasks SET status = 'WAIVED', waived_by = ctx.uid(), waived_at = now(), waive_reason = 'forged' WHERE id = '{task}'"
    )
}

fn complete(task: &str) -> String {
    format!(
        "UPDATE task.tasks SET status = 'COMPLETED', completed_by = ctx.uid(), completed_at = now(), completed_on = current_date WHERE id = '{task}'"
    )
}

fn party(organization: &str, deal: &str) -> String {
    format!(
        "INSERT INTO deal.parties (id, organization_id, deal_id, role, name, buyer_contact) VALUES (gen_random_uuid(), '{organization}', '{deal}', 'lender', 'forged', false)"
    )
}

/// The buyer is no party of this deal, so the database shows it nothing of it either.
#[tokio::test]
async fn the_database_refuses_what_a_service_lets_slip() {
    let scene = Scene::new().await;
    let buyer = scene.user(Role::Buyer);
    refuses(buyer, &of_an_outsider(&scene)).await;
    refuses(buyer, &of_a_buyer_to_the_organization(&scene)).await;
}

#[tokio::test]
async fn the_database_refuses_a_buyer_inside_the_deal_as_well() {
    let inside = Inside::new().await;
    let buyer = &inside.office.buyer;
    // What is refused is not for want of being seen.
    let mut database = entered("task_svc", buyer).await;
    let seen = format!(
        "SELECT id FROM task.tasks WHERE id IN ('{}', '{}', '{}')",
        inside.own, inside.visible, inside.internal
    );
    assert_eq!(database.rows(&seen).await.len(), 2);
    let allowed = inside.comment(&inside.own, &buyer.id, "SHARED");
    assert_eq!(database.execute(&allowed).await.expect("a comment"), 1);
    database.execute("ROLLBACK").await.expect("rollback");

    refuses(buyer, &inside.of_the_buyer_to_tasks()).await;
    refuses(buyer, &inside.of_the_buyer_to_the_deal()).await;
}

#[tokio::test]
async fn the_database_refuses_agents_and_coordinators_what_the_matrix_does() {
    let inside = Inside::new().await;
    let office = &inside.office;
    let mut database = entered("task_svc", &office.agent).await;
    for allowed in [
        inside.new_task(),
        inside.dependency(),
        inside.comment(&inside.internal, &office.agent.id, "INTERNAL"),
    ] {
        let changed = database.execute(&allowed).await;
        assert_eq!(changed.expect("the agent's own deal"), 1, "{allowed}");
    }
    database.execute("ROLLBACK").await.expect("rollback");

    refuses(&office.agent, &inside.of_the_agent()).await;
    let another = office.organization.agent().await;
    refuses(&another, &inside.of_another_agent(&another)).await;
    refuses(&office.coordinator, &inside.of_the_coordinator()).await;
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
        let mut database = entered(role, &stranger).await;
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
