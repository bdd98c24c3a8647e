//! Rate limits: per user and per address, stricter around sign-in.
//!
//! The generic cell rate algorithm: a caller may send `burst` requests at once, and regains one every `interval`.
//! Counted in Redis, for all gateways together; while Redis is unavailable, by each gateway for itself.

pub mod local;
pub mod shared;

use std::{net::IpAddr, num::NonZeroU32, time::Duration};

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use uuid::Uuid;

/// Whose requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A client's address; of IPv6 the network of 64 bits that one customer has.
    Address(IpAddr),
    /// A signed-in user.
    User(Uuid),
}

impl Subject {
    /// The subject for a client's address.
    pub fn of_address(address: IpAddr) -> Self {
        const NETWORK: u128 = !0 << 64;
        match address.to_canonical() {
            IpAddr::V6(v6) => Self::Address(IpAddr::V6((v6.to_bits() & NETWORK).into())),
            v4 @ IpAddr::V4(_) => Self::Address(v4),
        }
    }

    fn key(self, policy: &Policy) -> String {
        match self {
            Self::Address(address) => format!("limit:{}:{address}", policy.name),
            Self::User(user) => format!("limit:{}:{user}", policy.name),
        }
    }
}

/// How many requests a subject may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name in headers and keys.
    pub name: &'static str,
    /// How many at once.
    pub burst: NonZeroU32,
    /// After how long one more.
    pub interval: Duration,
}

impl Policy {
    /// `burst` at once and `per_minute` in the long run, both times `scale`.
    fn new(name: &'static str, burst: u32, per_minute: u32, scale: f64) -> Self {
        let scaled = f64::from(burst) * scale;
        // The cast saturates, and a limit of nothing at all would be an outage.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a scaled limit is positive, and one that saturates is as good as none"
        )]
        let burst = NonZeroU32::new(scaled as u32).unwrap_or(NonZeroU32::MIN);
        let seconds = 60.0 / (f64::from(per_minute) * scale);
        Self {
            name,
            burst,
            interval: Duration::from_secs_f64(seconds).max(Duration::from_micros(1)),
        }
    }

    /// After how long an exhausted subject has its whole burst again.
    fn window(&self) -> Duration {
        self.interval.saturating_mul(self.burst.get())
    }
}

/// The limits of this gateway.
#[derive(Clone, Copy, Debug)]
pub struct Policies {
    address: Policy,
    user: Policy,
    auth_address: Policy,
    auth_user: Policy,
}

impl Policies {
    /// The limits, times `scale` (1 outside tests).
    pub fn scaled(scale: f64) -> Self {
        Self {
            address: Policy::new("address", 600, 3_000, scale),
            user: Policy::new("user", 240, 1_200, scale),
            auth_address: Policy::new("auth-address", 20, 60, scale),
            auth_user: Policy::new("auth-user", 20, 60, scale),
        }
    }

    /// The limit that a request counts against for its address.
    pub fn of_address(&self, is_auth: bool, address: IpAddr) -> Charge {
        Charge {
            policy: if is_auth {
                self.auth_address
            } else {
                self.address
            },
            subject: Subject::of_address(address),
        }
    }

    /// The limit that a request counts against for its user.
    pub fn of_user(&self, is_auth: bool, user: Uuid) -> Charge {
        Charge {
            policy: if is_auth { self.auth_user } else { self.user },
            subject: Subject::User(user),
        }
    }

    fn all(&self) -> [Policy; 4] {
        [self.address, self.user, self.auth_address, self.auth_user]
    }
}

/// One request to be counted against one limit.
#[derive(Clone, Copy, Debug)]
pub struct Charge {
    /// The limit.
    pub policy: Policy,
    /// Whose requests it counts.
    pub subject: Subject,
}

/// A subject's state under one limit, after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The limit.
    pub policy: Policy,
    /// How many requests are left at once.
    pub remaining: u32,
    /// After how long the whole burst is there again.
    pub reset: Duration,
    /// Set when this limit refuses the request: after how long the next one is accepted.
    pub retry_after: Option<Duration>,
}

