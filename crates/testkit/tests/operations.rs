//! What an operator runs beside the services, and runs again.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use testkit::{Database, Ended, run_program, stack};

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
