//! The steps of a rollout: how much of the traffic goes to the new version, and for how long.

use std::{str::FromStr, time::Duration};

use anyhow::{Context as _, bail, ensure};
use jiff::SignedDuration;

/// Steps of one rollout, at most.
const STEPS_MAX: usize = 20;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The new version's share of the traffic, 1 to 100.
    pub percent: u8,
    /// How long it is watched with that share.
    pub hold: Duration,
}

/// All steps, in order, each with a larger share than the one before; the last has 100 percent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps(Vec<Step>);

impl Steps {
    /// The steps, in order.
    pub fn iter(&self) -> impl Iterator<Item = Step> {
        self.0.iter().copied()
    }
}

impl FromStr for Steps {
    type Err = anyhow::Error;

    /// Reads `10:15m,50:15m,100:1h`.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let steps: Vec<Step> = text
            .split(',')
            .map(step)
            .collect::<anyhow::Result<_>>()
            .with_context(|| {
                format!("steps are PERCENT:DURATION, as in 10:15m,100:1h, not {text:?}")
            })?;
        ensure!(steps.len() <= STEPS_MAX, "at most {STEPS_MAX} steps");
        ensure!(
            steps
                .windows(2)
                .all(|pair| pair[0].percent < pair[1].percent),
            "each step has a larger share than the one before"
        );
        if steps.last().is_none_or(|last| last.percent != 100) {
            bail!("the last step has 100 percent");
        }
        Ok(Self(steps))
    }
}

fn step(text: &str) -> anyhow::Result<Step> {
    let (percent, hold) = text.trim().split_once(':').context("no colon")?;
    let percent: u8 = percent.parse().context("the share is a whole number")?;
    ensure!((1..=100).contains(&percent), "the share is 1 to 100");
    Ok(Step {
        percent,
        hold: duration(hold)?,
    })
}

/// Reads a duration such as `15m`, `1h` or `500ms`. Negative ones are refused.
///
/// # Errors
/// When it is no duration.
pub fn duration(text: &str) -> anyhow::Result<Duration> {
    let read: SignedDuration = text.trim().parse().context("a duration is as 15m or 1h")?;
    Duration::try_from(read).context("a duration is not negative")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_in_order_with_their_durations() {
        let steps: Steps = "10:15m, 50:15m, 100:1h".parse().unwrap();
        let read: Vec<(u8, u64)> = steps
            .iter()
            .map(|step| (step.percent, step.hold.as_secs()))
            .collect();
        assert_eq!(read, [(10, 900), (50, 900), (100, 3_600)]);
    }

    #[test]
    fn steps_that_shrink_or_do_not_reach_everybody_are_refused_with_the_reason() {
        for (text, reason) in [
            ("", "no colon"),
            ("10:15m", "100 percent"),
            ("50:1m,10:1m,100:1m", "larger share"),
            ("0:1m,100:1m", "1 to 100"),
            ("101:1m", "1 to 100"),
            ("10:soon,100:1m", "15m or 1h"),
            ("10:-5m,100:1m", "not negative"),
        ] {
            let refused = format!("{:#}", text.parse::<Steps>().unwrap_err());
            assert!(refused.contains(reason), "{text}: {refused}");
        }
        let many: Vec<String> = (80..=100).map(|percent| format!("{percent}:1m")).collect();
        let refused = many.join(",").parse::<Steps>().unwrap_err();
        assert_eq!(refused.to_string(), "at most 20 steps");
        assert!(many[1..].join(",").parse::<Steps>().is_ok());
    }
}
