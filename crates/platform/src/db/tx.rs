//! One session: a transaction with its actor, the statements run in it, and the changes it emits.

use std::{
    net::IpAddr,
    sync::atomic::{AtomicU32, Ordering},
    time::Instant,
};

use contracts::event::Event;
use domain::permission::{PermissionSet, Role};
use sea_orm::{FromQueryResult, QueryResult, Value as SqlValue};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use super::{admission::Turn, transaction::Transaction};
use crate::{
    error::{Error, Result},
    telemetry::traces::statement_span,
};

/// Who acts in a session, as the database says.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The acting user; the organization's SYSTEM user where nobody acts.
    pub user_id: Uuid,
    /// The tenant. Statements name it beside the row policies.
    pub organization_id: Uuid,
    /// The user's role.
    pub role: Role,
    /// What the user may do: the default matrix and the organization's grants.
    pub permissions: PermissionSet,
    /// The organization's time zone (IANA name).
    pub time_zone: String,
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The request's id.
    pub request_id: Option<String>,
    /// The user on whose account the SYSTEM user acts.
    pub on_behalf_of: Option<Uuid>,
    /// The event that led to this.
    pub cause_event_id: Option<Uuid>,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

/// One state transition: becomes one audit row and, where it has an event, one outbox row.
#[derive(Clone, Debug)]
pub struct Change {
    /// The aggregate's kind: `deal`, `party`, `task`, `milestone`, `plan`, `key_dates`, `user` …
    pub entity_type: &'static str,
    /// The aggregate.
    pub entity_id: Uuid,
    /// The aggregate's version after the change, 1 at creation, plus 1 at each.
    pub version: i64,
    /// The deal it belongs to, where it belongs to one.
    pub deal_id: Option<Uuid>,
    /// What happened, in three parts: `tasks.task.completed`.
    pub event_type: &'static str,
    /// The event for the other services, without confidential values. `None` where nobody else listens.
    pub event: Option<Event>,
    /// The aggregate before; `Null` at creation.
    pub before: Value,
    /// The aggregate after; `Null` at deletion.
    pub after: Value,
}

/// A transaction in which nothing has happened yet.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) transaction: Transaction,
    pub(super) turn: Turn,
    /// What the function answered that entered the context, where one was called with BEGIN.
    pub(super) entered: Option<QueryResult>,
}

/// A session. Dropped without a commit, it leaves nothing.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction,
    turn: Turn,
    schema: &'static str,
    actor: Actor,
    now: OffsetDateTime,
    changes: Vec<Change>,
    /// Statements since the context was entered: each is a round trip, the cost that matters.
    statements: AtomicU32,
    pub(super) idempotency_key: Option<String>,
}

#[derive(FromQueryResult)]
struct EnteredIdentity {
    organization_id: Uuid,
    status: String,
    role: String,
}

impl Tx {
    pub(super) fn new(begun: Begun, schema: &'static str, actor: Actor) -> Self {
        Self {
            inner: begun.transaction,
            turn: begun.turn,
            schema,
            actor,
            now: OffsetDateTime::now_utc(),
            changes: Vec::new(),
            statements: AtomicU32::new(0),
            idempotency_key: None,
        }
    }

    /// Who acts.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The instant of this session: one for all that happens in it.
    pub fn now(&self) -> OffsetDateTime {
        self.now
    }

