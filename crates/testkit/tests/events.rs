//! Events come at least once and in any order; each takes effect once, in the order of its aggregate. An event that
//! cannot be published or applied holds up its aggregate alone, and one tenant's burst holds up no other. The relay,
//! the broker and the consumer are the real ones.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

use serde_json::{Value, json};
use testkit::{
    Database, Office, Organization, dead_letters, eventually, run_program, settings_of, text,
};

/// The one row that a query finds, once it does.
async fn row(what: &str, sql: &str) -> Value {
    eventually(what, async || {
        let rows = Database::superuser().await.rows(sql).await;
        rows.into_iter().next()
    })
    .await
}

/// Has the relay publish these versions of a task's events once more.
async fn publish_again(task: &str, versions: &str) {
    let sql = format!(
        "UPDATE task.event_outbox SET processed_at = NULL
          WHERE aggregate_id = '{task}' AND aggregate_version IN ({versions})"
    );
    let changed = Database::superuser().await.execute(&sql).await;
    assert!(changed.unwrap() > 0, "{task} has no such events");
}

/// A task that was added, renamed and given to the agent: three versions, all of them published.
async fn task_of_three_versions(office: &Office) -> String {
    let deal = office.deal().await;
    let api = &office.coordinator.api;
    let added = json!({"dealId": deal.id, "title": "Something to do"});
    let task = text(&api.post("/api/tasks", &added).await.expect(201)["id"]);
    let path = format!("/api/tasks/{task}");
    let renamed = json!({"title": "Something else", "version": 1});
    api.patch(&path, &renamed).await.expect(200);
    let assigned = json!({"assigneeId": office.agent.id});
    api.post(&format!("{path}/assign"), &assigned)
        .await
        .expect(200);
    position(&task, 3).await;
    task
}

async fn position(task: &str, version: u64) {
    let sql = format!(
        "SELECT version FROM deal.inbox_position WHERE aggregate_id = '{task}' AND version = {version}"
    );
    row(&format!("version {version} is applied"), &sql).await;
}

async fn view(task: &str) -> Value {
    let sql = format!("SELECT * FROM deal.task_view WHERE id = '{task}'");
    row("the task is in the read model", &sql).await
}

#[tokio::test]
async fn events_that_come_twice_have_their_effect_once() {
    let office = Office::new().await;
    let task = task_of_three_versions(&office).await;
    let before = view(&task).await;
    publish_again(&task, "1, 2, 3").await;
    // An event after the repetition is applied after it, in the order of the task's events.
    let complete = format!("/api/tasks/{task}/complete");
    let completed = office.agent.api.post(&complete, &json!({})).await;
    completed.expect(200);
    position(&task, 4).await;
    let after = view(&task).await;
    assert_eq!(
        (&after["title"], &after["status"]),
        (&before["title"], &json!("COMPLETED"))
    );
    let mut database = Database::superuser().await;
    let received = format!(
        "SELECT o.aggregate_version FROM task.event_outbox o
           JOIN deal.inbox i ON i.message_id = o.id WHERE o.aggregate_id = '{task}'"
    );
    assert_eq!(database.rows(&received).await.len(), 4);
    let told = format!(
        "SELECT id FROM audit.audit_log WHERE cause_event_id IN
          (SELECT id FROM task.event_outbox WHERE aggregate_id = '{task}') AND entity_type <> 'notification'"
    );
    assert_eq!(database.rows(&told).await, Vec::<Value>::new());
    database.holds_for(&office.organization.id).await;
}

/// As if none of a task's events had come yet.
async fn forget(task: &str) {
    for forget in [
        "DELETE FROM deal.inbox WHERE message_id IN (SELECT id FROM task.event_outbox WHERE aggregate_id = '{task}')",
        "DELETE FROM deal.inbox_position WHERE aggregate_id = '{task}'",
        "DELETE FROM deal.task_view WHERE id = '{task}'",
    ] {
        let forget = forget.replace("{task}", task);
        Database::superuser().await.execute(&forget).await.unwrap();
    }
}

