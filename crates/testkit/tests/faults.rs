//! Servers and services stop while people work: commands go on or answer 503, and nothing is lost.
//!
//! These tests run alone and one at a time (`scripts/test`), since they stop what all others use. Each
//! starts again what it stopped, also when it fails.

#![expect(
    clippy::expect_used,
    reason = "a test that cannot go on should say why"
)]

use std::{
    thread::JoinHandle,
    time::{Duration, Instant},
};

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    Client, Database, LogFrom, Mail, Organization, User, buyer_purchase, dead_letters, eventually,
    eventually_within, mails_to, stack, text,
};
use uuid::Uuid;

/// Starts what was stopped, whatever happens in between.
struct Stopped(&'static str);

impl Stopped {
    fn now(name: &'static str) -> Self {
        stack().stop(name);
        Self(name)
    }

    fn killed(name: &'static str) -> Self {
        stack().kill(name);
        Self(name)
    }

    fn start_again(self) {
        drop(self);
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        stack().start(self.0);
    }
}

#[path = "faults/events.rs"]
mod events;

struct Office {
    organization: Organization,
    agent: User,
    coordinator: User,
}

impl Office {
    async fn new() -> Self {
        let organization = Organization::new().await;
        let agent = organization.agent().await;
        let coordinator = organization.coordinator().await;
        Self {
            organization,
            agent,
            coordinator,
        }
    }

    fn purchase(&self) -> Value {
        buyer_purchase(&json!([
            {"role": "buyer_agent", "name": "The Agent", "userId": self.agent.id},
            {"role": "transaction_coordinator", "name": "The Coordinator", "userId": self.coordinator.id},
        ]))
    }

    async fn summary_shows_done(&self, deal_id: &str, done: u64) {
        eventually_within(Duration::from_secs(60), "the summary follows", async || {
            let summary = self
                .agent
                .api
                .get(&format!("/api/deals/{deal_id}/summary"))
                .await;
            (summary.status == 200 && summary.json["progress"]["done"] == done).then_some(())
        })
        .await;
    }

    async fn outboxes_drain(&self) {
        for outbox in [
            "identity.event_outbox",
            "deal.event_outbox",
            "task.event_outbox",
        ] {
            eventually_within(Duration::from_secs(60), "the outbox drains", async || {
                let sql = format!(
                    "SELECT count(*) AS n FROM {outbox} WHERE processed_at IS NULL AND organization_id = '{}'",
                    self.organization.id
                );
                (Database::superuser().await.rows(&sql).await[0]["n"] == 0).then_some(())
            })
            .await;
        }
    }

    async fn workflow_knows(&self, deal_id: &str, done: usize) {
        eventually_within(
            Duration::from_secs(90),
            "the workflow knows of every completion",
            async || {
                let workflow = self
                    .coordinator
                    .api
                    .get(&format!("/api/deals/{deal_id}/workflow"))
                    .await;
                let completed = workflow.json["completedTaskIds"].as_array().map(Vec::len);
                (workflow.status == 200 && completed == Some(done)).then_some(())
            },
        )
        .await;
    }
}

#[tokio::test]
async fn with_redis_down_everything_still_works() {
    let office = Office::new().await;
    let deal = office.agent.create_planned_deal(&office.purchase()).await;
    let redis = Stopped::now("redis");
    let login = Client::new(&stack().gateway)
        .post(
            "/api/auth/login",
            &json!({"email": office.agent.email, "password": office.agent.password}),
        )
        .await;
    login.expect(200);
    office
        .coordinator
        .complete(&deal.id, "verify_executed_contract")
        .await;
    office.summary_shows_done(&deal.id, 1).await;

    // A sign-out takes effect at once, though no cache can be updated.
    let leaving = office.agent.api.post("/api/auth/logout", &json!({})).await;
    leaving.expect(204);
    eventually_within(
        Duration::from_secs(5),
        "the session is refused",
        async || (office.agent.api.get("/api/deals").await.status == 401).then_some(()),
    )
    .await;

    redis.start_again();
    assert_eq!(
        office.agent.api.get("/api/deals").await.status,
        401,
        "a cached session came back to life"
    );
    office
        .coordinator
        .complete(&deal.id, "confirm_effective_date")
        .await;
}

#[tokio::test]
async fn with_the_broker_down_commands_succeed_and_their_events_arrive_later() {
    let office = Office::new().await;
    let deal = office.agent.create_planned_deal(&office.purchase()).await;
    let broker = Stopped::now("rabbitmq");
    for key in [
        "verify_executed_contract",
        "confirm_effective_date",
        "enter_key_dates",
    ] {
        office.coordinator.complete(&deal.id, key).await;
    }
    let second = office.agent.create_deal(&office.purchase()).await;
    broker.start_again();
    office.outboxes_drain().await;
    office.summary_shows_done(&deal.id, 3).await;
    office.workflow_knows(&deal.id, 3).await;
    office.agent.planned(&second.id).await;
    Database::superuser()
        .await
        .holds_for(&office.organization.id)
        .await;
}

#[tokio::test]
async fn with_temporal_down_commands_succeed_and_the_workflow_catches_up() {
    let office = Office::new().await;
    let deal = office.agent.create_planned_deal(&office.purchase()).await;
    let temporal = Stopped::now("temporal");
    office
        .coordinator
        .complete(&deal.id, "verify_executed_contract")
        .await;
    let second = office.agent.create_deal(&office.purchase()).await;
    assert_eq!(second.json["status"], "ACTIVE");
    let began = Instant::now();
    let workflow = office
        .coordinator
        .api
        .get(&format!("/api/deals/{}/workflow", deal.id))
        .await;
    workflow.refuses(503, "SERVICE_UNAVAILABLE");
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    temporal.start_again();
    eventually_within(
        Duration::from_secs(90),
        "the second deal gets its plan",
        async || {
            let plan = office
                .agent
                .api
                .get(&format!("/api/deals/{}/plan", second.id))
                .await;
            (plan.json["planState"] == "APPLIED").then_some(())
        },
    )
    .await;
    office.workflow_knows(&deal.id, 1).await;
}

#[tokio::test]
async fn with_the_database_down_every_request_is_answered_503_and_recovery_needs_nobody() {
    let office = Office::new().await;
    let deal = office.agent.create_planned_deal(&office.purchase()).await;
    let database = Stopped::now("postgres");
    let new_deal = office.purchase();
    let login = json!({"email": office.agent.email, "password": office.agent.password});
    let (plan, workflow) = (
        format!("/api/deals/{}/plan", deal.id),
        format!("/api/deals/{}/workflow", deal.id),
    );
    for (path, body) in [
        ("/api/deals", None),
        ("/api/tasks", None),
        (plan.as_str(), None),
        (workflow.as_str(), None),
        ("/api/users", None),
        ("/api/notifications", None),
        ("/api/deals", Some(&new_deal)),
        ("/api/auth/login", Some(&login)),
    ] {
        let began = Instant::now();
        let method = if body.is_some() {
            Method::POST
        } else {
            Method::GET
        };
        let answer = office.agent.api.send(method, path, &[], body).await;
        answer.refuses(503, "SERVICE_UNAVAILABLE");
        assert!(
            !answer.header("retry-after").is_empty(),
            "{path} has no Retry-After"
        );
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "{path} took {:?}",
            began.elapsed()
        );
    }
    database.start_again();
    eventually_within(
        Duration::from_secs(15),
        "the services recover",
        async || {
            let deals = office.agent.api.get("/api/deals").await.status;
            let tasks = office.agent.api.get("/api/tasks").await.status;
            (deals == 200 && tasks == 200).then_some(())
        },
    )
    .await;
    office
        .coordinator
        .complete(&deal.id, "verify_executed_contract")
        .await;
    office.summary_shows_done(&deal.id, 1).await;
}

