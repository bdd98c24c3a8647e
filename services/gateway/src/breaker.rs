//! A circuit breaker: a service that cannot be reached is left alone for a moment, and its callers get an error at once
//! instead of waiting for a timeout each.
//!
//! Only failures to reach the service count. An error that the service itself answers is its business.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct BreakerSettings {
    /// Failures in a row after which it opens.
    pub failures_to_open: u32,
    /// How long it stays open before one request may try again.
    pub open_for: Duration,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures_to_open: 5,
            open_for: Duration::from_secs(2),
        }
    }
}

/// What happened to a request that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The service answered, whatever it answered.
    Reached,
    /// The service could not be reached or did not answer in time.
    Failed,
    /// Nothing was learned about the service, for example because the client disconnected.
    Unknown,
}

/// The breaker of one service, shared by all workers.
#[derive(Debug)]
pub struct Breaker {
    settings: BreakerSettings,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed {
        failures: u32,
    },
    Open {
        since: Instant,
    },
    /// One request is out to see whether the service is back.
    Probing {
        since: Instant,
    },
}

impl Breaker {
    /// A closed breaker.
    pub fn new(settings: BreakerSettings) -> Self {
        Self {
            settings,
            state: Mutex::new(State::Closed { failures: 0 }),
        }
    }

    /// Asks to let a request through.
    ///
    /// # Errors
    /// How long the caller had better wait, when the breaker is open.
    pub fn admit(&self, now: Instant) -> Result<Admission<'_>, Duration> {
        let mut state = self.lock();
        match *state {
            State::Closed { .. } => {}
            // A probe that never reported is given up after as long as the breaker stays open.
            State::Open { since } | State::Probing { since } => {
                let waited = now.saturating_duration_since(since);
                if waited < self.settings.open_for {
                    return Err(self.settings.open_for - waited);
                }
                *state = State::Probing { since: now };
            }
        }
        Ok(Admission {
            breaker: self,
            outcome: Outcome::Unknown,
        })
    }

    /// Whether requests are refused at present.
    pub fn is_open(&self) -> bool {
        !matches!(*self.lock(), State::Closed { .. })
    }

    fn report(&self, outcome: Outcome, now: Instant) {
        let mut state = self.lock();
        *state = match (outcome, *state) {
            (Outcome::Reached, _) => State::Closed { failures: 0 },
            (Outcome::Failed, State::Closed { failures })
                if failures + 1 < self.settings.failures_to_open =>
            {
                State::Closed {
                    failures: failures + 1,
                }
            }
            (Outcome::Failed, State::Closed { .. } | State::Probing { .. }) => {
                State::Open { since: now }
            }
            (Outcome::Failed, open @ State::Open { .. }) => open,
            (Outcome::Unknown, unchanged) => unchanged,
        };
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is a plain value that is replaced whole: a panic elsewhere cannot have left it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Leave to send one request. Reports its outcome when it is dropped.
#[derive(Debug)]
pub struct Admission<'breaker> {
    breaker: &'breaker Breaker,
    outcome: Outcome,
}

impl Admission<'_> {
    /// Records the outcome of the request.
    pub fn finish(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        self.breaker.report(self.outcome, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN_FOR: Duration = Duration::from_secs(2);

    fn breaker() -> Breaker {
        Breaker::new(BreakerSettings {
            failures_to_open: 3,
            open_for: OPEN_FOR,
        })
    }

    fn fail(breaker: &Breaker, times: usize) {
        for _ in 0..times {
            breaker
                .admit(Instant::now())
                .unwrap()
                .finish(Outcome::Failed);
        }
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_tells_how_long_to_wait() {
        let breaker = breaker();
        fail(&breaker, 2);
        assert!(!breaker.is_open());
        fail(&breaker, 1);
        let wait = breaker.admit(Instant::now()).unwrap_err();
        assert!(wait <= OPEN_FOR && wait > OPEN_FOR / 2, "{wait:?}");
    }

    #[test]
    fn an_answer_in_between_starts_the_count_anew() {
        let breaker = breaker();
        fail(&breaker, 2);
        breaker
            .admit(Instant::now())
            .unwrap()
            .finish(Outcome::Reached);
        fail(&breaker, 2);
        assert!(!breaker.is_open());
    }

    #[test]
    fn one_probe_at_a_time_decides_whether_it_closes() {
        let breaker = breaker();
        fail(&breaker, 3);
        let later = Instant::now() + OPEN_FOR;
        let probe = breaker.admit(later).unwrap();
        assert!(
            breaker.admit(later).is_err(),
            "a second request while the first is out"
        );
        probe.finish(Outcome::Reached);
        assert!(!breaker.is_open());
    }

    #[test]
    fn a_failed_probe_opens_it_again() {
        let breaker = breaker();
        fail(&breaker, 3);
        breaker
            .admit(Instant::now() + OPEN_FOR)
            .unwrap()
            .finish(Outcome::Failed);
        assert!(breaker.admit(Instant::now()).is_err());
    }

    #[test]
    fn a_probe_that_never_reports_does_not_keep_it_open_for_ever() {
        let breaker = breaker();
        fail(&breaker, 3);
        let later = Instant::now() + OPEN_FOR;
        drop(breaker.admit(later).unwrap());
        assert!(breaker.admit(later).is_err());
        assert!(breaker.admit(later + OPEN_FOR).is_ok());
    }
}
