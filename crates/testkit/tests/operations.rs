//! What an operator runs beside the services, and runs again.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{
    Client, Database, Ended, Organization, Running, connections_to_redis, eventually, free_address,
    random_id, run_program, settings_of, stack,
};

/// Runs a sub-command that needs one database address.
async fn with_database(service: &str, command: &str, variable: &str, role: &str) -> Ended {
    let name = format!("HAUSHAVN_{variable}_DATABASE_URL");
    let variables = BTreeMap::from([(name, stack().database_of(role))]);
    run_program(service, &[command], &variables).await
}

#[tokio::test]
async fn upkeep_makes_partitions_eight_weeks_and_three_months_ahead_and_changes_nothing_when_repeated()
 {
    let mut database = Database::superuser().await;
    let partitions = "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        JOIN pg_class p ON p.oid = i.inhparent WHERE p.relname IN ('audit_log', 'deals') ORDER BY 1";
    let upkeep =
        async || with_database("deal-service", "upkeep", "MAINTENANCE", "audit_maint").await;
    let first = upkeep().await;
    assert!(first.succeeded, "{}", first.said);
    let made = database.rows(partitions).await;
    let again = upkeep().await;
    assert!(again.succeeded, "{}", again.said);
    assert_eq!(database.rows(partitions).await, made);

    // A row of the farthest week and of the farthest month finds a partition of its own.
    let ahead = "SELECT p.relname AS table, bool_or(
            pg_get_expr(c.relpartbound, c.oid) LIKE '%' || CASE p.relname
              WHEN 'audit_log' THEN to_char(date_trunc('week', now() AT TIME ZONE 'UTC') + interval '8 weeks', 'YYYY-MM-DD')
              ELSE 'FROM' END || '%') AS is_there, count(*) AS partitions
          FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
         WHERE p.relname IN ('audit_log', 'deals') GROUP BY 1 ORDER BY 1";
    let ahead = database.rows(ahead).await;
    assert_eq!(ahead.len(), 2);
    for (table, least) in ahead.iter().zip([9, 4]) {
        assert_eq!(table["is_there"], true, "{table}");
        assert!(table["partitions"].as_i64() >= Some(least), "{table}");
    }
}

#[tokio::test]
async fn migrations_that_run_at_the_same_time_and_again_change_nothing() {
    let applied =
        "SELECT 'identity' AS schema, version, checksum::text FROM identity._sqlx_migrations
        UNION ALL SELECT 'deal', version, checksum::text FROM deal._sqlx_migrations
        UNION ALL SELECT 'task', version, checksum::text FROM task._sqlx_migrations ORDER BY 1, 2";
    let mut database = Database::superuser().await;
    let before = database.rows(applied).await;
    assert!(before.len() >= 3, "{before:?}");
    for (service, role) in [
        ("user-service", "user_migrate"),
        ("deal-service", "deal_migrate"),
        ("task-service", "task_migrate"),
    ] {
        let migrate = async || with_database(service, "migrate", "MIGRATE", role).await;
        let (one, other, third) = tokio::join!(migrate(), migrate(), migrate());
        for ended in [one, other, third] {
            assert!(ended.succeeded, "{service}: {}", ended.said);
        }
    }
    assert_eq!(database.rows(applied).await, before);
}

