//! How many calls a second each principal may make: each has a bucket of its own that fills at an even rate.
//!
//! Principals do not affect each other: equal names in different networks are different principals.

use crate::limits::{BUCKETS_SWEEP_CALLS, CALL_WAIT_MIN, Limits};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};
use kith_core::{
    id::{NetworkName, PrincipalId},
    may::{Principal, Reach},
};
use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

/// A principal among those of all networks. Without a network it belongs to the server.
pub(crate) type Key = (Option<NetworkName>, PrincipalId);
type Buckets<C> = RateLimiter<Key, HashMapStateStore<Key>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// A principal calls too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than {calls_per_s_max} calls a second: there is room in {wait:?}")]
pub(crate) struct TooOften {
    /// The allowed rate.
    pub(crate) calls_per_s_max: NonZeroU32,
    /// How long until the next call is allowed.
    pub(crate) wait: Duration,
}

/// The rate at which every principal may call. Clones share one count.
#[derive(Clone)]
pub(crate) struct CallRate<C: Clock = DefaultClock>(Option<Arc<Counted<C>>>);

struct Counted<C: Clock> {
    buckets: Buckets<C>,
    calls_per_s_max: NonZeroU32,
    calls: AtomicU32,
    refused: AtomicU64,
}

impl CallRate {
    /// The rate that these limits set.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self::with_clock(limits, DefaultClock::default())
    }
}

impl<C: Clock> CallRate<C> {
    fn with_clock(limits: &Limits, clock: C) -> Self {
        let Some(calls_per_s_max) = NonZeroU32::new(limits.calls_per_s_max) else { return Self(None) };
        let burst = NonZeroU32::new(limits.calls_burst_max).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(calls_per_s_max).allow_burst(burst);
        let buckets = RateLimiter::new(quota, HashMapStateStore::default(), clock);
        let (calls, refused) = (AtomicU32::new(0), AtomicU64::new(0));
        Self(Some(Arc::new(Counted { buckets, calls_per_s_max, calls, refused })))
    }

    /// Counts one call, or reports when it will be allowed.
    pub(crate) fn count(&self, key: &Key) -> Result<(), TooOften> {
        let Some(counted) = &self.0 else { return Ok(()) };
        counted.sweep_now_and_then();
        counted.buckets.check_key(key).map_err(|until| {
            counted.refused.fetch_add(1, Ordering::Relaxed);
            let wait = until.wait_time_from(counted.buckets.clock().now()).max(CALL_WAIT_MIN);
            TooOften { calls_per_s_max: counted.calls_per_s_max, wait }
        })
    }
}

impl<C: Clock> CallRate<C> {
    /// Number of calls that came too often.
    pub(crate) fn refused(&self) -> u64 {
        self.0.as_ref().map_or(0, |counted| counted.refused.load(Ordering::Relaxed))
    }
}

impl<C: Clock> Counted<C> {
    fn sweep_now_and_then(&self) {
        if self.calls.fetch_add(1, Ordering::Relaxed) % BUCKETS_SWEEP_CALLS == BUCKETS_SWEEP_CALLS - 1 {
            self.buckets.retain_recent();
        }
    }
}

/// Equal ids in different networks are different principals.
pub(crate) fn key(principal: &Principal) -> Key {
    let network = match &principal.reach {
        Reach::Server => None,
        Reach::Network(name) => Some(name.clone()),
    };
    (network, principal.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use governor::clock::FakeRelativeClock;
    use kith_core::{event::Role, may::Credential};

    fn principal(network: &str, id: &str) -> Principal {
        Principal {
            id: id.parse().unwrap(),
            credential: Credential::Program,
            reach: Reach::Network(network.parse().unwrap()),
            role: Role::Reader,
            person: None,
            organisation: None,
        }
    }

    fn rate(calls_per_s_max: u32, calls_burst_max: u32) -> (CallRate<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let limits = Limits { calls_per_s_max, calls_burst_max, ..Limits::default() };
        (CallRate::with_clock(&limits, clock.clone()), clock)
    }

    fn accepted(rate: &CallRate<FakeRelativeClock>, principal: &Principal, calls: usize) -> usize {
        (0..calls).filter(|_| rate.count(&key(principal)).is_ok()).count()
    }

    #[test]
    fn a_burst_is_taken_and_then_the_rate() {
        let (rate, clock) = rate(10, 5);
        let amina = principal("default", "person:amina");
        assert_eq!(accepted(&rate, &amina, 20), 5);
        assert_eq!(rate.refused(), 15);
        clock.advance(Duration::from_millis(200));
        assert_eq!(accepted(&rate, &amina, 20), 2);
        clock.advance(Duration::from_mins(1));
        assert_eq!(accepted(&rate, &amina, 20), 5, "what was not used is not saved up beyond the burst");
    }

    #[test]
    fn a_refusal_says_when_there_is_room_and_then_there_is() {
        let (rate, clock) = rate(10, 1);
        let amina = principal("default", "person:amina");
        rate.count(&key(&amina)).unwrap();
        let refused = rate.count(&key(&amina)).unwrap_err();
        assert_eq!((refused.calls_per_s_max.get(), refused.wait), (10, Duration::from_millis(100)));
        clock.advance(Duration::from_millis(99));
        rate.count(&key(&amina)).unwrap_err();
        clock.advance(Duration::from_millis(1));
        rate.count(&key(&amina)).unwrap();
    }

    #[test]
    fn nobody_pays_for_another_even_of_the_same_name() {
        let (rate, _clock) = rate(1, 3);
        let amina = principal("north", "person:amina");
        let server = Principal { reach: Reach::Server, ..amina.clone() };
        assert_eq!(accepted(&rate, &amina, 10), 3);
        for other in [principal("north", "person:ben"), principal("south", "person:amina"), server] {
            assert_eq!(accepted(&rate, &other, 10), 3, "{other:?}");
        }
    }

    #[test]
    fn zero_is_no_limit() {
        let (rate, _clock) = rate(0, 1);
        assert_eq!(accepted(&rate, &principal("default", "person:amina"), 10_000), 10_000);
    }

    #[test]
    fn principals_that_are_gone_are_forgotten() {
        let (rate, clock) = rate(10, 5);
        for number in 0..3 * BUCKETS_SWEEP_CALLS {
            clock.advance(Duration::from_millis(10));
            rate.count(&key(&principal("default", &format!("person:p{number}")))).unwrap();
        }
        let kept = rate.0.unwrap().buckets.len();
        assert!(kept <= BUCKETS_SWEEP_CALLS as usize + 100, "{kept} buckets are kept");
    }
}
