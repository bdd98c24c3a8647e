//! The audit log cannot be changed, emptied or disarmed: not by the services, not by the role that
//! makes partitions, not by its owner.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "says what was let through"
)]

use serde_json::Value;
use testkit::{Database, Organization, run_program, settings_of};

/// What an attacker might try, in any role.
const ATTEMPTS: &[&str] = &[
    "UPDATE audit.audit_log SET event_type = 'forged'",
    "UPDATE audit.audit_log SET event_type = 'forged' WHERE false",
    "DELETE FROM audit.audit_log",
    "DELETE FROM audit.audit_log WHERE false",
    "TRUNCATE audit.audit_log",
    "TRUNCATE audit.audit_log_default",
    "UPDATE audit.audit_log_default SET event_type = 'forged'",
    "DELETE FROM audit.audit_log_default",
    "UPDATE audit.placement SET sequence = sequence + 1",
    "DELETE FROM audit.placement WHERE false",
    "TRUNCATE audit.placement",
    "ALTER TABLE audit.placement DISABLE TRIGGER ALL",
    "ALTER TABLE audit.audit_log DISABLE TRIGGER ALL",
    "ALTER TABLE audit.audit_log DISABLE TRIGGER no_update_delete",
    "ALTER TABLE audit.audit_log_default DISABLE TRIGGER no_truncate_partition",
    "DROP TRIGGER no_truncate ON audit.audit_log",
    "ALTER TABLE audit.audit_log NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE audit.audit_log DISABLE ROW LEVEL SECURITY",
    "CREATE POLICY open ON audit.audit_log USING (true)",
    "CREATE RULE hide AS ON UPDATE TO audit.audit_log DO INSTEAD NOTHING",
    "CREATE OR REPLACE FUNCTION audit.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
    "ALTER TABLE audit.audit_log DETACH PARTITION audit.audit_log_default",
    "DROP TABLE audit.audit_log_default",
    "DROP TABLE audit.audit_log",
    "ALTER TABLE audit.audit_log RENAME TO old_log",
    "ALTER TABLE audit.audit_log SET SCHEMA ctx",
    "ALTER TABLE audit.audit_log ALTER COLUMN event_type DROP NOT NULL",
    "CREATE TABLE audit.other (id int)",
    "GRANT UPDATE ON audit.audit_log TO task_svc",
    "GRANT DELETE ON audit.audit_log TO PUBLIC",
    "DROP SCHEMA audit CASCADE",
    "ALTER EVENT TRIGGER audit_ddl_guard DISABLE",
    "DROP EVENT TRIGGER audit_drop_guard",
    "DELETE FROM guard.protected",
    "SET session_replication_role = replica",
];

async fn refused(database: &mut Database, who: &str, attempt: &str) {
    let outcome = database.execute(attempt).await;
    // Somebody who holds some right without the option to grant it gets a warning, and grants nothing.
    if outcome.is_ok() && attempt.starts_with("GRANT") {
        let sql = "SELECT has_table_privilege('task_svc', 'audit.audit_log', 'UPDATE')
                       OR has_table_privilege('task_svc', 'audit.audit_log', 'DELETE') AS granted";
        let rows = Database::superuser().await.rows(sql).await;
        assert_eq!(
            rows[0]["granted"], false,
            "{who} was let through: {attempt}"
        );
        return;
    }
    let error = outcome.expect_err(&format!("{who} was let through: {attempt}"));
    let code = error
        .as_database_error()
        .and_then(|error| error.code())
        .map(|code| code.into_owned());
    assert!(
        matches!(code.as_deref(), Some("42501" | "42P17" | "0A000" | "2BP01")),
        "{who}, {attempt}: refused for another reason: {error}"
    );
}

#[tokio::test]
async fn no_service_role_can_change_the_audit_log() {
    Organization::new().await;
    for role in [
        "user_svc",
        "deal_svc",
        "task_svc",
        "user_relay",
        "deal_relay",
        "task_relay",
        "auditor",
        "audit_maint",
    ] {
        let mut database = Database::role(role).await;
        for attempt in ATTEMPTS {
            refused(&mut database, role, attempt).await;
        }
    }
}

