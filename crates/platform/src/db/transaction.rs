//! A transaction on a connection of its own, from BEGIN to its end. Dropped before its end, it is rolled back before
//! another session gets the connection.

use std::time::Duration;

use sea_orm::{QueryResult, Value, Values};
use sea_query_sqlx::SqlxValues;
use sqlx::{
    AssertSqlSafe, Executor as _, SqlSafeStr,
    postgres::{PgQueryResult, PgRow},
};
use tokio::sync::{Mutex, MutexGuard};

use super::pool::{Loan, Pool, take};
use crate::{error::Result, telemetry::metrics::UNCLEAN_CONNECTIONS};

/// A rollback that takes longer closes its connection instead.
const ROLLBACK_TIMEOUT: Duration = Duration::from_secs(5);

/// An open transaction.
#[derive(Debug)]
pub(super) struct Transaction {
    /// Locked for one statement at a time. `None` once it has ended.
    connection: Option<Mutex<Loan>>,
}

impl Transaction {
    /// Sends `begin`, which begins with BEGIN, in one message, and answers the row of its last statement, if there is
    /// one. Never to be cancelled half-way: see [`super::Db::begin`].
    pub(super) async fn begin(pool: &Pool, begin: String) -> Result<(Self, Option<PgRow>)> {
        let mut connection = take(pool).await?;
        connection.in_transaction = true;
        // From here on it ends by being dropped.
        let transaction = Self {
            connection: Some(Mutex::new(connection)),
        };
        let rows = {
            let mut connection = transaction.connection().await?;
            sqlx::raw_sql(AssertSqlSafe(begin))
                .fetch_all(&mut connection.inner)
                .await?
        };
        Ok((transaction, rows.into_iter().next_back()))
    }

    pub(super) async fn all(
        &self,
        sql: impl SqlSafeStr,
        values: Vec<Value>,
    ) -> Result<Vec<QueryResult>> {
        let mut connection = self.connection().await?;
        let query = sqlx::query_with(sql, SqlxValues(Values(values)));
        let rows = query.fetch_all(&mut connection.inner).await?;
        Ok(rows.into_iter().map(QueryResult::from).collect())
    }

    pub(super) async fn first(
        &self,
        sql: impl SqlSafeStr,
        values: Vec<Value>,
    ) -> Result<Option<QueryResult>> {
        let mut connection = self.connection().await?;
        let query = sqlx::query_with(sql, SqlxValues(Values(values)));
        let row = query.fetch_optional(&mut connection.inner).await?;
        Ok(row.map(QueryResult::from))
    }

    pub(super) async fn run(&self, sql: impl SqlSafeStr, values: Vec<Value>) -> Result<u64> {
        let mut connection = self.connection().await?;
        let query = sqlx::query_with(sql, SqlxValues(Values(values)));
        let done: PgQueryResult = query.execute(&mut connection.inner).await?;
        Ok(done.rows_affected())
    }

    pub(super) async fn commit(mut self) -> Result<(), sqlx::Error> {
        if let Some(connection) = &mut self.connection {
            let connection = connection.get_mut();
            connection.inner.execute(sqlx::raw_sql("COMMIT")).await?;
            connection.in_transaction = false;
        }
        self.connection = None;
        Ok(())
    }

    async fn connection(&self) -> Result<MutexGuard<'_, Loan>> {
        match &self.connection {
            Some(connection) => Ok(connection.lock().await),
            None => Err(anyhow::anyhow!("the transaction has ended").into()),
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else {
            return;
        };
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(roll_back(connection.into_inner()))),
            // The process ends.
            Err(_) => drop(Loan::take(connection.into_inner())),
        }
    }
}

/// Rolls back and gives the connection back, or closes it where that is not confirmed.
async fn roll_back(mut connection: Loan) {
    let rolling_back = connection.inner.execute(sqlx::raw_sql("ROLLBACK"));
    if is_confirmed(rolling_back).await {
        connection.in_transaction = false;
    } else {
        metrics::counter!(UNCLEAN_CONNECTIONS).increment(1);
        drop(Loan::take(connection));
    }
}

/// Whether the end of a transaction is confirmed, and in time.
async fn is_confirmed<T, E>(ending: impl Future<Output = Result<T, E>>) -> bool {
    matches!(
        tokio::time::timeout(ROLLBACK_TIMEOUT, ending).await,
        Ok(Ok(_))
    )
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    #[actix_web::test]
    async fn a_rollback_that_fails_or_takes_more_than_five_seconds_is_not_confirmed() {
        tokio::time::pause();
        let after = async |milliseconds, outcome: Result<(), ()>| {
            let ending = async {
                sleep(Duration::from_millis(milliseconds)).await;
                outcome
            };
            is_confirmed(ending).await
        };
        assert!(after(4_999, Ok(())).await);
        assert!(!after(5_001, Ok(())).await);
        assert!(!after(0, Err(())).await);
    }
}
