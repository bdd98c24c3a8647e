//! How often a password may be guessed.
//!
//! Two counts decide. One is kept for each account and network: after some failures its delays grow. The other is
//! kept for each account over all networks from which its owner has not signed in lately: strangers share a few
//! guesses. So nobody can keep an owner out of a place where she was before, and guessing stays slow.

use std::net::IpAddr;

use time::{Duration, OffsetDateTime};

/// So many failures of an account in a network cause no delay; the next one does.
pub const FAILURES_FREE: i32 = 5;
/// The first delay of an account in a network; each further failure doubles it.
pub const DELAY_FIRST: Duration = Duration::minutes(1);
/// No delay lasts longer.
pub const DELAY_MAX: Duration = Duration::minutes(15);
/// So long without a failure takes one failure back.
pub const FAILURE_FADES_AFTER: Duration = Duration::minutes(15);
/// More failures than these are not counted: the delay has reached its most, and they must fade in time.
pub const FAILURES_COUNTED_MAX: i32 = FAILURES_FREE + 4;
/// The most guesses at an account, from all strange networks together, within [`STRANGERS_WINDOW`].
pub const STRANGERS_GUESSES_MAX: usize = 10;
/// The window of [`STRANGERS_GUESSES_MAX`].
pub const STRANGERS_WINDOW: Duration = Duration::minutes(15);
/// A network from which the owner has signed in is no stranger for so long.
pub const NETWORK_KNOWN_FOR: Duration = Duration::days(90);

/// The network of a client: the first 24 bits of an IPv4 address, the first 64 of an IPv6 address.
#[must_use]
pub fn network_of(ip: Option<IpAddr>) -> String {
    match ip.map(|ip| ip.to_canonical()) {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(ip)) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Some(IpAddr::V6(ip)) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// The failures of an account in one network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// How many count.
    pub count: i32,
    /// When the last one was.
    pub last_at: OffsetDateTime,
    /// Attempts before this instant are refused without a look at the password.
    pub locked_until: Option<OffsetDateTime>,
}

/// Counts an attempt before its password is looked at: as a failure until it has succeeded.
///
/// # Errors
/// How long to wait, if attempts are refused now. Such an attempt does not count.
pub fn count_failure(present: Option<Failures>, now: OffsetDateTime) -> Result<Failures, Duration> {
    let until = present.and_then(|present| present.locked_until);
    if let Some(until) = until.filter(|until| *until > now) {
        return Err(until - now);
    }
    let left = present.map_or(0, |present| faded(present, now));
    let count = (left + 1).min(FAILURES_COUNTED_MAX);
    Ok(Failures {
        count,
        last_at: now,
        locked_until: delay_after(count).map(|delay| now + delay),
    })
}

/// Counts a guess from a strange network among the latest ones, oldest first.
///
/// # Errors
/// How long to wait, where the strangers' guesses are used up. Such a guess does not count.
pub fn count_guess(
    recent: &[OffsetDateTime],
    now: OffsetDateTime,
) -> Result<Vec<OffsetDateTime>, Duration> {
    let begin = recent.len().saturating_sub(STRANGERS_GUESSES_MAX);
    let latest = recent.get(begin..).unwrap_or_default();
    if let [oldest, ..] = latest
        && latest.len() == STRANGERS_GUESSES_MAX
        && *oldest + STRANGERS_WINDOW > now
    {
        return Err(*oldest + STRANGERS_WINDOW - now);
    }
    let mut counted: Vec<OffsetDateTime> = latest
        .iter()
        .copied()
        .filter(|at| *at + STRANGERS_WINDOW > now)
        .collect();
    counted.push(now);
    Ok(counted)
}

/// How many of the failures still count.
fn faded(present: Failures, now: OffsetDateTime) -> i32 {
    let quiet = (now - present.last_at).whole_seconds().max(0);
    let back = quiet / FAILURE_FADES_AFTER.whole_seconds();
    present
        .count
        .saturating_sub(i32::try_from(back).unwrap_or(i32::MAX))
        .max(0)
}

