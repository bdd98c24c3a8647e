//! The database seen from outside the services: invariants that must always hold, and plain questions.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use uuid::Uuid;

use crate::stack;

/// A connection as the superuser, or as one of the services.
#[derive(Debug)]
pub struct Database(PgConnection);

/// Something that must be true of an organization's rows; the query lists what breaks it.
#[derive(Clone, Copy, Debug)]
struct Invariant {
    /// What holds.
    name: &'static str,
    /// Ids that break it; `$1` is the organization.
    broken_by: &'static str,
}

/// `shared` names follow the project's guarantees: I1, I2, I4 to I7, I9.
const INVARIANTS: &[Invariant] = &[
    Invariant {
        name: "I1 one audit row for each version of a task, gapless",
        broken_by: "SELECT t.id FROM task.tasks t, LATERAL (
            SELECT count(*) n, count(DISTINCT aggregate_version) d, max(aggregate_version) m
              FROM audit.audit_log a WHERE a.entity_id = t.id) a
            WHERE t.organization_id = $1 AND (a.n, a.d, a.m) IS DISTINCT FROM (t.version, t.version, t.version)",
    },
    Invariant {
        name: "I1 one audit row for each version of a milestone, gapless",
        // A milestone comes with its plan, at version 0; only what happens to it then is a version.
        broken_by: "SELECT t.id FROM task.milestones t, LATERAL (
            SELECT count(*) n, coalesce(max(aggregate_version), 0) m FROM audit.audit_log a WHERE a.entity_id = t.id) a
            WHERE t.organization_id = $1 AND (a.n, a.m) IS DISTINCT FROM (t.version, t.version)",
    },
    Invariant {
        name: "I1 one audit row for each version of a deal, gapless",
        broken_by: "SELECT t.id FROM deal.deals t, LATERAL (
            SELECT count(*) n, max(aggregate_version) m FROM audit.audit_log a WHERE a.entity_id = t.id) a
            WHERE t.organization_id = $1 AND (a.n, a.m) IS DISTINCT FROM (t.version, t.version)",
    },
    Invariant {
        name: "I4 no task unlocked twice in one blocking episode",
        broken_by: "SELECT entity_id FROM audit.audit_log WHERE organization_id = $1 AND event_type = 'tasks.task.unlocked'
            GROUP BY entity_id, event_data -> 'after' ->> 'episode' HAVING count(*) > 1",
    },
    Invariant {
        name: "I5 nothing stuck: blocked with all prerequisites done",
        broken_by: "SELECT t.id FROM task.tasks t WHERE t.organization_id = $1 AND t.status = 'BLOCKED' AND t.deleted_at IS NULL
            AND NOT EXISTS (SELECT FROM task.dependencies d JOIN task.tasks p ON p.id = d.depends_on_id
              WHERE d.task_id = t.id AND p.status NOT IN ('COMPLETED', 'WAIVED') AND p.deleted_at IS NULL)",
    },
    Invariant {
        name: "I6 nothing early: available or done with an open prerequisite",
        broken_by: "SELECT t.id FROM task.tasks t JOIN task.dependencies d ON d.task_id = t.id JOIN task.tasks p ON p.id = d.depends_on_id
            WHERE t.organization_id = $1 AND t.status IN ('PENDING', 'IN_PROGRESS', 'COMPLETED') AND t.deleted_at IS NULL
              AND p.status NOT IN ('COMPLETED', 'WAIVED') AND p.deleted_at IS NULL",
    },
    Invariant {
        name: "the count of open prerequisites is true",
        broken_by: "SELECT t.id FROM task.tasks t WHERE t.organization_id = $1 AND t.deleted_at IS NULL
            AND t.open_dependencies <> (SELECT count(*) FROM task.dependencies d JOIN task.tasks p ON p.id = d.depends_on_id
              WHERE d.task_id = t.id AND p.status NOT IN ('COMPLETED', 'WAIVED') AND p.deleted_at IS NULL)",
    },
    Invariant {
        name: "the count of a milestone's open tasks is true",
        broken_by: "SELECT m.id FROM task.milestones m WHERE m.organization_id = $1
            AND m.open_tasks <> (SELECT count(*) FROM task.tasks t WHERE t.milestone_id = m.id AND t.deleted_at IS NULL
              AND t.status NOT IN ('COMPLETED', 'WAIVED'))",
    },
    Invariant {
        name: "I9 one key never created two things",
        broken_by: "SELECT min(entity_id::text)::uuid FROM audit.audit_log WHERE organization_id = $1 AND idempotency_key IS NOT NULL
            AND event_type IN ('deals.deal.created', 'tasks.task.created')
            GROUP BY user_id, idempotency_key, event_type HAVING count(*) > 1",
    },
    Invariant {
        name: "every event has its audit row",
        broken_by: "SELECT o.id FROM (SELECT id, organization_id FROM task.event_outbox
              UNION ALL SELECT id, organization_id FROM deal.event_outbox
              UNION ALL SELECT id, organization_id FROM identity.event_outbox) o
            WHERE o.organization_id = $1 AND NOT EXISTS (SELECT FROM audit.audit_log a WHERE a.id = o.id)",
    },
];

