//! The only way to PostgreSQL: a session is a transaction that begins by saying who acts.
//!
//! [`Db::read`], [`Db::write`], [`Db::once`] and [`Db::service`] open one, let `ctx.enter` decide tenant and
//! permissions, run the caller's closure and commit. The pool stays private to this module, so nobody can forget the
//! context. What a session does *not* do: call the network, or publish. Changes are recorded by [`Tx::emit`] and
//! written with the commit.

mod admission;
pub(crate) mod idempotency;
mod inbox;
mod migrate;
mod pool;
mod preparation;
mod tenants;
mod transaction;
mod tx;

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use domain::{
    permission::{PermissionSet, Role},
    rejection::Rejection,
};
use sea_orm::QueryResult;
use sqlx::Connection as _;
use uuid::Uuid;

use self::{
    admission::Admission, pool::Pool, tenants::Tenant, transaction::Transaction, tx::Begun,
};
pub use self::{
    idempotency::{Idempotency, Reply, Sight},
    inbox::{Inbox, Order, ParkedEvent, restate_positions},
    migrate::migrate,
    pool::PoolSize,
    preparation::Preparation,
    tx::{Actor, Change, Tx, is_violation},
};
use crate::{
    config::Secret,
    error::{Error, Result},
    http::{Access, Caller},
    telemetry,
};

/// What a session's transaction is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// It changes something: each statement sees what others have committed by then, and may wait for it.
    Change,
    /// It reads one state: all its statements see what was committed when the context was entered.
    Snapshot,
}

/// How often a transaction that lost a deadlock or a lock is tried in all.
const ATTEMPTS: u32 = 4;

/// A service's database, seen through one role.
#[derive(Clone, Debug)]
pub struct Db {
    pool: Pool,
    admission: Arc<Admission>,
    /// The schema that holds this service's outbox, inbox and idempotency records.
    schema: &'static str,
    sights: &'static [Sight],
}

/// On whose behalf a consumer, an activity or a schedule acts, as the organization's SYSTEM user.
#[derive(Clone, Debug, Default)]
pub struct ServiceScope {
    /// The organization to enter.
    pub organization_id: Uuid,
    /// The user whose action led to this, where there is one. Recorded in the audit row.
    pub on_behalf_of: Option<Uuid>,
    /// The event that led to this, where there is one.
    pub cause_event_id: Option<Uuid>,
    /// The request that led to this, where there is one.
    pub request_id: Option<String>,
    /// W3C trace context, carried into the events that this emits.
    pub traceparent: Option<String>,
}

impl Db {
    /// Connects lazily: the first session connects; if the database is unavailable, it returns [`Error::Unavailable`]
    /// within two seconds. `schema` is the service's own.
    pub fn connect(url: &Secret, schema: &'static str, size: PoolSize) -> anyhow::Result<Self> {
        Ok(Self {
            pool: pool::connect(url, size)?,
            admission: Admission::new(size.sessions()),
            schema,
            sights: &[],
        })
    }

    /// Replays an answer about one of these things only to somebody who sees it still.
    #[must_use]
    pub fn with_sights(self, sights: &'static [Sight]) -> Self {
        Self { sights, ..self }
    }

    /// Is the database there? For readiness.
    pub async fn ping(&self) -> anyhow::Result<()> {
        let mut connection = pool::take(&self.pool).await?;
        connection.inner.ping().await?;
        Ok(())
    }

    /// A session that only reads, of one state: whatever `work` asks, the answers belong together. The
    /// database refuses writes and locks in it. Refused with 403 unless one of the route's permissions is held.
    pub async fn read<T>(
        &self,
        access: &impl Access,
        work: impl AsyncFn(&mut Tx) -> Result<T>,
    ) -> Result<T> {
        retrying(async || {
            let mut tx = self.enter(access, Purpose::Snapshot).await?;
            let value = work(&mut tx).await?;
            tx.finish_reading().await?;
            Ok(value)
        })
        .await
    }

    /// As [`Db::read`], by the organization's SYSTEM user.
    pub async fn read_service<T>(
        &self,
        scope: &ServiceScope,
        work: impl AsyncFn(&mut Tx) -> Result<T>,
    ) -> Result<T> {
        retrying(async || {
            let mut tx = self.enter_service(scope, Purpose::Snapshot).await?;
            let value = work(&mut tx).await?;
            tx.finish_reading().await?;
            Ok(value)
        })
        .await
    }

    /// A session that changes something. Tried again when it loses a deadlock or waits too long for a
    /// lock, so `work` must have no effect outside the database.
    pub async fn write<T>(
        &self,
        access: &impl Access,
        work: impl AsyncFn(&mut Tx) -> Result<T>,
    ) -> Result<T> {
        retrying(async || {
            let mut tx = self.enter(access, Purpose::Change).await?;
            let value = work(&mut tx).await?;
            tx.commit().await?;
            Ok(value)
        })
        .await
    }

    /// A session of the organization's SYSTEM user, who may do everything within it.
    pub async fn service<T>(
        &self,
        scope: &ServiceScope,
        work: impl AsyncFn(&mut Tx) -> Result<T>,
    ) -> Result<T> {
        retrying(async || {
            let mut tx = self.enter_service(scope, Purpose::Change).await?;
            let value = work(&mut tx).await?;
            tx.commit().await?;
            Ok(value)
        })
        .await
    }

