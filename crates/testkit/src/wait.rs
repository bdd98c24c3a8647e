//! Waiting for what other services do, with a deadline instead of a guess.

use std::time::{Duration, Instant};

/// Asks again and again until the answer is there. Fails with the last question's name after 90 s.
///
/// # Panics
/// When the deadline passes.
pub async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    eventually_within(Duration::from_secs(90), what, ask).await
}

/// As [`eventually`], with another deadline.
///
/// # Panics
/// When the deadline passes.
pub async fn eventually_within<T>(
    limit: Duration,
    what: &str,
    ask: impl AsyncFn() -> Option<T>,
) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
