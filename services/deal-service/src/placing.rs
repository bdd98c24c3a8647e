//! Gives a place to every row of the audit log that has none and waits for none: after a restore, or when rows were
//! written by hand. Week by week, each its own transaction; running it twice changes nothing.

use std::io::Write as _;

use platform::{
    config::Env,
    db::{Db, PoolSize, ServiceScope},
    error::Result,
};
use sea_orm::FromQueryResult;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::{
    config,
    queries::list_audit::{self, BATCH},
};

/// The part of the log that one transaction looks through.
const SPAN: Duration = Duration::WEEK;

#[derive(FromQueryResult)]
struct Organization {
    id: Uuid,
}

#[derive(FromQueryResult)]
struct Bounds {
    first: Option<OffsetDateTime>,
    last: Option<OffsetDateTime>,
}

#[derive(FromQueryResult)]
struct Noted {}

/// Places the rows of every organization, and says how many there were.
///
/// # Errors
/// When a setting is wrong or the database does not answer.
pub async fn run() -> anyhow::Result<()> {
    let url = config::database_url(Env::from_process(), "AUDITOR_DATABASE_URL")?;
    let db = Db::connect(&url, "audit", PoolSize::Small)?;
    let organizations: Vec<Organization> = db
        .anonymous("place-audit-rows", None, async |tx| {
            tx.all("SELECT id FROM ctx.organizations() AS id", []).await
        })
        .await?;
    let mut placed = 0_i64;
    for organization in organizations {
        let scope = ServiceScope {
            organization_id: organization.id,
            ..ServiceScope::default()
        };
        note_missing(&db, &scope).await?;
        placed += place(&db, &scope).await?;
    }
    writeln!(std::io::stdout(), "{placed} rows placed")?;
    Ok(())
}

async fn note_missing(db: &Db, scope: &ServiceScope) -> Result<()> {
    let bounds: Option<Bounds> = db
        .service(scope, async |tx| {
            tx.first(
                "SELECT min(created_at) AS first, max(created_at) AS last FROM audit.audit_log WHERE organization_id = $1",
                [scope.organization_id.into()],
            )
            .await
        })
        .await?;
    let Some(Bounds {
        first: Some(first),
        last: Some(last),
    }) = bounds
    else {
        return Ok(());
    };
    let mut from = first;
    while from <= last {
        let to = from + SPAN;
        let _: Option<Noted> = db
            .service(scope, async |tx| {
                tx.first(
                    "SELECT audit.note_missing($1, $2)",
                    [from.into(), to.into()],
                )
                .await
            })
            .await?;
        from = to;
    }
    Ok(())
}

async fn place(db: &Db, scope: &ServiceScope) -> Result<i64> {
    let mut all = 0;
    loop {
        let placed = db.service(scope, async |tx| list_audit::place_batch(tx).await);
        let placed = placed.await?;
        all += i64::from(placed);
        if placed < BATCH {
            return Ok(all);
        }
    }
}