#[tokio::test]
async fn an_event_that_is_not_taken_is_listed_with_the_reason_and_what_waits_behind_it() {
    let organization = Organization::new().await;
    let admin = &organization.admin;
    let mut database = Database::superuser().await;
    let emitted = format!(
        "INSERT INTO identity.event_outbox (id, organization_id, aggregate_type, aggregate_id, aggregate_version,
           event_type, schema_version, event_data, actor_user_id)
         SELECT gen_random_uuid(), '{}', 'task', a, v, 'tasks.task.created', 1, '{{}}', '{}'
           FROM (SELECT gen_random_uuid() AS a) q, generate_series(1, 2) v",
        organization.id, admin.id
    );
    assert_eq!(database.execute(&emitted).await.expect("rows"), 2);
    let list = async || {
        let ended = with_database("user-service", "held-events", "RELAY", "user_relay").await;
        assert!(ended.succeeded, "{}", ended.said);
        ended
            .said
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
            .find(|event| event["organizationId"] == organization.id.as_str())
    };
    let listed = eventually("it is listed", &list).await;
    // As after a failed attempt, when an earlier event of the aggregate is held: it has no next attempt of its own.
    let waits = format!(
        "UPDATE identity.event_outbox SET next_attempt_at = 'infinity' WHERE organization_id = '{}'",
        organization.id
    );
    assert!(database.execute(&waits).await.expect("rows") >= 2);
    let waiting = list().await.expect("it is listed still");
    assert_eq!(waiting["nextAttemptAt"], Value::Null);
    let deleted = format!(
        "DELETE FROM identity.event_outbox WHERE organization_id = '{}' AND event_type = 'tasks.task.created'",
        organization.id
    );
    assert_eq!(database.execute(&deleted).await.expect("rows"), 2);
    assert_eq!(
        (
            &listed["eventType"],
            &listed["aggregateVersion"],
            &listed["lastError"],
            &listed["behind"]
        ),
        (
            &json!("tasks.task.created"),
            &json!(1),
            &json!("user-service may not emit tasks.task.created"),
            &json!(1)
        )
    );
}

#[tokio::test]
async fn a_thousand_events_that_are_not_taken_are_listed_and_no_more() {
    let organization = Organization::new().await;
    let mut database = Database::superuser().await;
    // Tried once, and not to be tried again while this runs.
    let held = format!(
        "INSERT INTO deal.event_outbox (id, organization_id, aggregate_type, aggregate_id, aggregate_version,
           event_type, schema_version, event_data, actor_user_id, held, attempts, next_attempt_at)
         SELECT gen_random_uuid(), '{}', 'deal', gen_random_uuid(), 1, 'deals.deal.updated', 1, '{{}}', '{}',
                true, 1, clock_timestamp() + interval '1 hour' FROM generate_series(1, 1001)",
        organization.id, organization.admin.id
    );
    assert_eq!(database.execute(&held).await.expect("rows"), 1_001);
    let listed = with_database("deal-service", "held-events", "RELAY", "deal_relay").await;
    let deleted = format!(
        "DELETE FROM deal.event_outbox WHERE organization_id = '{}' AND held",
        organization.id
    );
    assert_eq!(database.execute(&deleted).await.expect("rows"), 1_001);
    assert!(listed.succeeded, "{}", listed.said);
    assert_eq!(listed.said.lines().count(), 1_000);
}

#[tokio::test]
async fn what_was_published_received_or_answered_long_ago_is_deleted_as_fast_as_it_can_be_made() {
    const MANY: u32 = 50_000;
    let organization = Organization::new().await;
    let (id, admin) = (&organization.id, &organization.admin.id);
    let make = [
        format!(
            "INSERT INTO deal.event_outbox (id, organization_id, aggregate_type, aggregate_id, aggregate_version,
               event_type, schema_version, event_data, actor_user_id, processed_at)
             SELECT gen_random_uuid(), '{id}', 'deal', gen_random_uuid(), 1, 'deals.deal.updated', 1, '{{}}', '{admin}',
                    now() - interval '8 days' FROM generate_series(1, {MANY})"
        ),
        format!(
            "INSERT INTO deal.inbox SELECT 'of {id}', gen_random_uuid(), now() - interval '31 days'
               FROM generate_series(1, {MANY})"
        ),
        format!(
            "INSERT INTO deal.idempotency (organization_id, user_id, route, key, fingerprint, expires_at)
             SELECT '{id}', '{admin}', '/', n, '', now() - interval '1 second' FROM generate_series(1, {MANY}) n"
        ),
    ];
    for sql in make {
        let made = Database::superuser().await.execute(&sql).await;
        assert_eq!(made.expect("rows"), u64::from(MANY));
    }
    let left = format!(
        "SELECT (SELECT count(*) FROM deal.event_outbox WHERE organization_id = '{id}' AND processed_at < now() - interval '7 days')
              + (SELECT count(*) FROM deal.inbox WHERE consumer = 'of {id}')
              + (SELECT count(*) FROM deal.idempotency WHERE organization_id = '{id}') AS n"
    );
    eventually("all of it is deleted", async || {
        let rows = Database::superuser().await.rows(&left).await;
        (rows[0]["n"] == 0).then_some(())
    })
    .await;
}