/// A task whose third event is parked, as if the first two had not come yet.
async fn task_with_its_third_event_parked(office: &Office) -> String {
    let task = task_of_three_versions(office).await;
    forget(&task).await;
    publish_again(&task, "3").await;
    let parked = format!(
        "SELECT version FROM deal.inbox_parked WHERE aggregate_id = '{task}' AND version = 3"
    );
    row("the third waits", &parked).await;
    task
}

#[tokio::test]
async fn events_that_come_too_early_wait_for_the_one_before_them() {
    let office = Office::new().await;
    let task = task_of_three_versions(&office).await;
    let complete = view(&task).await;
    forget(&task).await;
    publish_again(&task, "3").await;
    let parked = |version: u64| {
        format!(
            "SELECT version FROM deal.inbox_parked WHERE aggregate_id = '{task}' AND version = {version}"
        )
    };
    row("the third waits", &parked(3)).await;
    publish_again(&task, "2").await;
    row("the second waits", &parked(2)).await;
    let mut database = Database::superuser().await;
    let known = format!("SELECT id FROM deal.task_view WHERE id = '{task}'");
    assert_eq!(database.rows(&known).await, Vec::<Value>::new());

    publish_again(&task, "1").await;
    position(&task, 3).await;
    assert_eq!(view(&task).await, complete);
    let left = format!("SELECT version FROM deal.inbox_parked WHERE aggregate_id = '{task}'");
    assert_eq!(database.rows(&left).await, Vec::<Value>::new());
}

/// Between the commit of an event and the transaction of the one parked behind it, the process may die.
#[tokio::test]
async fn what_a_crash_leaves_parked_is_applied_although_nothing_more_comes() {
    let office = Office::new().await;
    let task = task_with_its_third_event_parked(&office).await;
    let applied =
        format!("UPDATE deal.inbox_position SET version = 2 WHERE aggregate_id = '{task}'");
    let mut database = Database::superuser().await;
    assert_eq!(database.execute(&applied).await.unwrap(), 1);
    position(&task, 3).await;
    assert_eq!(view(&task).await["version"], 3);
    let left = format!("SELECT version FROM deal.inbox_parked WHERE aggregate_id = '{task}'");
    assert_eq!(database.rows(&left).await, Vec::<Value>::new());
}

#[tokio::test]
async fn poison_among_the_parked_ends_with_the_dead_letters_and_a_rebuild_goes_on_behind_it() {
    let office = Office::new().await;
    let task = task_with_its_third_event_parked(&office).await;
    let mut database = Database::superuser().await;
    let spoil = format!(
        "UPDATE deal.inbox_parked SET envelope = 'not an event' WHERE aggregate_id = '{task}'"
    );
    assert_eq!(database.execute(&spoil).await.unwrap(), 1);
    publish_again(&task, "1, 2").await;
    eventually("the third is among the dead letters", async || {
        let letters = dead_letters("deal-service.events", &office.organization.id).await;
        (letters.len() == 1).then_some(())
    })
    .await;
    position(&task, 2).await;
    let left = format!("SELECT version FROM deal.inbox_parked WHERE aggregate_id = '{task}'");
    eventually("it is parked no more", async || {
        let rows = Database::superuser().await.rows(&left).await;
        rows.is_empty().then_some(())
    })
    .await;

    let complete = format!("/api/tasks/{task}/complete");
    let completed = office.agent.api.post(&complete, &json!({})).await;
    completed.expect(200);
    row("the fourth waits for the third", &left).await;
    let rebuild = [
        "rebuild-read-models",
        "--organization",
        &office.organization.id,
    ];
    let rebuilt = run_program("deal-service", &rebuild, &settings_of("deal-service")).await;
    assert!(rebuilt.succeeded, "{}", rebuilt.said);
    position(&task, 4).await;
    assert_eq!(view(&task).await["status"], "COMPLETED");
    assert_eq!(database.rows(&left).await, Vec::<Value>::new());
}

/// Writes events of deals that nobody knows into deal-service's outbox, as if it had emitted them: `rows` gives
/// `aggregate_id`, `version`, `event_type` and `event_data`.
async fn emit(organization: &Organization, rows: &str) {
    emit_by(&mut Database::superuser().await, organization, rows).await;
}

