//! At start a service waits for what it needs, and says so, instead of failing.

use std::{future::Future, time::Duration};

use tokio_util::sync::CancellationToken;

/// Between the first attempts.
const PAUSE_MIN: Duration = Duration::from_millis(500);
/// Between attempts after a while.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Tries until `attempt` succeeds, with a log line for each failure. `None` when the process is asked to
/// end meanwhile.
pub async fn wait_for<T, F>(
    dependency: &str,
    shutdown: &CancellationToken,
    attempt: impl Fn() -> F,
) -> Option<T>
where
    F: Future<Output = anyhow::Result<T>>,
{
    let mut pause = PAUSE_MIN;
    let mut attempts = 0_u32;
    loop {
        match attempt().await {
            Ok(value) => {
                if attempts > 0 {
                    tracing::info!(dependency, attempts, "{dependency} is there now");
                }
                return Some(value);
            }
            Err(error) => {
                attempts += 1;
                let error = format!("{error:#}");
                tracing::warn!(
                    dependency,
                    attempts,
                    error,
                    "waiting for {dependency}, trying again in {pause:?}"
                );
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_MAX),
            () = shutdown.cancelled() => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[actix_web::test]
    async fn it_waits_until_the_dependency_is_there() {
        tokio::time::pause();
        let left = Cell::new(3);
        let shutdown = CancellationToken::new();
        let found = wait_for("PostgreSQL", &shutdown, || async {
            left.set(left.get() - 1);
            anyhow::ensure!(left.get() == 0, "connection refused");
            Ok("connected")
        });
        assert_eq!(found.await, Some("connected"));
    }

    #[actix_web::test]
    async fn it_gives_up_when_the_process_is_asked_to_end() {
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        let found: Option<()> = wait_for("PostgreSQL", &shutdown, || async {
            anyhow::bail!("connection refused")
        })
        .await;
        assert_eq!(found, None);
    }

    #[actix_web::test]
    async fn the_pause_between_attempts_grows_to_ten_seconds_and_no_further() {
        tokio::time::pause();
        let attempts = Cell::new(0);
        let shutdown = CancellationToken::new();
        let waiting = wait_for::<(), _>("PostgreSQL", &shutdown, || async {
            attempts.set(attempts.get() + 1);
            anyhow::bail!("connection refused")
        });
        let found = tokio::time::timeout(Duration::from_secs(3_600), waiting).await;
        assert!(found.is_err(), "nothing was there to be found");
        // Six in the first 15.5 seconds, then one every ten.
        assert_eq!(attempts.get(), 6 + 358);
    }
}