/// As many requests as two services have connections for, and more, meet a database that takes them and answers none.
#[tokio::test]
async fn a_frozen_database_holds_no_request_and_afterwards_no_connection() {
    let office = Office::new().await;
    let ask = async || {
        let paths = ["/api/deals", "/api/tasks"];
        let requests = (0..80).map(|index| office.agent.api.get(paths[index % 2]));
        join_all(requests).await
    };
    stack().pause("postgres");
    let refused = ask().await;
    stack().resume("postgres");
    for answer in refused {
        answer.refuses(503, "SERVICE_UNAVAILABLE");
        assert!(!answer.header("retry-after").is_empty());
    }
    eventually("the services answer again", async || {
        let answers = ask().await;
        answers
            .iter()
            .all(|answer| answer.status == 200)
            .then_some(())
    })
    .await;
    eventually("no transaction is left open", async || {
        let sql = "SELECT count(*) AS n FROM pg_stat_activity
                    WHERE state LIKE 'idle in transaction%' AND usename IN ('deal_svc', 'task_svc')";
        (Database::superuser().await.rows(sql).await[0]["n"] == 0).then_some(())
    })
    .await;
}

/// Alone on the stack, so that all its connections are those of one process.
#[tokio::test]
async fn a_burst_of_reads_and_audits_opens_at_most_twenty_connections() {
    const REQUESTS: usize = 64;
    let office = Office::new().await;
    let requests = (0..REQUESTS).map(async |index| {
        let path = if index % 4 == 0 {
            "/api/audit?limit=1"
        } else {
            "/api/deals?limit=1"
        };
        office.organization.admin.api.get(path).await
    });
    join_all(requests).await;
    let sql = "SELECT count(*) AS n FROM pg_stat_activity WHERE usename IN ('deal_svc', 'deal_relay', 'auditor')";
    let open = Database::superuser().await.rows(sql).await[0]["n"].as_u64();
    assert!(
        open.is_some_and(|connections| connections <= 20),
        "{open:?}"
    );
}