/// How long the account is locked in this network when this attempt fails too.
fn delay_after(count: i32) -> Option<Duration> {
    match count - FAILURES_FREE {
        ..0 => None,
        doublings @ 0..=3 => Some(DELAY_FIRST * (1 << doublings)),
        _ => Some(DELAY_MAX),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn most_within_the_window(heard: &[OffsetDateTime]) -> usize {
        heard
            .iter()
            .map(|from| {
                heard
                    .iter()
                    .filter(|at| (*from..*from + STRANGERS_WINDOW).contains(*at))
                    .count()
            })
            .max()
            .unwrap_or(0)
    }

    #[test]
    fn the_delay_begins_with_the_fifth_failure_and_doubles_up_to_15_minutes() {
        let minutes: Vec<i64> = (1..=11)
            .map(|n| delay_after(n).map_or(0, Duration::whole_minutes))
            .collect();
        assert_eq!(minutes, [0, 0, 0, 0, 1, 2, 4, 8, 15, 15, 15]);
    }

    #[test]
    fn a_quarter_of_an_hour_without_failure_takes_one_failure_back() {
        let mut failures = None;
        for _ in 0..4 {
            failures = count_failure(failures, START).ok();
        }
        let later = START + FAILURE_FADES_AFTER;
        let next = count_failure(failures, later).unwrap();
        assert_eq!((next.count, next.locked_until), (4, None));
        let much_later = count_failure(failures, START + Duration::hours(1)).unwrap();
        assert_eq!(much_later.count, 1);
    }

    #[test]
    fn failures_without_end_have_faded_within_hours() {
        let mut failures: Option<Failures> = None;
        let mut now = START;
        for _ in 0..100 {
            now = failures
                .and_then(|failures| failures.locked_until)
                .unwrap_or(now);
            failures = count_failure(failures, now).ok();
        }
        let after = now + FAILURE_FADES_AFTER * FAILURES_COUNTED_MAX;
        assert_eq!(count_failure(failures, after).unwrap().count, 1);
    }

    #[test]
    fn the_eleventh_guess_of_strangers_waits_for_the_first_to_pass() {
        let mut recent = Vec::new();
        for second in 0..10 {
            recent = count_guess(&recent, START + Duration::seconds(second)).unwrap();
        }
        let now = START + Duration::minutes(5);
        assert_eq!(count_guess(&recent, now), Err(Duration::minutes(10)));
        let freed = count_guess(&recent, START + STRANGERS_WINDOW).unwrap();
        assert_eq!(freed.len(), 10);
    }

    #[test]
    fn neighbours_share_a_network_and_both_spellings_of_an_ipv4_address_are_one() {
        let of = |text: &str| network_of(text.parse().ok());
        assert_eq!(of("192.0.2.7"), of("192.0.2.200"));
        assert_eq!(of("192.0.2.7"), of("::ffff:192.0.2.7"));
        assert_ne!(of("192.0.2.7"), of("192.0.3.7"));
        assert_eq!(of("2001:db8:1:2::7"), of("2001:db8:1:2:ffff::1"));
        assert_ne!(of("2001:db8:1:2::7"), of("2001:db8:1:3::7"));
        assert_eq!(of("no address"), "unknown");
    }

    proptest! {
        #[test]
        fn no_schedule_gets_more_than_ten_guesses_in_any_15_minutes(gaps in prop::collection::vec(0_i64..400, 1..120)) {
            let (mut failures, mut recent) = (None, Vec::new());
            let (mut heard_in_one_network, mut heard_of_strangers) = (Vec::new(), Vec::new());
            let mut now = START;
            for gap in gaps {
                now += Duration::seconds(gap);
                if let Ok(next) = count_failure(failures, now) {
                    failures = Some(next);
                    heard_in_one_network.push(now);
                }
                if let Ok(next) = count_guess(&recent, now) {
                    recent = next;
                    heard_of_strangers.push(now);
                }
            }
            prop_assert!(most_within_the_window(&heard_in_one_network) <= 10);
            prop_assert!(most_within_the_window(&heard_of_strangers) <= 10);
            prop_assert!(recent.len() <= STRANGERS_GUESSES_MAX);
        }
    }
}