async fn emit_by(database: &mut Database, organization: &Organization, rows: &str) {
    let insert = format!(
        "INSERT INTO deal.event_outbox (id, organization_id, aggregate_type, aggregate_id, aggregate_version, event_type,
           schema_version, event_data, actor_user_id)
         SELECT gen_random_uuid(), '{}', 'deal', r.aggregate_id, r.version, r.event_type, 1,
                r.event_data || jsonb_build_object('dealId', r.aggregate_id), '{}' FROM ({rows}) r",
        organization.id, organization.admin.id
    );
    let written = database.execute(&insert).await;
    assert!(written.unwrap() > 0);
}

/// How many of an organization's events in deal-service's outbox are so.
async fn count(organization: &Organization, condition: &str) -> u64 {
    let sql = format!(
        "SELECT count(*) AS n FROM deal.event_outbox o WHERE organization_id = '{}' AND {condition}",
        organization.id
    );
    let rows = Database::superuser().await.rows(&sql).await;
    rows[0]["n"].as_u64().unwrap()
}

/// A deal in each of the sixteen shards.
const IN_EACH_SHARD: &str =
    "SELECT (left(gen_random_uuid()::text, 35) || to_hex(g))::uuid AS aggregate_id, 1 AS version
     FROM generate_series(0, 15) g";

#[tokio::test]
async fn an_event_that_cannot_be_published_holds_up_its_own_aggregate_alone() {
    let organization = Organization::new().await;
    // Of a type from a newer service, and unreadable; each with a successor, before all others and in every shard.
    emit(
        &organization,
        &format!(
            "SELECT h.aggregate_id, v AS version,
                    CASE WHEN v = 1 AND h.odd THEN 'deals.deal.archived' ELSE 'deals.deal.updated' END AS event_type,
                    CASE WHEN v = 1 AND NOT h.odd THEN '{{\"version\": \"x\"}}' ELSE '{{}}' END::jsonb AS event_data
               FROM (SELECT s.*, row_number() OVER () % 2 = 0 AS odd FROM ({IN_EACH_SHARD} UNION ALL {IN_EACH_SHARD}) s) h,
                    generate_series(1, 2) v ORDER BY v"
        ),
    )
    .await;
    emit(
        &organization,
        "SELECT gen_random_uuid() AS aggregate_id, 1 AS version, 'deals.deal.updated' AS event_type, '{}'::jsonb AS event_data
           FROM generate_series(1, 1000)",
    )
    .await;
    let is_held = "aggregate_id IN (SELECT h.aggregate_id FROM deal.event_outbox h WHERE h.aggregate_version = 2
                      AND h.organization_id = o.organization_id)";
    let others = format!("NOT {is_held} AND processed_at IS NOT NULL");
    eventually("a thousand others are published", async || {
        (count(&organization, &others).await >= 1_000).then_some(())
    })
    .await;
    assert_eq!(
        count(&organization, &format!("NOT {is_held} AND attempts > 0")).await,
        0
    );
    let tried =
        format!("{is_held} AND aggregate_version = 1 AND attempts > 0 AND processed_at IS NULL");
    assert_eq!(count(&organization, &tried).await, 32);
    let behind =
        format!("{is_held} AND aggregate_version = 2 AND attempts = 0 AND processed_at IS NULL");
    assert_eq!(count(&organization, &behind).await, 32);

    // Once they can be published, they are, and what waited behind them.
    let mend = format!(
        "UPDATE deal.event_outbox SET event_type = 'deals.deal.updated', event_data = event_data - 'version'
          WHERE organization_id = '{}' AND processed_at IS NULL",
        organization.id
    );
    Database::superuser().await.execute(&mend).await.unwrap();
    eventually("nothing waits any more", async || {
        (count(&organization, "processed_at IS NULL").await == 0).then_some(())
    })
    .await;
}