/// When a service is asked to stop, it finishes what it has begun; what comes later is refused.
#[tokio::test]
async fn a_service_that_is_told_to_stop_finishes_the_requests_under_way() {
    const REQUESTS: usize = 8;
    let office = Office::new().await;
    let deal = office.agent.create_planned_deal(&office.purchase()).await;
    let add = async |title: String| {
        let task = json!({"dealId": deal.id, "title": title});
        office.coordinator.api.post("/api/tasks", &task).await
    };
    // Somebody holds the deal's row until the service has begun to stop.
    let held = HeldDeal::hold(&deal.id).await;
    let stopping = async {
        waiting(REQUESTS, "Lock").await;
        let log = stack().log_from_now("task-service");
        let stop = std::thread::spawn(|| Stopped::now("task-service"));
        eventually("task-service begins to stop", async || {
            (!log.lines_with(&["asked to end"]).is_empty()).then_some(())
        })
        .await;
        held.release().await;
        stop
    };
    let requests = (0..REQUESTS).map(|index| add(format!("Under way {index}")));
    let (answers, stop) = tokio::join!(join_all(requests), stopping);
    // Started again also where an answer is not as expected.
    let service = stop.join().expect("task-service stops");
    for answer in &answers {
        answer.expect(201);
    }
    add("Too late".to_owned())
        .await
        .refuses(503, "SERVICE_UNAVAILABLE");
    service.start_again();
    let tasks = office
        .coordinator
        .api
        .get(&format!("/api/tasks?dealId={}&limit=100", deal.id))
        .await;
    let kept = tasks.expect(200)["items"]
        .as_array()
        .expect("tasks")
        .iter()
        .filter(|task| text(&task["title"]).starts_with("Under way"))
        .count();
    assert_eq!(kept, REQUESTS);
    office.outboxes_drain().await;
}

#[tokio::test]
async fn a_killed_worker_loses_nothing() {
    let office = Office::new().await;
    let deal = office.agent.create_planned_deal(&office.purchase()).await;
    office
        .coordinator
        .complete(&deal.id, "verify_executed_contract")
        .await;
    let worker = Stopped::killed("workflow-worker");
    office
        .coordinator
        .complete(&deal.id, "confirm_effective_date")
        .await;
    let second = office.agent.create_deal(&office.purchase()).await;
    worker.start_again();
    office.workflow_knows(&deal.id, 2).await;
    office.agent.planned(&second.id).await;
    Database::superuser()
        .await
        .holds_for(&office.organization.id)
        .await;
}