    /// A new UUIDv7.
    pub fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }

    /// Records a transition. Its audit row and its event are written when the session commits.
    pub fn emit(&mut self, change: Change) {
        self.changes.push(change);
    }

    /// All rows of a statement.
    pub async fn all<R: FromQueryResult>(
        &self,
        sql: &'static str,
        values: impl IntoIterator<Item = SqlValue>,
    ) -> Result<Vec<R>> {
        let values = values.into_iter().collect();
        rows(
            &self
                .timed(statement_span(sql), self.inner.all(sql, values))
                .await?,
        )
    }

    /// The first row of a statement, if any.
    pub async fn first<R: FromQueryResult>(
        &self,
        sql: &'static str,
        values: impl IntoIterator<Item = SqlValue>,
    ) -> Result<Option<R>> {
        let values = values.into_iter().collect();
        let row = self
            .timed(statement_span(sql), self.inner.first(sql, values))
            .await?;
        row.map(|row| R::from_query_result(&row, "").map_err(Error::from))
            .transpose()
    }

    /// Runs a statement; answers how many rows it changed.
    pub async fn run(
        &self,
        sql: &'static str,
        values: impl IntoIterator<Item = SqlValue>,
    ) -> Result<u64> {
        let values = values.into_iter().collect();
        self.timed(statement_span(sql), self.inner.run(sql, values))
            .await
    }

    /// As [`Tx::all`], with SQL built at run time from constant parts only (filters, sort orders).
    pub async fn all_built<R: FromQueryResult>(
        &self,
        sql: String,
        values: Vec<SqlValue>,
    ) -> Result<Vec<R>> {
        let span = statement_span(&sql);
        let sql = sqlx::AssertSqlSafe(sql);
        rows(&self.timed(span, self.inner.all(sql, values)).await?)
    }

    /// Enters the context of an organization that is being founded by `user_id`.
    pub async fn enter_signup(&mut self, organization_id: Uuid, user_id: Uuid) -> Result<()> {
        self.inner
            .run(
                "SELECT ctx.enter_signup($1, $2)",
                vec![organization_id.into(), user_id.into()],
            )
            .await?;
        self.actor.organization_id = organization_id;
        self.actor.user_id = user_id;
        self.actor.role = Role::Admin;
        self.actor.permissions = PermissionSet::all();
        Ok(())
    }

    /// Enters the context of a user who has just proved who they are, without any permission.
    /// Answers the account's status (`ACTIVE` or `INVITED`); others are refused as unauthenticated.
    pub async fn enter_identity(&mut self, user_id: Uuid) -> Result<String> {
        let entered: Option<EnteredIdentity> = self
            .first("SELECT * FROM ctx.enter_identity($1)", [user_id.into()])
            .await?;
        let entered = entered.ok_or_else(|| anyhow::anyhow!("ctx.enter_identity gave no row"))?;
        self.actor.organization_id = entered.organization_id;
        self.actor.user_id = user_id;
        self.actor.role = parse_role(&entered.role)?;
        self.actor.permissions = PermissionSet::default();
        Ok(entered.status)
    }

    /// Takes up what `ctx.enter` answered for the user.
    pub(super) fn entered(&mut self, row: Option<&QueryResult>) -> Result<()> {
        let [organization_id, role, permissions, time_zone] = answered(row, "ctx.enter")?;
        self.actor.organization_id = parse_id(&organization_id)?;
        self.actor.role = parse_role(&role)?;
        self.actor.permissions = PermissionSet::parse(&permissions);
        self.actor.time_zone = time_zone;
        let span = Span::current();
        span.record("userId", tracing::field::display(self.actor.user_id));
        span.record("organizationId", organization_id);
        Ok(())
    }

    /// Takes up what `ctx.enter_service` answered.
    pub(super) fn entered_service(&mut self, row: Option<&QueryResult>) -> Result<()> {
        let [user_id, time_zone] = answered(row, "ctx.enter_service")?;
        self.actor.user_id = parse_id(&user_id)?;
        self.actor.time_zone = time_zone;
        Ok(())
    }

    async fn timed<T>(&self, span: Span, query: impl Future<Output = Result<T>>) -> Result<T> {
        self.statements.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        let outcome = query.instrument(span).await;
        metrics::histogram!("db_query_duration_seconds").record(began.elapsed().as_secs_f64());
        outcome
    }

    /// Commits. Those who wait for a turn see progress, and the span how many statements there were.
    async fn end(self) -> Result<(), sqlx::Error> {
        let Self {
            inner,
            turn,
            statements,
            ..
        } = self;
        inner.commit().await?;
        turn.progress();
        // Signed: a span keeps an unsigned number as text.
        let statements = i64::from(statements.into_inner());
        Span::current().record("db.statements", statements);
        Ok(())
    }

    pub(super) async fn finish_reading(self) -> Result<()> {
        debug_assert!(
            self.changes.is_empty(),
            "a reading session emitted a change"
        );
        Ok(self.end().await?)
    }

    pub(super) async fn commit(mut self) -> Result<()> {
        self.write_history().await?;
        self.end().await.map_err(|error| match error {
            // The connection died during COMMIT: nobody knows. An idempotency key settles it on retry.
            sqlx::Error::Io(_) => {
                Error::unavailable("PostgreSQL: the connection was lost during COMMIT")
            }
            other => other.into(),
        })
    }

    /// Writes audit rows and outbox rows of all changes of this session, in one statement.
    async fn write_history(&mut self) -> Result<()> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let rows: Vec<Value> = std::mem::take(&mut self.changes)
            .iter()
            .enumerate()
            .map(history_row)
            .collect();
        let sql = match self.schema {
            "identity" => HISTORY_IDENTITY,
            "deal" => HISTORY_DEAL,
            "task" => HISTORY_TASK,
            other => return Err(anyhow::anyhow!("no outbox in schema {other}").into()),
        };
        let actor = &self.actor;
        let values: [SqlValue; 9] = [
            Value::Array(rows).into(),
            actor.organization_id.into(),
            actor.user_id.into(),
            actor.on_behalf_of.into(),
            actor.request_id.clone().into(),
            actor.cause_event_id.into(),
            self.idempotency_key.clone().into(),
            actor.ip.map(|ip| ip.to_string()).into(),
            actor.traceparent.clone().into(),
        ];
        self.run(sql, values).await?;
        Ok(())
    }
}

