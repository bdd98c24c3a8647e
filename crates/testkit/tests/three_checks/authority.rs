//! What decides about authority cannot be written past the rules, by no service: who is an administrator, which deals
//! exist and who sees them, and what the end of a task lets its transaction change.

use serde_json::{Value, json};
use testkit::{Database, Office, User, buyer_purchase, text};
use uuid::Uuid;

use super::database::{Mistake, entered, refuses};

/// Lets a role of the organization do more.
async fn grant(office: &Office, role: &str, permissions: &[&str]) {
    let grants = json!({"roleGrants": {role: permissions}});
    let answer = office.admin().api.patch("/api/organization", &grants).await;
    answer.expect(200);
}

/// The SQLSTATE with which a statement of this user's is refused by a service's connection.
async fn state_of(service: &str, user: &User, statement: &str) -> Option<String> {
    let mut database = entered(service, user).await;
    let error = database
        .execute(statement)
        .await
        .expect_err("a statement that must be refused");
    let code = error.as_database_error().and_then(|error| error.code());
    code.map(|code| code.into_owned())
}

fn new_user(office: &Office, role: &str) -> String {
    let (id, organization) = (Uuid::now_v7(), &office.organization.id);
    format!(
        "INSERT INTO identity.users (id, organization_id, email, email_key, full_name, role, status) VALUES ('{id}', '{organization}', '{id}@example.test', '{id}@example.test', 'Forged', '{role}', 'INVITED')"
    )
}

#[tokio::test]
async fn who_manages_users_makes_no_administrator_by_sql() {
    let office = Office::new().await;
    grant(&office, "BUYER", &["manage_users"]).await;
    let (admin, agent) = (&office.admin().id, &office.agent.id);
    let raised = |why, statement: String| Mistake::raised("user_svc", why, statement);
    let set = |columns: &str, user: &str| {
        format!("UPDATE identity.users SET {columns} WHERE id = '{user}'")
    };
    let mistakes = [
        raised("not of oneself", set("role = 'ADMIN'", &office.buyer.id)),
        raised("not of another", set("role = 'ADMIN'", agent)),
        raised("no administrator less", set("role = 'BUYER'", admin)),
        raised("nor disabled", set("status = 'DISABLED'", admin)),
        raised(
            "nor the organization's own actor",
            set("role = 'SYSTEM', status = 'SYSTEM'", agent),
        ),
        raised("no new one", new_user(&office, "ADMIN")),
        raised(
            "no session of somebody else",
            format!(
                "INSERT INTO identity.sessions (id, organization_id, user_id, expires_at) VALUES (gen_random_uuid(), '{}', '{admin}', now() + interval '1 day')",
                office.organization.id
            ),
        ),
        raised(
            "none taken over",
            format!("UPDATE identity.sessions SET user_id = '{admin}' WHERE user_id = ctx.uid()"),
        ),
        raised(
            "none of somebody else made longer",
            format!(
                "UPDATE identity.sessions SET expires_at = now() + interval '9 days' WHERE user_id = '{admin}'"
            ),
        ),
    ];
    refuses(&office.buyer, &mistakes).await;

    // The same permission is good for what it is for.
    let mut database = entered("user_svc", &office.buyer).await;
    let changed = database.execute(&set("role = 'BUYER'", agent)).await;
    assert_eq!(changed.expect("another role"), 1);
    let invited = database.execute(&new_user(&office, "BUYER_AGENT")).await;
    assert_eq!(invited.expect("an invitation"), 1);
}

#[tokio::test]
async fn every_permission_together_is_still_no_administrator() {
    let office = Office::new().await;
    let all = domain::permission::Permission::ALL.map(|permission| permission.as_str());
    grant(&office, "BUYER", &all).await;
    let own = format!(
        "UPDATE identity.users SET role = 'ADMIN' WHERE id = '{}'",
        office.buyer.id
    );
    let mistakes = [
        Mistake::raised("user_svc", "all ten are not everything", own),
        Mistake::raised("user_svc", "nor for others", new_user(&office, "ADMIN")),
    ];
    refuses(&office.buyer, &mistakes).await;
    // Nor can everything be granted to a role.
    let everything =
        "UPDATE identity.organizations SET role_grants = '{\"BUYER\": [\"view_deals\", \"*\"]}'";
    let state = state_of("user_svc", &office.buyer, everything).await;
    assert_eq!(state.as_deref(), Some("23514"));
}