#[tokio::test]
async fn a_reset_that_was_used_before_its_mail_went_out_is_not_mailed() {
    let admin = Organization::new().await.admin;
    let api = Client::new(&stack().gateway);
    let worker = Stopped::now("workflow-worker");
    let asked = api
        .post("/api/auth/password/forgot", &json!({"email": admin.email}))
        .await;
    let password = "a new password of mine";
    let reset = json!({"token": asked.expect(202)["resetToken"], "newPassword": password});
    api.post("/api/auth/password/reset", &reset)
        .await
        .expect(204);
    worker.start_again();

    let login = json!({"email": admin.email, "password": password});
    let session = api.post("/api/auth/login", &login).await;
    let token = text(&session.expect(200)["accessToken"]);
    let api = api.with_token(&token);
    eventually("the notification is settled", async || {
        let rows = api
            .get("/api/audit?type=notifications.notification.created")
            .await;
        let rows = rows.expect(200)["items"].as_array().cloned()?;
        let made = rows
            .iter()
            .find(|row| row["after"]["kind"] == "PASSWORD_RESET")?;
        let path = format!("/api/audit?entity={}", text(&made["entityId"]));
        let history = api.get(&path).await;
        let last = history.expect(200)["items"][0].clone();
        (last["after"]["emailStatus"] == "NOT_WANTED").then_some(())
    })
    .await;
    let mails = mails_to(&admin.email).await;
    assert!(
        !mails.iter().any(|mail| mail.text.contains("/reset/")),
        "{mails:?}"
    );
}

#[tokio::test]
async fn a_worker_killed_while_it_applies_a_plan_applies_it_once() {
    let office = Office::new().await;
    let worker = Stopped::now("workflow-worker");
    let deal = office.agent.create_deal(&office.purchase()).await;
    let held = HeldDeal::hold(&deal.id).await;
    worker.start_again();
    waiting(1, "Lock").await;
    let worker = Stopped::killed("workflow-worker");
    held.release().await;
    worker.start_again();
    office.agent.planned(&deal.id).await;
    let sql = format!(
        "SELECT count(*) AS n FROM audit.audit_log WHERE deal_id = '{}' AND event_type = 'tasks.plan.applied'",
        deal.id
    );
    assert_eq!(Database::superuser().await.rows(&sql).await[0]["n"], 1);
    Database::superuser()
        .await
        .holds_for(&office.organization.id)
        .await;
}

/// A completion by the coordinator that can be sent again under its key.
struct Completion {
    api: Client,
    path: String,
    key: String,
}

impl Completion {
    async fn of_first_task(office: &Office, deal_id: &str) -> Self {
        let task = office
            .coordinator
            .task(deal_id, "verify_executed_contract")
            .await;
        Self {
            api: office.coordinator.api.clone(),
            path: format!("/api/tasks/{}/complete", text(&task["id"])),
            key: Uuid::now_v7().to_string(),
        }
    }

    /// Sends it in a task of its own; returns the status of the answer.
    fn begin(&self) -> tokio::task::JoinHandle<Option<u16>> {
        let (api, path, key) = (self.api.clone(), self.path.clone(), self.key.clone());
        tokio::spawn(async move {
            let headers = [("Idempotency-Key", key.as_str())];
            let body = json!({});
            let answer = api.try_send(Method::POST, &path, &headers, Some(&body));
            answer.await.ok().map(|answer| answer.status.as_u16())
        })
    }

    /// Sends it until it is answered 200, and returns whether that answer was replayed.
    async fn is_replayed(&self) -> bool {
        eventually("the retry is answered", async || {
            let headers = [("Idempotency-Key", self.key.as_str())];
            let body = json!({});
            let answer = self
                .api
                .send(Method::POST, &self.path, &headers, Some(&body))
                .await;
            (answer.status == 200).then(|| answer.header("idempotent-replayed") == "true")
        })
        .await
    }
}

/// So many sessions of task-service wait for `event`, as PostgreSQL names it.
async fn waiting(sessions: usize, event: &str) {
    eventually(&format!("{sessions} sessions wait: {event}"), async || {
        let sql = format!(
            "SELECT count(*) AS n FROM pg_stat_activity
              WHERE usename = 'task_svc' AND '{event}' IN (wait_event_type, wait_event)"
        );
        (Database::superuser().await.rows(&sql).await[0]["n"] == sessions).then_some(())
    })
    .await;
}