impl Standing {
    /// Adds the headers about the limits: all policies, and the one that is nearest to its end.
    pub fn write(standings: &[Self], headers: &mut HeaderMap) {
        let Some(tightest) = standings
            .iter()
            .min_by_key(|standing| standing.share_left())
        else {
            return;
        };
        let policies: Vec<String> = standings
            .iter()
            .map(|Self { policy, .. }| {
                let window = seconds(policy.window()).max(1);
                format!("\"{}\";q={};w={window}", policy.name, policy.burst)
            })
            .collect();
        let Self {
            policy, remaining, ..
        } = tightest;
        let reset = seconds(tightest.reset);
        let name = policy.name;
        for (header, value) in [
            ("ratelimit-policy", policies.join(", ")),
            ("ratelimit", format!("\"{name}\";r={remaining};t={reset}")),
            ("x-ratelimit-limit", policy.burst.to_string()),
            ("x-ratelimit-remaining", remaining.to_string()),
            ("x-ratelimit-reset", reset.to_string()),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(header), value);
            }
        }
    }

    /// How much of the burst is left, in millionths.
    fn share_left(&self) -> u64 {
        u64::from(self.remaining) * 1_000_000 / u64::from(self.policy.burst.get())
    }
}

/// Whole seconds, rounded up.
pub fn seconds(duration: Duration) -> u64 {
    duration
        .as_millis()
        .div_ceil(1_000)
        .try_into()
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(policy: Policy, remaining: u32) -> Standing {
        Standing {
            policy,
            remaining,
            reset: Duration::from_millis(1_500),
            retry_after: None,
        }
    }

    #[test]
    fn the_limit_nearest_to_its_end_is_told_in_both_fashions() {
        let policies = Policies::scaled(1.0);
        let mut headers = HeaderMap::new();
        let standings = [standing(policies.address, 599), standing(policies.user, 3)];
        Standing::write(&standings, &mut headers);
        let told = |name: &str| headers.get(name).unwrap().to_str().unwrap().to_owned();
        assert_eq!(
            told("ratelimit-policy"),
            "\"address\";q=600;w=12, \"user\";q=240;w=12"
        );
        assert_eq!(told("ratelimit"), "\"user\";r=3;t=2");
        assert_eq!(told("x-ratelimit-limit"), "240");
        assert_eq!(told("x-ratelimit-remaining"), "3");
        assert_eq!(told("x-ratelimit-reset"), "2");
    }

    #[test]
    fn sign_in_is_limited_more_strictly() {
        let policies = Policies::scaled(1.0);
        let address = IpAddr::from([203, 0, 113, 9]);
        let general = policies.of_address(false, address);
        let sign_in = policies.of_address(true, address);
        let user = policies.of_user(true, Uuid::nil());
        assert!(sign_in.policy.burst < general.policy.burst);
        assert!(sign_in.policy.interval > general.policy.interval);
        assert_eq!(user.subject, Subject::User(Uuid::nil()));
    }

    #[test]
    fn the_scale_multiplies_rate_and_burst() {
        let (once, thousandfold) = (Policies::scaled(1.0), Policies::scaled(1_000.0));
        for (one, thousand) in once.all().into_iter().zip(thousandfold.all()) {
            assert_eq!(thousand.burst.get(), one.burst.get() * 1_000);
            assert_eq!(
                one.interval.as_micros() / 1_000,
                thousand.interval.as_micros()
            );
        }
        assert_eq!(Policies::scaled(1e-9).user.burst.get(), 1);
    }

    #[test]
    fn one_customers_ipv6_addresses_count_together() {
        let subject = |text: &str| Subject::of_address(text.parse().unwrap());
        assert_eq!(subject("2001:db8:1:2::3"), subject("2001:db8:1:2:ffff::9"));
        assert_ne!(subject("2001:db8:1:2::3"), subject("2001:db8:1:3::3"));
        assert_eq!(subject("::ffff:203.0.113.9"), subject("203.0.113.9"));
    }
}
