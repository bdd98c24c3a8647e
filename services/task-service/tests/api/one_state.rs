//! What an answer of several statements is read from: one state, whatever is committed meanwhile.

use platform::{
    config::Secret,
    db::{Db, PoolSize, ServiceScope, Tx},
};
use sea_orm::FromQueryResult;
use testkit::{Database, stack};

use crate::support::Office;

#[derive(Debug, FromQueryResult, PartialEq, Eq)]
struct Title {
    title: String,
}

async fn titles(tx: &Tx) -> platform::error::Result<Vec<Title>> {
    let sql = "SELECT title FROM milestones WHERE organization_id = $1 ORDER BY position";
    tx.all(sql, [tx.actor().organization_id.into()]).await
}

#[tokio::test]
async fn what_is_committed_while_an_answer_is_read_is_no_part_of_it() {
    let office = Office::new().await;
    let deal = office.purchase().await;
    office.agent.planned(&deal.id).await;
    let organization = &office.organization.id;
    let scope = ServiceScope {
        organization_id: organization.parse().unwrap(),
        ..ServiceScope::default()
    };
    let url = Secret::new(stack().database_of("task_svc"));
    let db = Db::connect(&url, "task", PoolSize::Small).unwrap();
    let (first, second) = db
        .read_service(&scope, async |tx| {
            let first = titles(tx).await?;
            let rename = format!(
                "UPDATE task.milestones SET title = 'Another' WHERE organization_id = '{organization}'"
            );
            let changed = Database::superuser().await.execute(&rename).await.unwrap();
            assert_eq!(changed, 8);
            Ok((first, titles(tx).await?))
        })
        .await
        .unwrap();
    assert_eq!(first.len(), 8);
    assert_eq!(first, second);
    let after = db.read_service(&scope, async |tx| titles(tx).await).await;
    let is_renamed = |title: &Title| title.title == "Another";
    assert!(
        after.unwrap().iter().all(is_renamed),
        "the next answer has it"
    );
}

#[tokio::test]
async fn a_reading_session_cannot_write() {
    let office = Office::new().await;
    let scope = ServiceScope {
        organization_id: office.organization.id.parse().unwrap(),
        ..ServiceScope::default()
    };
    let url = Secret::new(stack().database_of("task_svc"));
    let db = Db::connect(&url, "task", PoolSize::Small).unwrap();
    let refused = db
        .read_service(&scope, async |tx| {
            tx.run("UPDATE tasks SET title = title", []).await
        })
        .await
        .unwrap_err();
    let refused = format!("{refused:?}");
    assert!(refused.contains("read-only transaction"), "{refused}");
}