/// Behind an ingress that is not configured, all clients share one limit: the log says so, once in a while.
#[tokio::test]
async fn the_log_warns_of_a_proxy_that_is_not_trusted() {
    let (public, admin) = (free_address(), free_address());
    let mut variables = settings_of("gateway");
    // Without this setting a process runs as in production.
    variables.remove("HAUSHAVN_ENV");
    variables.insert("HAUSHAVN_LISTEN".to_owned(), public.to_string());
    variables.insert("HAUSHAVN_ADMIN_LISTEN".to_owned(), admin.to_string());
    let mut gateway = Running::start("gateway", &variables);
    let client = Client::new(&format!("http://{public}"));
    eventually("it serves", async || {
        tokio::net::TcpStream::connect(public).await.ok()
    })
    .await;
    let forwarded = [("X-Forwarded-For", "203.0.113.9")];
    let refused = client.send(Method::GET, "/api/auth/me", &forwarded, None);
    refused.await.expect(401);
    let warning = "X-Forwarded-For came from an address that is not in HAUSHAVN_TRUSTED_PROXIES";
    let line = gateway.line_with(warning).await;
    assert!(line.contains("\"level\":\"warn\""), "{line}");
    assert!(
        !line.contains("203.0.113.9"),
        "what it says is not repeated"
    );
}

#[tokio::test]
async fn readiness_is_asked_for_by_anybody_and_opens_no_connection_each_time() {
    const PROBES: i64 = 600;
    let client = Client::new(&stack().gateway);
    let before = connections_to_redis().await;
    for _ in 0..PROBES {
        client.get("/readyz").await.expect(200);
    }
    // Other tests start services meanwhile, which connect.
    let opened = connections_to_redis().await - before;
    assert!(
        opened < PROBES / 2,
        "{opened} connections for {PROBES} probes"
    );
}

/// In a cluster the file is a mounted ConfigMap.
#[tokio::test]
async fn what_is_logged_changes_while_a_service_runs() {
    let file = std::env::temp_dir().join(format!("log-filter-{}", random_id()));
    fs::write(&file, "warn\n").expect("a file");
    let mut variables = settings_of("gateway");
    for name in ["HAUSHAVN_LISTEN", "HAUSHAVN_ADMIN_LISTEN"] {
        variables.insert(name.to_owned(), free_address().to_string());
    }
    variables.remove("HAUSHAVN_LOG");
    let path = file.to_string_lossy().into_owned();
    variables.insert("HAUSHAVN_LOG_FILE".to_owned(), path);
    let mut gateway = Running::start("gateway", &variables);
    let address = &variables["HAUSHAVN_LISTEN"];
    eventually("it has read its settings", async || {
        tokio::net::TcpStream::connect(address).await.ok()
    })
    .await;
    for (filter, said) in [
        ("gateway=loud", "what is logged is not changed"),
        ("info", "what is logged has changed"),
    ] {
        fs::write(&file, filter).expect("a file");
        gateway.line_with(said).await;
    }
    let client = Client::new(&format!("http://{}", variables["HAUSHAVN_LISTEN"]));
    let asked = client.send(Method::GET, "/api/auth/me", &[], None);
    asked.await.expect(401);
    // Logged at info, which the first filter left out.
    let line = gateway
        .line_with("answered GET /api/auth/me with 401")
        .await;
    assert!(line.contains("\"level\":\"info\""), "{line}");
    fs::remove_file(&file).expect("it is there");
}

/// Tokens and passwords are in more files than those of secrets: in mails, in the databases' own files, in logs.
#[test]
fn no_file_of_a_home_is_for_others_to_read() {
    let home = std::env::var("HAUSHAVN_HOME").expect("HAUSHAVN_HOME is set");
    let mut files = 0;
    let mut open = Vec::new();
    let mut directories = vec![PathBuf::from(home)];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).into_iter().flatten().flatten() {
            // Servers make and remove files all the time.
            let Ok(metadata) = fs::symlink_metadata(entry.path()) else {
                continue;
            };
            if metadata.is_dir() {
                directories.push(entry.path());
            } else if metadata.is_file() {
                files += 1;
                if metadata.permissions().mode() & 0o077 != 0 {
                    open.push(entry.path());
                }
            }
        }
    }
    assert!(files > 50, "only {files} files");
    assert!(open.is_empty(), "{open:#?}");
}