#[tokio::test]
async fn nobody_gives_themselves_a_deal_or_changes_one_that_they_do_not_see() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let stranger = office.organization.agent().await;
    let organization = &office.organization.id;
    let access = format!(
        "INSERT INTO ctx.deal_access (organization_id, deal_id, user_id, is_creator) VALUES ('{organization}', '{}', ctx.uid(), true)",
        deal.id
    );
    let known = format!(
        "INSERT INTO ctx.deals (organization_id, id, status, name, created_by, time_zone) VALUES ('{organization}', gen_random_uuid(), 'ACTIVE', 'forged', ctx.uid(), 'UTC')"
    );
    for service in ["deal_svc", "task_svc", "user_svc", "auditor"] {
        let raised = |why, statement: &str| Mistake::raised(service, why, statement.to_owned());
        let mistakes = [
            raised("who sees a deal follows from its parties", &access),
            raised(
                "who sees a deal follows from its parties",
                "UPDATE ctx.deal_access SET user_id = ctx.uid()",
            ),
            raised(
                "who sees a deal follows from its parties",
                "DELETE FROM ctx.deal_access",
            ),
            raised("deals are made in deal.deals", &known),
            raised(
                "a deal's status follows from deal.deals",
                "UPDATE ctx.deals SET status = 'CLOSED'",
            ),
        ];
        for user in [&stranger, &office.coordinator, office.admin()] {
            refuses(user, &mistakes).await;
        }
    }

    // Without a condition, so that what one may read does not hide what one might change.
    grant(&office, "BUYER_AGENT", &["manage_tasks"]).await;
    let hidden = |why, statement: &str| Mistake::hidden("deal_svc", why, statement.to_owned());
    let party = format!(
        "INSERT INTO deal.parties (id, organization_id, deal_id, role, name, buyer_contact, user_id) VALUES (gen_random_uuid(), '{organization}', '{}', 'lender', 'forged', false, ctx.uid())",
        deal.id
    );
    let mistakes = [
        hidden(
            "manage_tasks reaches as far as the deals that one sees",
            "UPDATE deal.deals SET status = 'CANCELLED'",
        ),
        hidden(
            "manage_tasks reaches as far as the deals that one sees",
            "UPDATE deal.parties SET user_id = ctx.uid()",
        ),
        Mistake::raised("deal_svc", "and so do its parties", party),
        Mistake::raised(
            "deal_svc",
            "nor are its dates held back",
            format!("SELECT ctx.wait_for_due_dates('{}')", deal.id),
        ),
        hidden_task("UPDATE task.tasks SET title = 'forged'"),
        hidden_task("UPDATE task.plans SET state = 'FAILED'"),
        hidden_task("UPDATE task.milestones SET title = 'forged'"),
        hidden_task("UPDATE task.key_dates SET date = '2030-01-01'"),
        hidden_task("DELETE FROM task.dependencies"),
    ];
    refuses(&stranger, &mistakes).await;
}

fn hidden_task(statement: &str) -> Mistake {
    let why = "manage_tasks reaches as far as the deals that one sees";
    Mistake::hidden("task_svc", why, statement.to_owned())
}

#[tokio::test]
async fn a_deal_takes_no_step_by_sql_that_deal_service_would_refuse() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let task = json!({"dealId": deal.id, "title": "A required task"});
    office.agent.api.post("/api/tasks", &task).await.expect(201);
    let set = |columns: &str| format!("UPDATE deal.deals SET {columns} WHERE id = '{}'", deal.id);
    let raised = |why, columns: &str| Mistake::raised("deal_svc", why, set(columns));
    let mistakes = [
        raised("an active deal is no draft", "status = 'DRAFT'"),
        raised("only drafts are deleted", "status = 'DELETED'"),
        raised("a deal keeps its creator", "created_by = gen_random_uuid()"),
        Mistake::raised(
            "deal_svc",
            "only a deal on hold is resumed",
            format!("SELECT ctx.wait_for_due_dates('{}')", deal.id),
        ),
    ];
    for user in [&office.agent, &office.coordinator] {
        refuses(user, &mistakes).await;
    }
    let over = [raised(
        "closing over open tasks needs manage_tasks",
        "status = 'CLOSED'",
    )];
    refuses(&office.agent, &over).await;

    let cancel = format!("/api/deals/{}/cancel", deal.id);
    let reason = json!({"reason": "the financing fell through"});
    office.agent.api.post(&cancel, &reason).await.expect(200);
    let reopened = [raised(
        "a deal that is over is opened by an administrator",
        "status = 'ACTIVE'",
    )];
    refuses(&office.agent, &reopened).await;
    refuses(&office.coordinator, &reopened).await;
}