/// Holds a deal's row: all changes in the deal wait until it is released.
struct HeldDeal(Database);

impl HeldDeal {
    async fn hold(deal_id: &str) -> Self {
        let mut database = Database::superuser().await;
        database.execute("BEGIN").await.expect("a transaction");
        let lock = format!("SELECT id FROM ctx.deals WHERE id = '{deal_id}' FOR UPDATE");
        database.execute(&lock).await.expect("the deal's row");
        Self(database)
    }

    async fn release(mut self) {
        let released = self.0.execute("COMMIT").await;
        released.expect("the row is released");
    }
}

/// Task-service is killed inside a transaction; nothing of it stays, and the retry does it.
#[tokio::test]
async fn a_task_service_killed_inside_a_completion_leaves_nothing_of_it_and_the_retry_does_it_once()
{
    let office = Office::new().await;
    let deal = office.agent.create_planned_deal(&office.purchase()).await;
    let completion = Completion::of_first_task(&office, &deal.id).await;
    let held = HeldDeal::hold(&deal.id).await;
    let command = completion.begin();
    waiting(1, "Lock").await;
    let service = Stopped::killed("task-service");
    held.release().await;
    assert_ne!(command.await.expect("the command ends"), Some(200));
    service.start_again();
    assert!(!completion.is_replayed().await, "it had not been done");
    assert!(completion.is_replayed().await, "it was done twice");
    let again = completion.api.post(&completion.path, &json!({})).await;
    again.refuses(409, "TASK_ALREADY_DONE");
    let mut database = Database::superuser().await;
    database.holds_for(&office.organization.id).await;
}

/// Task-service is killed after its COMMIT and before the answer. PostgreSQL delays the answer to a commit for a
/// standby that does not exist, after it is on disk: the service cannot know that it is.
#[tokio::test]
async fn a_task_service_killed_between_commit_and_answer_answers_the_retry_with_what_was_done() {
    let office = Office::new().await;
    let deal = office.agent.create_planned_deal(&office.purchase()).await;
    let completion = Completion::of_first_task(&office, &deal.id).await;
    let standby = async |setting: &str| {
        let mut database = Database::superuser().await;
        let setting = format!("ALTER SYSTEM {setting}");
        database.execute(&setting).await.expect("the setting");
        let reload = "SELECT pg_reload_conf()";
        database.execute(reload).await.expect("the reload");
    };
    standby("SET synchronous_standby_names = 'nobody'").await;
    let command = completion.begin();
    waiting(1, "SyncRep").await;
    let service = Stopped::killed("task-service");
    standby("RESET synchronous_standby_names").await;
    assert_ne!(command.await.expect("the command ends"), Some(200));
    service.start_again();
    assert!(completion.is_replayed().await, "it was done a second time");
    let again = completion.api.post(&completion.path, &json!({})).await;
    again.refuses(409, "TASK_ALREADY_DONE");
    let mut database = Database::superuser().await;
    database.holds_for(&office.organization.id).await;
}

/// A frozen service holds nothing up for longer than the timeouts allow.
#[tokio::test]
async fn a_frozen_service_is_answered_for_by_the_gateway() {
    let office = Office::new().await;
    stack().pause("deal-service");
    let answer =
        tokio::time::timeout(Duration::from_secs(35), office.agent.api.get("/api/deals")).await;
    let tasks = office.agent.api.get("/api/tasks").await;
    stack().resume("deal-service");
    let answer = answer.expect("the gateway answers within its limit");
    assert_eq!(answer.status, 503, "{}", answer.text);
    tasks.expect(200);
    eventually("deal-service answers again", async || {
        (office.agent.api.get("/api/deals").await.status == 200).then_some(())
    })
    .await;
}