/// Counts what waited for what, in events: the relay's batches and the consumer's bound it, not the length of the burst.
#[tokio::test]
async fn a_burst_of_one_organization_takes_turns_with_an_event_of_another() {
    const BURST: u64 = 4_000;
    let (busy, quiet) = (Organization::new().await, Organization::new().await);
    let rows = |count: u64| {
        format!(
            "SELECT gen_random_uuid() AS aggregate_id, 1 AS version, 'deals.deal.updated' AS event_type,
                    '{{}}'::jsonb AS event_data FROM generate_series(1, {count})"
        )
    };
    // In one transaction, so that none of the burst is under way before the other's event is there.
    let mut database = Database::superuser().await;
    database.execute("BEGIN").await.unwrap();
    emit_by(&mut database, &busy, &rows(BURST)).await;
    emit_by(&mut database, &quiet, &rows(1)).await;
    database.execute("COMMIT").await.unwrap();
    eventually("all of it is applied", async || {
        let sql = format!(
            "SELECT count(*) AS n FROM deal.event_outbox o JOIN deal.inbox i ON i.message_id = o.id
              WHERE o.organization_id IN ('{}', '{}') AND o.event_type = 'deals.deal.updated'",
            busy.id, quiet.id
        );
        (Database::superuser().await.rows(&sql).await[0]["n"] == BURST + 1).then_some(())
    })
    .await;
    let sql = format!(
        "SELECT count(*) FILTER (WHERE o.processed_at BETWEEN q.created_at AND q.processed_at) AS published,
                count(*) FILTER (WHERE i.received_at BETWEEN q.created_at AND q.received_at) AS applied
           FROM (SELECT o.created_at, o.processed_at, i.received_at FROM deal.event_outbox o
                   JOIN deal.inbox i ON i.message_id = o.id AND i.consumer = 'deal-service.events'
                  WHERE o.organization_id = '{}' AND o.event_type = 'deals.deal.updated') q,
                deal.event_outbox o JOIN deal.inbox i ON i.message_id = o.id AND i.consumer = 'deal-service.events'
          WHERE o.organization_id = '{}'",
        quiet.id, busy.id
    );
    let before = Database::superuser().await.rows(&sql).await[0].clone();
    // Two batches of the relay are under way at most, and two of the consumer behind what they brought.
    let (published, applied) = (before["published"].as_u64(), before["applied"].as_u64());
    assert!(published.unwrap() <= 3 * 256, "{before}");
    assert!(applied.unwrap() <= 3 * 256 + 4 * 64, "{before}");
}

#[tokio::test]
async fn a_stale_event_of_a_party_gives_no_task_to_somebody_who_has_left() {
    let office = Office::new().await;
    let deal = office.deal().await;
    let api = &office.coordinator.api;
    let added = json!({"dealId": deal.id, "title": "For the broker", "ownerRole": "broker"});
    let task = text(&api.post("/api/tasks", &added).await.expect(201)["id"]);
    let parties = format!("/api/deals/{}/parties", deal.id);
    let party = json!({"role": "broker", "name": "Robin", "userId": office.coordinator.id});
    let party = text(&api.post(&parties, &party).await.expect(201)["id"]);
    let taken_up = |version: u64| {
        format!(
            "SELECT i.message_id FROM deal.event_outbox o JOIN task.inbox i ON i.message_id = o.id
              WHERE o.aggregate_id = '{party}' AND o.aggregate_version = {version}"
        )
    };
    row("the party is taken up", &taken_up(1)).await;
    api.delete(&format!("{parties}/{party}")).await.expect(204);
    row("its departure is taken up", &taken_up(2)).await;
    let path = format!("/api/tasks/{task}");
    let unassign = json!({"assigneeId": null});
    api.post(&format!("{path}/assign"), &unassign)
        .await
        .expect(200);

    // The first event comes late: as if it had not been seen.
    for sql in [
        "DELETE FROM task.inbox WHERE message_id IN (SELECT id FROM deal.event_outbox WHERE aggregate_id = '{}' AND aggregate_version = 1)",
        "UPDATE deal.event_outbox SET processed_at = NULL WHERE aggregate_id = '{}' AND aggregate_version = 1",
    ] {
        let sql = sql.replace("{}", &party);
        assert_eq!(Database::superuser().await.execute(&sql).await.unwrap(), 1);
    }
    row("the late event is taken up", &taken_up(1)).await;
    let now = api.get(&path).await.expect(200)["assigneeId"].clone();
    assert_eq!(now, Value::Null);
}