    /// A session of somebody who is not signed in yet: sign-up, login, redeeming a token. `work` enters
    /// a context itself with [`Tx::enter_signup`] or [`Tx::enter_identity`]; until then it sees no rows.
    pub async fn anonymous<T>(
        &self,
        request_id: &str,
        ip: Option<std::net::IpAddr>,
        work: impl AsyncFn(&mut Tx) -> Result<T>,
    ) -> Result<T> {
        retrying(async || {
            let mut tx = Tx::new(
                self.begin(Tenant::Nobody, Purpose::Change, "").await?,
                self.schema,
                Actor::nobody(request_id, ip),
            );
            let value = work(&mut tx).await?;
            tx.commit().await?;
            Ok(value)
        })
        .await
    }

    async fn enter(&self, access: &impl Access, purpose: Purpose) -> Result<Tx> {
        let caller = access.caller();
        let enter = format!(
            "SELECT ctx.enter('{}', '{}')",
            caller.user_id, caller.session_id
        );
        let tenant = Tenant::User(caller.user_id);
        let mut begun = self.begin(tenant, purpose, &enter).await?;
        let entered = begun.entered.take();
        let mut tx = Tx::new(begun, self.schema, Actor::of(caller));
        tx.entered(entered.as_ref())?;
        let organization_id = tx.actor().organization_id;
        self.admission.learn(caller.user_id, organization_id);
        let required = access.any_of();
        if !required.is_empty() && !tx.actor().permissions.has_any(required) {
            return Err(Rejection::Forbidden {
                required: required.to_vec(),
            }
            .into());
        }
        Ok(tx)
    }

    async fn enter_service(&self, scope: &ServiceScope, purpose: Purpose) -> Result<Tx> {
        let tenant = Tenant::Organization(scope.organization_id);
        let on_behalf_of = match scope.on_behalf_of {
            Some(user_id) => format!("'{user_id}'"),
            None => "NULL".to_owned(),
        };
        let enter = format!(
            "SELECT ctx.enter_service('{}', {on_behalf_of})",
            scope.organization_id
        );
        let mut begun = self.begin(tenant, purpose, &enter).await?;
        let entered = begun.entered.take();
        let mut tx = Tx::new(begun, self.schema, Actor::system(scope));
        tx.entered_service(entered.as_ref())?;
        Ok(tx)
    }

    /// Begins and runs `enter` in one message: a round trip less, and the text holds only ids. In a task of its own,
    /// so that it is not cancelled between the two.
    async fn begin(&self, tenant: Tenant, purpose: Purpose, enter: &str) -> Result<Begun> {
        let begin = format!("{}; {enter}", purpose.begin());
        let beginning = async {
            let turn = self.admission.turn(tenant).await?;
            let pool = self.pool.clone();
            let (transaction, entered) =
                tokio::spawn(async move { Transaction::begin(&pool, begin).await })
                    .await
                    .context("begin a transaction")??;
            turn.progress();
            Ok(Begun {
                transaction,
                turn,
                entered: entered.map(QueryResult::from),
            })
        };
        self.admission.patiently(beginning).await
    }
}

impl Purpose {
    /// What begins the transaction. A snapshot is taken by the statement after it, which enters the context.
    ///
    /// A statement that changes rows is planned once for its connection: it looks rows up by their keys whatever its
    /// values, and with the row policies of several tables in it planning it for each call takes longer than running it.
    /// Statements that read are left to PostgreSQL: a filter that is not given should cost nothing.
    fn begin(self) -> &'static str {
        match self {
            Self::Change => "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan",
            Self::Snapshot => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        }
    }
}

impl Actor {
    fn of(caller: &Caller) -> Self {
        Self {
            user_id: caller.user_id,
            organization_id: Uuid::nil(),
            role: Role::Buyer,
            permissions: PermissionSet::default(),
            time_zone: String::new(),
            ip: caller.ip,
            request_id: Some(caller.request_id.clone()),
            on_behalf_of: None,
            cause_event_id: None,
            traceparent: caller.traceparent.clone(),
        }
    }

    fn system(scope: &ServiceScope) -> Self {
        Self {
            user_id: Uuid::nil(),
            organization_id: scope.organization_id,
            role: Role::System,
            permissions: PermissionSet::all(),
            time_zone: String::new(),
            ip: None,
            request_id: scope.request_id.clone(),
            on_behalf_of: scope.on_behalf_of,
            cause_event_id: scope.cause_event_id,
            traceparent: scope.traceparent.clone(),
        }
    }

    fn nobody(request_id: &str, ip: Option<std::net::IpAddr>) -> Self {
        Self {
            user_id: Uuid::nil(),
            organization_id: Uuid::nil(),
            role: Role::Buyer,
            permissions: PermissionSet::default(),
            time_zone: String::new(),
            ip,
            request_id: Some(request_id.to_owned()),
            on_behalf_of: None,
            cause_event_id: None,
            traceparent: telemetry::current_traceparent(),
        }
    }
}

/// Retries a whole transaction, with growing pauses, when it lost against another one; and when it lacked something
/// that had to be made outside of it.
async fn retrying<T>(attempt: impl AsyncFn() -> Result<T>) -> Result<T> {
    let mut tried = 1;
    loop {
        match attempt().await {
            Err(Error::Busy { reason }) if tried < ATTEMPTS => {
                let jitter_ms = rand::random_range(5..25) * u64::from(tried);
                tracing::debug!(tried, reason, "transaction lost a race, trying again");
                tokio::time::sleep(Duration::from_millis(jitter_ms)).await;
                tried += 1;
            }
            Err(Error::Unprepared(preparation)) if tried < ATTEMPTS => {
                preparation.run().await?;
                tried += 1;
            }
            outcome => return outcome,
        }
    }
}
