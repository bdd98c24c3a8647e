//! Rate limits counted in this process, for when Redis is unavailable.

use std::sync::atomic::{AtomicU32, Ordering};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};

use super::{Charge, Policies, Policy, Standing, Subject};

/// After so many requests, subjects that have not been seen for a while are forgotten.
const CHECKS_BETWEEN_CLEANUPS: u32 = 10_000;

type Limiter =
    RateLimiter<Subject, DefaultKeyedStateStore<Subject>, DefaultClock, StateInformationMiddleware>;

/// The counters of all policies.
#[derive(Debug)]
pub struct LocalLimits {
    limiters: Vec<(Policy, Limiter)>,
    checks: AtomicU32,
}

impl LocalLimits {
    /// Counters for the policies.
    pub fn new(policies: &Policies) -> Self {
        let limiters = policies
            .all()
            .into_iter()
            .filter_map(|policy| {
                let quota = Quota::with_period(policy.interval)?.allow_burst(policy.burst);
                Some((policy, RateLimiter::keyed(quota).with_middleware()))
            })
            .collect();
        Self {
            limiters,
            checks: AtomicU32::new(0),
        }
    }

    /// Counts a request. Unlike Redis, a limit is charged even when another one refuses the request.
    pub fn count(&self, charges: &[Charge]) -> Vec<Standing> {
        if self
            .checks
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(CHECKS_BETWEEN_CLEANUPS)
        {
            for (_, limiter) in &self.limiters {
                limiter.retain_recent();
            }
        }
        charges
            .iter()
            .filter_map(|charge| self.standing(charge))
            .collect()
    }

    fn standing(&self, charge: &Charge) -> Option<Standing> {
        let Charge { policy, subject } = *charge;
        let (_, limiter) = self
            .limiters
            .iter()
            .find(|(own, _)| own.name == policy.name)?;
        Some(match limiter.check_key(&subject) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Standing {
                    policy,
                    remaining,
                    reset: policy
                        .interval
                        .saturating_mul(policy.burst.get().saturating_sub(remaining)),
                    retry_after: None,
                }
            }
            Err(refused) => Standing {
                policy,
                remaining: 0,
                reset: policy.window(),
                retry_after: Some(refused.wait_time_from(limiter.clock().now())),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    #[test]
    fn a_burst_is_let_through_and_no_more_and_others_are_not_affected() {
        let policies = Policies::scaled(1.0);
        let limits = LocalLimits::new(&policies);
        let charges = |last| [policies.of_address(true, IpAddr::from([203, 0, 113, last]))];
        for left in (0..policies.auth_address.burst.get()).rev() {
            let standing = limits.count(&charges(1))[0];
            assert_eq!((standing.retry_after, standing.remaining), (None, left));
        }
        let refused = limits.count(&charges(1))[0];
        assert!(
            refused
                .retry_after
                .is_some_and(|wait| wait <= policies.auth_address.interval)
        );
        assert_eq!(limits.count(&charges(2))[0].retry_after, None);
    }
}
