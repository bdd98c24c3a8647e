//! Makes partitions ahead of time, with the maintenance role, which owns nothing: eight weeks of the audit
//! log, three months of deals. Run daily; running it twice changes nothing.

use platform::{
    config::Env,
    db::{Db, PoolSize, Tx},
    error::Result,
};

use crate::config;

pub async fn run() -> anyhow::Result<()> {
    let url = config::database_url(Env::from_process(), "MAINTENANCE_DATABASE_URL")?;
    let db = Db::connect(&url, "audit", PoolSize::Small)?;
    db.anonymous("upkeep", None, async |tx| make_partitions(tx).await)
        .await?;
    Ok(())
}

async fn make_partitions(tx: &Tx) -> Result<()> {
    tx.run(
        "SELECT audit.new_partition(date_trunc('week', clock_timestamp(), 'UTC') + w * interval '7 days')
           FROM generate_series(0, 8) w",
        [],
    )
    .await?;
    tx.run(
        "SELECT deal.new_deals_partition(
                  (date_trunc('month', clock_timestamp() AT TIME ZONE 'UTC') + m * interval '1 month') AT TIME ZONE 'UTC')
           FROM generate_series(0, 3) m",
        [],
    )
    .await?;
    Ok(())
}