#[tokio::test]
async fn the_login_of_a_party_is_an_active_user_of_the_organization() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let foreign = Office::new().await.buyer;
    let disabled = office.organization.buyer().await;
    let path = format!("/api/users/{}", disabled.id);
    office.admin().api.delete(&path).await.expect(204);
    for user in [&foreign.id, &disabled.id, &Uuid::now_v7().to_string()] {
        let statement = format!(
            "INSERT INTO deal.parties (id, organization_id, deal_id, role, name, buyer_contact, user_id) VALUES (gen_random_uuid(), '{}', '{}', 'lender', 'forged', false, '{user}')",
            office.organization.id, deal.id
        );
        let mistakes = [Mistake::raised(
            "deal_svc",
            "nobody else logs in",
            statement,
        )];
        refuses(&office.agent, &mistakes).await;
    }
}

/// Two deals of the agent's, each with a task of the buyer's.
struct TwoDeals {
    office: Office,
    deals: [String; 2],
    tasks: [String; 2],
}

impl TwoDeals {
    async fn new() -> Self {
        let office = Office::new().await;
        let parties = office.parties();
        let mut both = Vec::new();
        for _ in 0..2 {
            let deal = office
                .agent
                .create_planned_deal(&buyer_purchase(&parties))
                .await;
            let body = json!({"dealId": deal.id, "title": "A task", "assigneeId": office.buyer.id});
            let answer = office.agent.api.post("/api/tasks", &body).await;
            both.push((deal.id, text(&answer.expect(201)["id"])));
        }
        let [first, second] = both.try_into().expect("two deals");
        Self {
            office,
            deals: [first.0, second.0],
            tasks: [first.1, second.1],
        }
    }

    /// That the first deal's task waits for the second deal's, as a dependency of this deal.
    fn across(&self, deal: &str) -> String {
        format!(
            "INSERT INTO task.dependencies (organization_id, deal_id, task_id, depends_on_id) VALUES ('{}', '{deal}', '{}', '{}')",
            self.office.organization.id, self.tasks[0], self.tasks[1]
        )
    }
}

#[tokio::test]
async fn what_names_a_task_or_a_milestone_is_of_the_same_deal() {
    let two = TwoDeals::new().await;
    let coordinator = &two.office.coordinator;
    let plan = coordinator.planned(&two.deals[1]).await;
    let milestone = text(&plan["milestones"][0]["id"]);
    let comment = format!(
        "INSERT INTO task.comments (id, organization_id, deal_id, task_id, author_id, body, visibility) VALUES (gen_random_uuid(), '{}', '{}', '{}', ctx.uid(), 'forged', 'SHARED')",
        two.office.organization.id, two.deals[0], two.tasks[1]
    );
    let chase = format!(
        "INSERT INTO task.chases (id, organization_id, deal_id, task_id, author_id, channel, replied) VALUES (gen_random_uuid(), '{}', '{}', '{}', ctx.uid(), 'PHONE', false)",
        two.office.organization.id, two.deals[0], two.tasks[1]
    );
    let moved = format!(
        "UPDATE task.tasks SET milestone_id = '{milestone}' WHERE id = '{}'",
        two.tasks[0]
    );
    for statement in [
        two.across(&two.deals[0]),
        two.across(&two.deals[1]),
        comment,
        chase,
        moved,
    ] {
        let state = state_of("task_svc", coordinator, &statement).await;
        assert_eq!(state.as_deref(), Some("23503"), "{statement}");
    }
}

#[tokio::test]
async fn only_the_transaction_that_finished_a_task_unlocks_what_waited_for_it() {
    let two = TwoDeals::new().await;
    let (buyer, own) = (&two.office.buyer, &two.tasks[0]);
    let permit = format!("SELECT ctx.permit_unlock('{own}')");
    let set = |columns: &str| format!("UPDATE task.tasks SET {columns} WHERE id = '{own}'");
    let complete = set(
        "status = 'COMPLETED', completed_by = ctx.uid(), completed_at = now(), completed_on = current_date",
    );

    // Finishing it gives leave, and only in that transaction.
    let mut database = entered("task_svc", buyer).await;
    assert_eq!(database.execute(&complete).await.expect("its own task"), 1);
    database.execute(&permit).await.expect("finished just now");
    database.execute("ROLLBACK").await.expect("rollback");

    let finish = format!("/api/tasks/{own}/complete");
    buyer.api.post(&finish, &json!({})).await.expect(200);
    for touched in ["note = note", "finished_in = pg_current_xact_id()"] {
        let mut database = entered("task_svc", buyer).await;
        let changed = database.execute(&set(touched)).await;
        assert_eq!(changed.expect("a touch"), 1, "{touched}");
        let refused = database.execute(&permit).await;
        let error = refused.expect_err("a task that was done before");
        let code = error.as_database_error().and_then(|error| error.code());
        assert_eq!(code.as_deref(), Some("42501"), "{touched}");
    }
    let left: Value = Database::superuser()
        .await
        .rows(&format!("SELECT status FROM task.tasks WHERE id = '{own}'"))
        .await
        .remove(0);
    assert_eq!(left["status"], "COMPLETED");
}