impl Database {
    /// Connects to an address.
    ///
    /// # Panics
    /// When there is no such database.
    pub async fn at(url: &str) -> Self {
        Self(PgConnection::connect(url).await.unwrap())
    }

    /// Connects as the superuser, who sees everything.
    pub async fn superuser() -> Self {
        Self::at(&stack().superuser_database).await
    }

    /// Connects as a role of the cluster, with its own rights.
    pub async fn role(role: &str) -> Self {
        Self::at(&stack().database_of(role)).await
    }

    /// The connection itself.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.0
    }

    /// Rows of a query as JSON objects.
    ///
    /// # Panics
    /// When the database refuses the query.
    pub async fn rows(&mut self, sql: &str) -> Vec<Value> {
        self.try_rows(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// As [`Database::rows`], for queries that should be refused.
    ///
    /// # Errors
    /// When the database refuses the query.
    pub async fn try_rows(&mut self, sql: &str) -> Result<Vec<Value>, sqlx::Error> {
        let wrapped = format!("SELECT to_jsonb(q) FROM ({sql}) q");
        let rows = sqlx::query(AssertSqlSafe(wrapped))
            .fetch_all(&mut self.0)
            .await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    }

    /// Runs a statement that answers nothing.
    ///
    /// # Errors
    /// When the database refuses it.
    pub async fn execute(&mut self, sql: &str) -> Result<u64, sqlx::Error> {
        Ok(sqlx::query(AssertSqlSafe(sql))
            .execute(&mut self.0)
            .await?
            .rows_affected())
    }

    /// Copies a row with an `id` so many times, under other ids; see [`Database::copy_rows`].
    ///
    /// # Panics
    /// When there is no such row.
    pub async fn copy_row(&mut self, table: &str, id: &str, copies: u32) {
        let new_id = format!("md5('{id}' || g)::uuid");
        let copied = self
            .copy_rows(table, &format!("id = '{id}'"), copies, |column| {
                (column == "id").then(|| new_id.clone())
            })
            .await;
        assert_eq!(copied, u64::from(copies));
    }

    /// Copies the rows that meet the condition so many times, past all triggers: for more rows than a test could make
    /// through the API. The copies have no history. `other` gives the columns that get another value, as expressions
    /// of the running number `g`. Answers how many rows there are now beside the first.
    pub async fn copy_rows(
        &mut self,
        table: &str,
        condition: &str,
        copies: u32,
        other: impl Fn(&str) -> Option<String>,
    ) -> u64 {
        let columns = format!(
            "SELECT attname AS name FROM pg_attribute
              WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''"
        );
        let columns = self.rows(&columns).await;
        let columns: Vec<&str> = columns
            .iter()
            .filter_map(|row| row["name"].as_str())
            .collect();
        let values: Vec<String> = columns
            .iter()
            .map(|column| other(column).unwrap_or_else(|| (*column).to_owned()))
            .collect();
        let copy = format!(
            "INSERT INTO {table} ({}) SELECT {} FROM {table}, generate_series(1, {copies}) g WHERE {condition}",
            columns.join(", "),
            values.join(", ")
        );
        // Copies have no events: the triggers would miss them.
        self.execute("SET session_replication_role = replica")
            .await
            .unwrap();
        let copied = self.execute(&copy).await.unwrap();
        self.execute("RESET session_replication_role")
            .await
            .unwrap();
        copied
    }

    /// Checks every invariant for one organization.
    ///
    /// # Panics
    /// With the name of the first that is broken, and by what.
    pub async fn holds_for(&mut self, organization_id: &str) {
        let organization_id: Uuid = organization_id.parse().unwrap();
        for invariant in INVARIANTS {
            let broken: Vec<Uuid> = sqlx::query_scalar(invariant.broken_by)
                .bind(organization_id)
                .fetch_all(&mut self.0)
                .await
                .unwrap_or_else(|error| panic!("{}: {error}", invariant.name));
            assert!(
                broken.is_empty(),
                "{} is broken by {broken:?}",
                invariant.name
            );
        }
    }
}
