//! What the gateway asks of Redis for each request: the caller's rate limits, and its session. One round trip, within
//! 200 ms; without an answer the request goes on by other means.
//!
//! Each worker thread has one connection of its own, on which requests are pipelined. After a failure Redis is
//! left alone for a moment, so that an outage does not cost every request a timeout.

use std::{
    cell::{Cell, RefCell},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use deadpool_redis::redis::{
    self, AsyncConnectionConfig, RedisResult, Script, aio::MultiplexedConnection,
};
use platform::{config::Secret, telemetry::metrics::CACHE_FAILURES};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Charge, Standing};

/// An answer takes no longer.
const TIMEOUT: Duration = Duration::from_millis(200);
/// How long Redis is not asked after a failure.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(500);

/// The key where no session is asked for: one that this account may ask for.
const NO_SESSION: &str = "session:";

/// Until when what Redis holds may be out of date, because changes could not be written to it.
/// Shared by all workers; milliseconds since 1970.
#[derive(Clone, Debug, Default)]
pub struct OutageClock(Arc<AtomicI64>);

impl OutageClock {
    pub(crate) fn now_away(&self) {
        let now = OffsetDateTime::now_utc();
        let milliseconds = now.unix_timestamp() * 1_000 + i64::from(now.millisecond());
        self.0.fetch_max(milliseconds, Ordering::Relaxed);
    }

    /// Whether an entry written at this instant (milliseconds since 1970) can be believed.
    pub fn trusts(&self, written_at: i64) -> bool {
        written_at > self.0.load(Ordering::Relaxed)
    }
}

/// What Redis answered.
#[derive(Debug)]
pub struct Answer {
    /// The session's JSON, if Redis has it.
    pub session: Option<String>,
    /// The caller's state under each limit, in the order of the charges.
    pub standings: Vec<Standing>,
}

/// A worker's connection to Redis.
pub struct SharedState {
    client: redis::Client,
    script: Script,
    connection: RefCell<Option<MultiplexedConnection>>,
    paused_until: Cell<Option<Instant>>,
    is_away: Cell<bool>,
    outages: OutageClock,
}

impl SharedState {
    /// A connection that is opened with the first question.
    ///
    /// # Errors
    /// When the address is not one of a Redis server.
    pub fn new(url: &Secret, outages: OutageClock) -> RedisResult<Self> {
        Ok(Self {
            client: redis::Client::open(url.expose())?,
            script: Script::new(include_str!("charge.lua")),
            connection: RefCell::new(None),
            paused_until: Cell::new(None),
            is_away: Cell::new(false),
            outages,
        })
    }

    /// Counts a request and reads a session. `None` when Redis does not answer.
    pub async fn ask(&self, session_id: Option<Uuid>, charges: &[Charge]) -> Option<Answer> {
        if self.is_paused() {
            return None;
        }
        let answer = match tokio::time::timeout(TIMEOUT, self.call(session_id, charges)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return self.failed(&error.to_string()),
            Err(_) => return self.failed("no answer in time"),
        };
        if self.is_away.replace(false) {
            // Whatever was changed since the last failure was not written either.
            self.outages.now_away();
            tracing::info!("Redis answers again");
        }
        Some(answer)
    }

    async fn call(&self, session_id: Option<Uuid>, charges: &[Charge]) -> RedisResult<Answer> {
        let mut connection = self.connection().await?;
        let mut call = self.script.prepare_invoke();
        call.key(session_id.map_or_else(|| NO_SESSION.to_owned(), |id| format!("session:{id}")));
        for Charge { policy, subject } in charges {
            call.key(subject.key(policy));
            call.arg(policy.burst.get());
            call.arg(u64::try_from(policy.interval.as_micros()).unwrap_or(u64::MAX));
        }
        let (session, numbers): (String, Vec<u64>) = call.invoke_async(&mut connection).await?;
        let standings = charges.iter().zip(numbers.chunks_exact(3));
        Ok(Answer {
            session: Some(session).filter(|json| !json.is_empty()),
            standings: standings
                .map(|(charge, numbers)| standing(charge, numbers))
                .collect(),
        })
    }

    async fn connection(&self) -> RedisResult<MultiplexedConnection> {
        let present = self.connection.borrow().clone();
        if let Some(connection) = present {
            return Ok(connection);
        }
        let settings = connection_settings();
        let opened = self
            .client
            .get_multiplexed_async_connection_with_config(&settings)
            .await?;
        self.connection.replace(Some(opened.clone()));
        Ok(opened)
    }

    fn failed(&self, error: &str) -> Option<Answer> {
        self.connection.replace(None);
        self.paused_until
            .set(Some(Instant::now() + PAUSE_AFTER_FAILURE));
        self.outages.now_away();
        metrics::counter!(CACHE_FAILURES, "operation" => "charge").increment(1);
        if !self.is_away.replace(true) {
            tracing::warn!(
                error,
                "Redis does not answer; limits are counted here and sessions asked of user-service"
            );
        }
        None
    }

    fn is_paused(&self) -> bool {
        self.paused_until
            .get()
            .is_some_and(|until| Instant::now() < until)
    }
}

fn connection_settings() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(TIMEOUT))
        .set_response_timeout(Some(TIMEOUT))
}

/// `numbers` are what the script says of one limit: remaining, reset, retry.
fn standing(charge: &Charge, numbers: &[u64]) -> Standing {
    let number = |index: usize| numbers.get(index).copied().unwrap_or_default();
    let retry = number(2);
    Standing {
        policy: charge.policy,
        remaining: number(0).try_into().unwrap_or(u32::MAX),
        reset: Duration::from_micros(number(1)),
        retry_after: (retry > 0).then(|| Duration::from_micros(retry)),
    }
}