/// `@schema` is the service's own: the statement must be constant text.
macro_rules! history_statement {
    ($schema:literal) => {
        concat!(
            "WITH told AS (
               SELECT * FROM jsonb_to_recordset($1::jsonb) AS t(
                 id uuid, entity_type text, entity_id uuid, version bigint, deal_id uuid,
                 event_type text, audit jsonb, event jsonb, place integer)),
             recorded AS (
               INSERT INTO audit.audit_log (id, organization_id, deal_id, user_id, on_behalf_of, event_type,
                 entity_type, entity_id, aggregate_version, event_data, request_id, cause_event_id,
                 idempotency_key, ip_address)
               SELECT id, $2, deal_id, $3, $4, event_type, entity_type, entity_id, version, audit,
                      $5, $6, $7, $8::inet
                 FROM told ORDER BY place)
             INSERT INTO ",
            $schema,
            ".event_outbox (id, organization_id, aggregate_type, aggregate_id, aggregate_version,
               event_type, schema_version, event_data, actor_user_id, request_id, cause_event_id, traceparent)
             SELECT id, $2, entity_type, entity_id, version, event_type, 1, event, $3, $5, $6, $9
               FROM told WHERE event IS NOT NULL AND jsonb_typeof(event) <> 'null' ORDER BY place"
        )
    };
}
const HISTORY_IDENTITY: &str = history_statement!("identity");
const HISTORY_DEAL: &str = history_statement!("deal");
const HISTORY_TASK: &str = history_statement!("task");

/// The event's id is the audit row's id too: one transition, one name.
fn history_row((place, change): (usize, &Change)) -> Value {
    json!({
        "id": Uuid::now_v7(),
        "place": place,
        "entity_type": change.entity_type,
        "entity_id": change.entity_id,
        "version": change.version,
        "deal_id": change.deal_id,
        "event_type": change.event_type,
        "audit": {"before": change.before, "after": change.after},
        "event": change.event.as_ref().map(Event::to_json),
    })
}

fn rows<R: FromQueryResult>(rows: &[QueryResult]) -> Result<Vec<R>> {
    rows.iter()
        .map(|row| R::from_query_result(row, "").map_err(Error::from))
        .collect()
}

/// The array that a function of the context answers.
fn answered<const N: usize>(row: Option<&QueryResult>, function: &str) -> Result<[String; N]> {
    let row = row.ok_or_else(|| anyhow::anyhow!("{function} gave no row"))?;
    let values: Vec<String> = row.try_get_by_index(0)?;
    <[String; N]>::try_from(values)
        .map_err(|values| anyhow::anyhow!("{function} gave {} values", values.len()).into())
}

fn parse_id(text: &str) -> Result<Uuid> {
    Ok(Uuid::parse_str(text).map_err(anyhow::Error::from)?)
}

fn parse_role(text: &str) -> Result<Role> {
    Role::parse(text)
        .ok_or_else(|| anyhow::anyhow!("the database knows a role that we do not: {text}").into())
}

/// Did this statement break the named constraint? To turn it into a rejection beside the query.
pub fn is_violation(error: &Error, constraint: &str) -> bool {
    let Error::Unexpected(cause) = error else {
        return false;
    };
    cause
        .downcast_ref::<sqlx::Error>()
        .and_then(sqlx::Error::as_database_error)
        .and_then(|error| error.constraint())
        == Some(constraint)
}
