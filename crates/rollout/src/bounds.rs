//! What a version may do to its users before it is taken back.

use std::{fmt, time::Duration};

/// The bounds of a rollout.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The share of requests that may be answered with 5xx.
    pub error_ratio_max: f64,
    /// The 95th percentile of the time to an answer.
    pub p95_max: Duration,
    /// Requests that a step has to see: without any it shows nothing.
    pub requests_min: f64,
}

/// What Prometheus says of the new version over the last minutes. `None` where there were no requests.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// The share of requests that were answered with 5xx.
    pub error_ratio: Option<f64>,
    /// The 95th percentile of the time to an answer, in seconds.
    pub p95_seconds: Option<f64>,
}

/// Why a version is taken back.
#[derive(Clone, Debug, PartialEq)]
pub enum Breach {
    /// Too many requests fail.
    Errors {
        /// Their share.
        ratio: f64,
    },
    /// Answers take too long.
    Latency {
        /// The 95th percentile.
        p95_seconds: f64,
    },
    /// A step has seen too few requests to show anything.
    Unused {
        /// How many it has seen.
        requests: f64,
    },
    /// Prometheus did not answer several times in a row.
    Unseen {
        /// The last error.
        reason: String,
    },
    /// The process was asked to end.
    Interrupted,
}

impl Bounds {
    /// Whether a reading is beyond them.
    pub fn judge(&self, reading: Reading) -> Option<Breach> {
        if let Some(ratio) = reading.error_ratio
            && ratio > self.error_ratio_max
        {
            return Some(Breach::Errors { ratio });
        }
        if let Some(p95_seconds) = reading.p95_seconds
            && p95_seconds > self.p95_max.as_secs_f64()
        {
            return Some(Breach::Latency { p95_seconds });
        }
        None
    }

    /// Whether a step that saw so many requests showed something.
    pub fn judge_use(&self, requests: f64) -> Option<Breach> {
        (requests < self.requests_min).then_some(Breach::Unused { requests })
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Errors { ratio } => {
                write!(formatter, "{:.2} % of the requests fail", ratio * 100.0)
            }
            Self::Latency { p95_seconds } => {
                write!(
                    formatter,
                    "the 95th percentile is {:.0} ms",
                    p95_seconds * 1_000.0
                )
            }
            Self::Unused { requests } => {
                write!(formatter, "only {requests:.0} requests came in this step")
            }
            Self::Unseen { reason } => write!(formatter, "Prometheus does not answer: {reason}"),
            Self::Interrupted => write!(formatter, "interrupted"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        error_ratio_max: 0.01,
        p95_max: Duration::from_millis(500),
        requests_min: 10.0,
    };

    #[test]
    fn a_reading_within_its_bounds_or_without_requests_is_no_breach() {
        assert_eq!(BOUNDS.judge(Reading::default()), None);
        let at_the_bounds = Reading {
            error_ratio: Some(0.01),
            p95_seconds: Some(0.5),
        };
        assert_eq!(BOUNDS.judge(at_the_bounds), None);
    }

    #[test]
    fn errors_latency_and_a_step_without_requests_are_breaches() {
        let failing = Reading {
            error_ratio: Some(0.02),
            p95_seconds: Some(0.1),
        };
        assert_eq!(BOUNDS.judge(failing), Some(Breach::Errors { ratio: 0.02 }));
        let slow = Reading {
            error_ratio: Some(0.0),
            p95_seconds: Some(0.6),
        };
        assert_eq!(
            BOUNDS.judge(slow),
            Some(Breach::Latency { p95_seconds: 0.6 })
        );
        assert_eq!(
            BOUNDS.judge_use(9.0),
            Some(Breach::Unused { requests: 9.0 })
        );
        assert_eq!(BOUNDS.judge_use(10.0), None);
    }
}