#[tokio::test]
async fn a_migration_role_cannot_change_the_audit_log() {
    for role in ["user_migrate", "deal_migrate", "task_migrate"] {
        let mut database = Database::role(role).await;
        for attempt in ATTEMPTS {
            refused(&mut database, role, attempt).await;
        }
    }
}

/// The owner cannot log in; the superuser lends it a login for the length of this test's session.
#[tokio::test]
async fn the_owner_of_the_audit_log_cannot_change_it() {
    Organization::new().await;
    let mut database = Database::superuser().await;
    // From here on session_user is the owner, as the event trigger sees it.
    database
        .execute("SET SESSION AUTHORIZATION audit_owner")
        .await
        .unwrap();
    for attempt in ATTEMPTS {
        refused(&mut database, "audit_owner", attempt).await;
    }
}

#[tokio::test]
async fn even_in_replica_mode_a_superuser_cannot_update_or_delete_rows() {
    Organization::new().await;
    let mut database = Database::superuser().await;
    database
        .execute("SET session_replication_role = replica")
        .await
        .unwrap();
    for attempt in [
        "UPDATE audit.audit_log SET event_type = 'forged'",
        "DELETE FROM audit.audit_log",
        "TRUNCATE audit.audit_log",
        "TRUNCATE audit.audit_log_default",
        "UPDATE audit.placement SET sequence = sequence + 1",
        "DELETE FROM audit.placement",
        "TRUNCATE audit.placement",
    ] {
        refused(&mut database, "superuser in replica mode", attempt).await;
    }
}

/// What no superuser changes in passing; the triggers' own existence is beyond what PostgreSQL can guard.
#[tokio::test]
async fn no_superuser_but_the_named_one_changes_the_audit_log() {
    Organization::new().await;
    let guarded = |attempt: &&&str| {
        ![
            "EVENT TRIGGER",
            "guard.protected",
            "session_replication_role",
        ]
        .iter()
        .any(|beyond| attempt.contains(beyond))
    };
    let attempts: Vec<_> = ATTEMPTS.iter().filter(guarded).collect();
    assert!(attempts.len() > 20, "{} attempts", attempts.len());
    for attempt in attempts {
        let mut database = Database::superuser().await;
        database.execute("BEGIN").await.expect("begin");
        refused(&mut database, "a superuser", attempt).await;
    }

    // The same by the role that is there for it, and taken back.
    let mut database = Database::superuser().await;
    for statement in [
        "SET SESSION AUTHORIZATION break_glass",
        "BEGIN",
        "ALTER TABLE audit.audit_log ALTER COLUMN event_type DROP NOT NULL",
        "ROLLBACK",
    ] {
        database.execute(statement).await.expect(statement);
    }
}

#[tokio::test]
async fn a_forged_actor_is_refused() {
    let organization = Organization::new().await;
    let mut database = Database::role("task_svc").await;
    let statement = format!(
        "INSERT INTO audit.audit_log (id, organization_id, user_id, event_type, entity_type, entity_id, aggregate_version, event_data)
         VALUES (gen_random_uuid(), '{}', '{}', 'tasks.task.completed', 'task', gen_random_uuid(), 1, '{{}}')",
        organization.id, organization.admin.id
    );
    refused(&mut database, "task_svc without a context", &statement).await;
}

#[tokio::test]
async fn an_older_creation_time_cannot_be_given() {
    let mut database = Database::role("task_svc").await;
    refused(
        &mut database,
        "task_svc",
        "INSERT INTO audit.audit_log (id, created_at, organization_id, user_id, event_type, entity_type, entity_id, aggregate_version, event_data)
         VALUES (gen_random_uuid(), '2020-01-01', gen_random_uuid(), gen_random_uuid(), 'x', 'task', gen_random_uuid(), 1, '{}')",
    )
    .await;
}

/// Writes rows of an organization's log as another program would have left them, written `ago`.
async fn write_rows(organization: &Organization, count: u32, ago: &str) {
    insert_rows(&mut Database::superuser().await, organization, count, ago).await;
}