/// The broker takes a message back eight times at most; a long absence must not use that up.
#[tokio::test]
async fn an_event_outlasts_any_absence_of_temporal() {
    let office = Office::new().await;
    let log = stack().log_from_now("workflow-worker");
    let temporal = Stopped::now("temporal");
    let deal = office.agent.create_deal(&office.purchase()).await;
    eventually_within(
        Duration::from_secs(150),
        "the activation is put back more often than the broker allows",
        async || {
            let put_back = log.lines_with(&[
                "an event is put back",
                "\"event_type\":\"deals.deal.activated\"",
            ]);
            (put_back.len() > 8 + 2).then_some(())
        },
    )
    .await;
    temporal.start_again();
    office.agent.planned(&deal.id).await;
    office.workflow_knows(&deal.id, 0).await;
    let dead = dead_letters("workflow-worker.events", &office.organization.id).await;
    assert!(dead.is_empty(), "given up: {dead:?}");
}

#[tokio::test]
async fn a_deal_cannot_be_closed_before_its_plan_is_made() {
    let office = Office::new().await;
    let worker = Stopped::now("workflow-worker");
    let deal = office.agent.create_deal(&office.purchase()).await;
    assert_eq!(deal.json["status"], "ACTIVE");
    let close = format!("/api/deals/{}/close", deal.id);
    let early = office.coordinator.api.post(&close, &json!({})).await;
    early.refuses(409, "PLAN_PENDING");
    worker.start_again();
    office.agent.planned(&deal.id).await;
    let open = office.coordinator.api.post(&close, &json!({})).await;
    open.refuses(409, "DEAL_TASKS_OPEN");
}

#[tokio::test]
async fn a_plan_that_cannot_be_made_is_shown_and_told_until_the_facts_are_mended() {
    let office = Office::new().await;
    let buyer = office.organization.buyer().await;
    let worker = Stopped::now("workflow-worker");
    let mut body = office.purchase();
    let party = json!({"role": "buyer", "name": "The Buyer", "userId": buyer.id});
    body["parties"].as_array_mut().unwrap().push(party);
    let deal = office.agent.create_deal(&body).await;
    // Every door refuses such facts: only another program can have left them.
    let sql = format!(
        "UPDATE deal.deals SET facts = '{{\"year_built\": {{}}}}' WHERE id = '{}'",
        deal.id
    );
    let changed = Database::superuser().await.execute(&sql).await;
    assert_eq!(changed.ok(), Some(1));
    worker.start_again();

    let (api, path) = (&office.coordinator.api, format!("/api/deals/{}", deal.id));
    let state = async || api.get(&format!("{path}/plan")).await.expect(200)["planState"].clone();
    eventually("the plan fails", async || {
        (state().await == "FAILED").then_some(())
    })
    .await;
    eventually("the workflow says why", async || {
        let workflow = api.get(&format!("{path}/workflow")).await;
        let reason = workflow.json["planFailure"].as_str()?.to_owned();
        reason.contains("(PLAN_FAILED)").then_some(())
    })
    .await;
    eventually("the coordinator gets a notice of the reason", async || {
        let told = api.get("/api/notifications").await;
        let items = told.expect(200)["items"].as_array().cloned()?;
        let failed = items.iter().find(|item| item["kind"] == "PLAN_FAILED")?;
        text(&failed["body"])
            .contains("(PLAN_FAILED)")
            .then_some(())
    })
    .await;
    let close = api.post(&format!("{path}/close"), &json!({})).await;
    close.refuses(409, "PLAN_FAILED");
    let buyer = &buyer.api;
    let workflow = buyer.get(&format!("{path}/workflow")).await;
    assert_eq!(workflow.expect(200)["planState"], "FAILED");
    let dates = buyer.get(&format!("{path}/key-dates")).await;
    dates.expect(200);
    let explained = buyer
        .get(&format!("{path}/key-dates/closing_date/explain"))
        .await;
    explained.refuses(409, "PLAN_FAILED");
    for answer in [&workflow, &dates, &explained] {
        let text = &answer.text;
        assert!(!text.contains("year_built"), "a fact is named: {text}");
    }
    assert!(workflow.json["planFailure"].is_null(), "{}", workflow.text);

    let mended = json!({"facts": body["facts"], "version": deal.json["version"]});
    api.patch(&path, &mended).await.expect(200);
    office.coordinator.planned(&deal.id).await;
}

