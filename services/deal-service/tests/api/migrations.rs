//! A migration under load, in a database of its own.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use platform::{config::Secret, db::migrate};
use sqlx::{
    SqlSafeStr as _,
    migrate::{Migration, MigrationType, Migrator},
};
use testkit::{Database, eventually, random_id, stack};

/// A database with one table of deal-service's owner.
struct Scratch {
    name: String,
}

impl Scratch {
    async fn new() -> Self {
        let name = format!("migration_{}", random_id().replace('-', ""));
        let mut server = Database::superuser().await;
        let create = format!("CREATE DATABASE {name}");
        server.execute(&create).await.unwrap();
        let scratch = Self { name };
        let mut database = scratch.superuser().await;
        for statement in [
            "CREATE SCHEMA deal AUTHORIZATION deal_owner",
            "CREATE TABLE deal.things (id int PRIMARY KEY)",
            "ALTER TABLE deal.things OWNER TO deal_owner",
        ] {
            database.execute(statement).await.unwrap();
        }
        scratch
    }

    fn url(&self, of: &str) -> String {
        let (server, _) = of.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }

    async fn superuser(&self) -> Database {
        Database::at(&self.url(&stack().superuser_database)).await
    }

    async fn remove(self) {
        let remove = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        Database::superuser().await.execute(&remove).await.unwrap();
    }
}

fn adding_a_column() -> Migrator {
    let sql = "ALTER TABLE things ADD COLUMN note text".into_sql_str();
    let (name, kind) = (Cow::Borrowed("a note"), MigrationType::Simple);
    Migrator::with_migrations(vec![Migration::new(1, name, kind, sql, false)])
}

/// How many migrations wait for the table.
async fn waiting(database: &mut Database) -> u64 {
    let sql = "SELECT count(*) AS n FROM pg_locks
                WHERE relation = 'deal.things'::regclass AND mode = 'AccessExclusiveLock' AND NOT granted";
    database.rows(sql).await[0]["n"].as_u64().unwrap()
}

#[tokio::test]
async fn a_migration_with_a_transaction_in_its_way_fails_no_request() {
    let scratch = Scratch::new().await;
    let mut in_the_way = scratch.superuser().await;
    in_the_way.execute("BEGIN").await.unwrap();
    in_the_way.rows("SELECT * FROM deal.things").await;

    // A request gives up after waiting for a lock for a second, as those of services do.
    let (is_over, requests) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let load = {
        let (is_over, requests) = (Arc::clone(&is_over), Arc::clone(&requests));
        let mut database = scratch.superuser().await;
        tokio::spawn(async move {
            database.execute("SET lock_timeout = '1s'").await.unwrap();
            while !is_over.load(Ordering::Relaxed) {
                let answered = database.try_rows("SELECT id FROM deal.things").await;
                assert!(answered.is_ok(), "{answered:?}");
                requests.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    let url = Secret::new(scratch.url(&stack().database_of("deal_migrate")));
    let migrator = adding_a_column();
    let disturbed = async {
        for _ in 0..2 {
            eventually("the migration waits", async || {
                (waiting(&mut scratch.superuser().await).await == 1).then_some(())
            })
            .await;
            eventually("it gives way", async || {
                (waiting(&mut scratch.superuser().await).await == 0).then_some(())
            })
            .await;
            let before = requests.load(Ordering::Relaxed);
            eventually("requests go on", async || {
                (requests.load(Ordering::Relaxed) > before).then_some(())
            })
            .await;
        }
        in_the_way.execute("COMMIT").await.unwrap();
    };
    let (migrated, ()) = tokio::join!(migrate(&url, &migrator), disturbed);
    migrated.unwrap();
    is_over.store(true, Ordering::Relaxed);
    load.await.unwrap();
    let mut database = scratch.superuser().await;
    database.rows("SELECT note FROM deal.things").await;
    scratch.remove().await;
}