async fn insert_rows(database: &mut Database, organization: &Organization, count: u32, ago: &str) {
    let insert = format!(
        "INSERT INTO audit.audit_log (id, created_at, organization_id, user_id, event_type, entity_type, entity_id,
           aggregate_version, event_data)
         SELECT gen_random_uuid(), clock_timestamp() - interval '{ago}', '{}', '{}', 'deals.deal.updated', 'deal',
                gen_random_uuid(), 1, '{{}}' FROM generate_series(1, {count})",
        organization.id, organization.admin.id
    );
    assert_eq!(database.execute(&insert).await.unwrap(), u64::from(count));
}

/// How many of the written rows an administrator reads. The places of all rows are without a gap, whatever else the
/// services of a new organization write meanwhile.
async fn written(organization: &Organization) -> usize {
    let page = organization.admin.api.get("/api/audit?limit=100").await;
    let rows = page.expect(200)["items"].as_array().cloned().unwrap();
    let places = rows.iter().map(|row| row["sequence"].as_u64());
    let places: Vec<u64> = places.map(Option::unwrap).collect();
    let without_gap: Vec<u64> = (1..=rows.len() as u64).rev().collect();
    assert_eq!(places, without_gap);
    let written = rows
        .iter()
        .filter(|row| row["eventType"] == "deals.deal.updated");
    written.count()
}

#[tokio::test]
async fn a_row_written_after_the_clock_was_set_back_gets_its_place() {
    let organization = Organization::new().await;
    assert_eq!(written(&organization).await, 0);
    write_rows(&organization, 1, "3 hours").await;
    assert_eq!(written(&organization).await, 1);
}

#[tokio::test]
async fn a_row_that_does_not_wait_for_its_place_gets_it_by_command() {
    let organization = Organization::new().await;
    // In one transaction, so that no service places the rows in between.
    let mut database = Database::superuser().await;
    database.execute("BEGIN").await.unwrap();
    insert_rows(&mut database, &organization, 2, "40 days").await;
    let forget = format!(
        "DELETE FROM audit.unplaced WHERE organization_id = '{}'",
        organization.id
    );
    database.execute(&forget).await.unwrap();
    database.execute("COMMIT").await.unwrap();
    assert_eq!(written(&organization).await, 0);
    let settings = settings_of("deal-service");
    let placed = run_program("deal-service", &["place-audit-rows"], &settings).await;
    assert!(placed.succeeded, "{}", placed.said);
    assert_eq!(written(&organization).await, 2);
}

/// Blocks that PostgreSQL touches to place what is new in an organization's log.
async fn blocks_to_place(organization: &Organization) -> u64 {
    let mut database = Database::superuser().await;
    database.execute("BEGIN").await.unwrap();
    let enter = format!("SELECT ctx.enter_service('{}')", organization.id);
    database.execute(&enter).await.unwrap();
    let explained: Value = sqlx::query_scalar(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT audit.place_rows(20000)",
    )
    .fetch_one(database.connection())
    .await
    .unwrap();
    database.execute("COMMIT").await.unwrap();
    let plan = &explained[0]["Plan"];
    ["Shared Hit Blocks", "Shared Read Blocks"]
        .iter()
        .filter_map(|name| plan[name].as_u64())
        .sum()
}

#[tokio::test]
async fn placing_costs_by_what_is_new_and_not_by_what_was_written_lately() {
    let (busy, quiet) = (Organization::new().await, Organization::new().await);
    write_rows(&busy, 10_000, "1 second").await;
    for organization in [&busy, &quiet] {
        blocks_to_place(organization).await;
    }
    write_rows(&busy, 1, "0 seconds").await;
    write_rows(&quiet, 1, "0 seconds").await;
    let (busy, quiet) = (blocks_to_place(&busy).await, blocks_to_place(&quiet).await);
    // Looking through ten thousand rows touches several blocks for each.
    assert!(
        busy <= quiet + 2_000,
        "{busy} blocks, {quiet} in a small log"
    );
}
