//! The cache in Redis. It may be slow, empty or unavailable: a failure is a miss, never an error.
//!
//! Two rules keep stale entries out. To fill a key, a caller takes a lease on it before reading the state; a drop ends
//! the lease, so a state that was read before a drop is never kept after it, however long the reading took. And an
//! entry written before an outage that this process noticed is not trusted, since the drop that should have removed it
//! may have been lost; lost drops are repeated as soon as Redis answers again.

use std::{
    collections::BTreeSet,
    fmt,
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use deadpool_redis::{
    Config, Connection, Pool, Runtime,
    redis::{AsyncCommands as _, Script, cmd},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    config::Secret,
    telemetry::metrics::{CACHE_FAILURES, CACHE_READS},
    wait::wait_for,
};

/// A call takes no longer.
const TIMEOUT: Duration = Duration::from_millis(200);
/// Reading the state that fills a key takes no longer; later it is not kept.
const LEASE_TTL: Duration = Duration::from_secs(10);
/// Keys that are dropped with one command.
const DROPS_AT_ONCE: usize = 500;
/// Most drops that are remembered while Redis is unavailable; entries older than the outage are not trusted anyhow.
const PENDING_DROPS_MAX: usize = 10_000;
/// Connections at most.
const CONNECTIONS_MAX: usize = 16;

/// A cache of JSON values. Cheap to clone.
#[derive(Clone)]
pub struct Cache {
    pool: Pool,
    /// Entries written before this instant (Unix milliseconds) are not trusted.
    not_before: Arc<AtomicI64>,
    /// Keys whose drop got lost.
    pending: Arc<Mutex<BTreeSet<String>>>,
    scripts: Arc<Scripts>,
}

/// Each is one step for everybody else.
struct Scripts {
    /// Takes a lease, or shares one.
    lease: Script,
    /// Keeps a value under a lease that still holds.
    fill: Script,
}

/// The right to fill a key, until somebody drops it.
#[derive(Debug)]
#[must_use = "a key that is not filled stays empty"]
pub struct Lease {
    key: String,
    /// The lease's placeholder entry in Redis until the key is filled; `None` while Redis is unavailable.
    held: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry<T> {
    /// Unix milliseconds.
    written_at: i64,
    /// Absent while the key is being filled.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<T>,
    /// Of a key that is being filled: which lease it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lease: Option<Uuid>,
}

impl Cache {
    /// A cache that connects when it is first asked.
    pub fn connect(url: &Secret) -> anyhow::Result<Self> {
        let pool = Config::from_url(url.expose())
            .builder()
            .context("HAUSHAVN_REDIS_URL is not an address of Redis")?
            .max_size(CONNECTIONS_MAX)
            .wait_timeout(Some(TIMEOUT))
            .create_timeout(Some(TIMEOUT))
            .recycle_timeout(Some(TIMEOUT))
            .runtime(Runtime::Tokio1)
            .build()
            .context("failed to make the pool for Redis")?;
        Ok(Self {
            pool,
            not_before: Arc::default(),
            pending: Arc::default(),
            scripts: Arc::new(Scripts {
                lease: Script::new(include_str!("cache/lease.lua")),
                fill: Script::new(include_str!("cache/fill.lua")),
            }),
        })
    }

    /// The value of a key, if it is there and can be trusted.
    pub async fn get_json<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let text = self
            .call("get", async |mut redis| {
                redis.get::<_, Option<String>>(key).await
            })
            .await;
        let (outcome, value) = match text {
            None => ("error", None),
            Some(None) => ("miss", None),
            Some(Some(text)) => match self.trusted(&text) {
                Some(value) => ("hit", Some(value)),
                None => ("miss", None),
            },
        };
        metrics::counter!(CACHE_READS, "outcome" => outcome).increment(1);
        value
    }

    /// The right to fill a key. To be taken before the state is read; several may share it.
    pub async fn lease(&self, key: &str) -> Lease {
        let wanted = text_of(None::<()>, Some(Uuid::now_v7()));
        let held = match wanted {
            None => None,
            Some(wanted) => {
                self.call("lease", async |mut redis| {
                    self.scripts
                        .lease
                        .key(key)
                        .arg(wanted)
                        .arg(milliseconds(LEASE_TTL))
                        .invoke_async::<String>(&mut redis)
                        .await
                })
                .await
            }
        };
        Lease {
            key: key.to_owned(),
            held,
        }
    }

    /// Keeps a value for `ttl`, unless the key was dropped since the lease was taken.
    pub async fn fill(&self, lease: Lease, value: &impl Serialize, ttl: Duration) {
        let (Some(held), Some(text)) = (lease.held, text_of(Some(value), None)) else {
            return;
        };
        self.call("fill", async |mut redis| {
            self.scripts
                .fill
                .key(&lease.key)
                .arg(held)
                .arg(text)
                .arg(milliseconds(ttl))
                .invoke_async::<()>(&mut redis)
                .await
        })
        .await;
    }

    /// Drops keys. What cannot be dropped now is dropped as soon as Redis answers again.
    pub async fn delete(&self, keys: &[String]) {
        for some in keys.chunks(DROPS_AT_ONCE) {
            if self.drop_now(some).await.is_none() {
                let mut pending = self.pending();
                let room = PENDING_DROPS_MAX.saturating_sub(pending.len());
                pending.extend(some.iter().take(room).cloned());
            }
        }
    }

    /// Whether Redis is there. For readiness.
    pub async fn ping(&self) -> anyhow::Result<()> {
        self.call("ping", async |mut redis| {
            cmd("PING").query_async::<()>(&mut redis).await
        })
        .await
        .context("Redis does not answer")
    }

    /// Logs when Redis is unavailable at start, and when it becomes available. The service works without it meanwhile.
    pub async fn wait_until_there(self, shutdown: CancellationToken) {
        wait_for("Redis", &shutdown, || self.ping()).await;
    }

    async fn drop_now(&self, keys: &[String]) -> Option<()> {
        self.call("delete", async |mut redis| redis.del::<_, ()>(keys).await)
            .await
    }

    /// One call within the time limit. `None` on any failure, after which entries from before it are not trusted.
    async fn call<T, F>(
        &self,
        operation: &'static str,
        work: impl FnOnce(Connection) -> F,
    ) -> Option<T>
    where
        F: Future<Output = deadpool_redis::redis::RedisResult<T>>,
    {
        let calling = async {
            let connection = self.pool.get().await.context("no connection")?;
            anyhow::Ok(work(connection).await?)
        };
        let outcome = tokio::time::timeout(TIMEOUT, calling)
            .await
            .context("took too long");
        match outcome.and_then(|outcome| outcome) {
            Ok(value) => {
                self.make_up();
                Some(value)
            }
            Err(error) => {
                self.not_before.fetch_max(now_ms(), Ordering::Relaxed);
                metrics::counter!(CACHE_FAILURES, "operation" => operation).increment(1);
                tracing::debug!(
                    operation,
                    error = format!("{error:#}"),
                    "the cache did not answer"
                );
                None
            }
        }
    }

    /// Drops in the background what could not be dropped before.
    fn make_up(&self) {
        let keys: Vec<String> = std::mem::take(&mut *self.pending()).into_iter().collect();
        if keys.is_empty() {
            return;
        }
        tracing::info!(
            keys = keys.len(),
            "Redis answers again; dropping what changed meanwhile"
        );
        let cache = self.clone();
        tokio::spawn(async move { cache.drop_pending(keys).await });
    }

    async fn drop_pending(&self, keys: Vec<String>) {
        for some in keys.chunks(DROPS_AT_ONCE) {
            if self.drop_now(some).await.is_none() {
                self.pending().extend(some.iter().cloned());
            }
        }
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, BTreeSet<String>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trusted<T: DeserializeOwned>(&self, text: &str) -> Option<T> {
        let entry: Entry<T> = serde_json::from_str(text).ok()?;
        if entry.written_at <= self.not_before.load(Ordering::Relaxed) {
            return None;
        }
        entry.value
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cache").finish_non_exhaustive()
    }
}

fn milliseconds(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1)
}

fn text_of(value: Option<impl Serialize>, lease: Option<Uuid>) -> Option<String> {
    serde_json::to_string(&Entry {
        written_at: now_ms(),
        value,
        lease,
    })
    .ok()
}

fn now_ms() -> i64 {
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
        net::TcpListener,
    };

    use super::*;

    fn away() -> Cache {
        Cache::connect(&Secret::new("redis://127.0.0.1:1")).unwrap()
    }

    #[actix_web::test]
    async fn a_cache_that_is_away_is_an_empty_one() {
        let cache = away();
        let lease = cache.lease("k").await;
        cache.fill(lease, &1, Duration::from_secs(60)).await;
        assert_eq!(cache.get_json::<i32>("k").await, None);
        assert!(cache.ping().await.is_err());
    }

    #[actix_web::test]
    async fn a_drop_that_got_lost_is_remembered() {
        let cache = away();
        cache.delete(&["session:1".to_owned()]).await;
        assert_eq!(cache.pending().iter().collect::<Vec<_>>(), ["session:1"]);
    }

    #[actix_web::test]
    async fn an_entry_written_before_an_outage_is_not_trusted() {
        let cache = away();
        let before = text_of(Some(1), None).unwrap();
        assert_eq!(cache.trusted::<i32>(&before), Some(1));
        cache.get_json::<i32>("k").await;
        assert_eq!(cache.trusted::<i32>(&before), None);
        tokio::time::sleep(Duration::from_millis(2)).await;
        let after = text_of(Some(2), None).unwrap();
        assert_eq!(cache.trusted::<i32>(&after), Some(2));
    }

    #[actix_web::test]
    async fn a_key_that_is_being_filled_has_no_value() {
        let lease = text_of(None::<()>, Some(Uuid::now_v7())).unwrap();
        assert_eq!(away().trusted::<i32>(&lease), None);
    }

    /// A server that takes every connection and says `OK` to every command.
    async fn server() -> Cache {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        actix_web::rt::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (reading, mut writing) = stream.into_split();
                actix_web::rt::spawn(async move {
                    let mut lines = BufReader::new(reading).lines();
                    while let Ok(Some(line)) = lines.next_line().await {
                        // The line that a command begins with.
                        if line.starts_with('*') && writing.write_all(b"+OK\r\n").await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Cache::connect(&Secret::new(url)).unwrap()
    }

    #[actix_web::test]
    async fn with_sixteen_connections_in_use_a_further_call_goes_on_without_the_cache() {
        let cache = server().await;
        let mut used = Vec::new();
        for _ in 0..15 {
            used.push(cache.pool.get().await.unwrap());
        }
        assert!(cache.ping().await.is_ok());
        used.push(cache.pool.get().await.unwrap());
        assert!(cache.ping().await.is_err());
    }

    #[actix_web::test]
    async fn a_call_that_takes_more_than_a_fifth_of_a_second_goes_on_without_the_cache() {
        // Takes connections into its queue and never answers.
        let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("redis://{}", deaf.local_addr().unwrap());
        let cache = Cache::connect(&Secret::new(url)).unwrap();
        tokio::time::pause();
        let began = tokio::time::Instant::now();
        let reading = cache.get_json::<i32>("k");
        let read = tokio::time::timeout(Duration::from_hours(1), reading).await;
        assert_eq!(read, Ok(None));
        assert_eq!(began.elapsed().as_millis() / 100, 2);
    }

    #[actix_web::test]
    async fn ten_thousand_drops_that_got_lost_are_remembered_and_no_more() {
        let cache = away();
        let keys: Vec<String> = (0..12_000).map(|number| format!("k{number}")).collect();
        cache.delete(&keys).await;
        assert_eq!(cache.pending().len(), 10_000);
    }
}