#[tokio::test]
async fn mail_waits_for_its_server_and_is_not_sent_to_somebody_disabled_meanwhile() {
    let organization = Organization::new().await;
    let (staying, leaving) = (organization.agent().await, organization.agent().await);
    let mail = Stopped::now("mail");
    for user in [&staying, &leaving] {
        let forgot = Client::new(&stack().gateway)
            .post("/api/auth/password/forgot", &json!({"email": user.email}))
            .await;
        forgot.expect(202);
    }
    let path = format!("/api/users/{}", leaving.id);
    organization.admin.api.delete(&path).await.expect(204);
    mail.start_again();
    for (user, expected) in [(&staying, "SENT"), (&leaving, "NOT_WANTED")] {
        eventually(&format!("a mail is {expected}"), async || {
            let sql = format!(
                "SELECT email_status FROM identity.notifications WHERE kind = 'PASSWORD_RESET' AND user_id = '{}'",
                user.id
            );
            let rows = Database::superuser().await.rows(&sql).await;
            (rows.len() == 1 && rows[0]["email_status"] == expected).then_some(())
        })
        .await;
    }
    let resets = |mails: Vec<Mail>| {
        mails
            .iter()
            .filter(|mail| mail.text.contains("/reset/"))
            .count()
    };
    assert_eq!(resets(mails_to(&staying.email).await), 1);
    assert_eq!(resets(mails_to(&leaving.email).await), 0);
}

/// Starts services before the server that they need: each says what it waits for, and goes on by itself.
async fn started_before(server: &'static str, called: &str, services: &[&'static str]) {
    let server = Stopped::now(server);
    for service in services {
        stack().kill(service);
    }
    let logs: Vec<LogFrom> = services
        .iter()
        .map(|service| stack().log_from_now(service))
        .collect();
    // Returns once the service is ready, which may not be before the server is there.
    let starting: Vec<JoinHandle<()>> = services
        .iter()
        .map(|&service| std::thread::spawn(move || stack().start(service)))
        .collect();
    let waiting = format!("waiting for {called}, trying again");
    let found = format!("{called} is there now");
    for (service, log) in services.iter().zip(&logs) {
        eventually(&format!("{service} waits for {called}"), async || {
            (!log.lines_with(&[&waiting]).is_empty()).then_some(())
        })
        .await;
        assert!(log.lines_with(&[&found]).is_empty(), "{service}");
    }
    server.start_again();
    for (service, start) in services.iter().zip(starting) {
        start
            .join()
            .unwrap_or_else(|_| panic!("{service} does not become ready"));
    }
    for (service, log) in services.iter().zip(&logs) {
        eventually(&format!("{service} finds {called}"), async || {
            (!log.lines_with(&[&found]).is_empty()).then_some(())
        })
        .await;
    }
}

/// The whole chain works: API, database, cache, events, workflow.
async fn everything_works() {
    eventually("somebody can sign up", async || {
        let ready = Client::new(&stack().gateway).get("/api/openapi.json").await;
        let keys = Client::new(&stack().user_service)
            .get("/.well-known/jwks.json")
            .await;
        (ready.status == 200 && keys.status == 200).then_some(())
    })
    .await;
    let office = Office::new().await;
    let deal = office.agent.create_planned_deal(&office.purchase()).await;
    office
        .coordinator
        .complete(&deal.id, "verify_executed_contract")
        .await;
    office.summary_shows_done(&deal.id, 1).await;
    office.workflow_knows(&deal.id, 1).await;
}

#[tokio::test]
async fn services_started_before_postgresql_wait_for_it() {
    started_before(
        "postgres",
        "postgresql",
        &["user-service", "deal-service", "task-service"],
    )
    .await;
    everything_works().await;
}

#[tokio::test]
async fn services_started_before_rabbitmq_wait_for_it() {
    started_before(
        "rabbitmq",
        "RabbitMQ",
        &[
            "user-service",
            "deal-service",
            "task-service",
            "workflow-worker",
        ],
    )
    .await;
    everything_works().await;
}

#[tokio::test]
async fn services_started_before_redis_wait_for_it() {
    started_before(
        "redis",
        "Redis",
        &["user-service", "deal-service", "gateway"],
    )
    .await;
    everything_works().await;
}

#[tokio::test]
async fn the_worker_started_before_temporal_waits_for_it() {
    started_before("temporal", "Temporal", &["workflow-worker"]).await;
    everything_works().await;
}
