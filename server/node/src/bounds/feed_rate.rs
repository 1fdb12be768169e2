//! How often a feed may be asked for. Calendars do so once an hour or less: whoever asks more often has a mistake.

use crate::limits::{BUCKETS_SWEEP_CALLS, FEED_CALLS_PER_HOUR_MAX};
use governor::{DefaultKeyedRateLimiter, Quota, clock::Clock};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

/// By what feeds are told apart: the fingerprint of their token.
type Feed = [u8; 32];

/// A feed is asked for too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a feed is asked for more than {FEED_CALLS_PER_HOUR_MAX} times an hour: there is room in {wait:?}")]
pub(crate) struct AskedTooOften {
    /// How long until the next time is allowed.
    pub(crate) wait: Duration,
}

/// The rate at which every feed may be asked for. Clones share one count.
#[derive(Clone)]
pub(crate) struct FeedRate(Arc<Counted>);

struct Counted {
    buckets: DefaultKeyedRateLimiter<Feed>,
    calls: AtomicU32,
}

impl FeedRate {
    /// A rate at which nothing was asked for yet.
    pub(crate) fn new() -> Self {
        let buckets = DefaultKeyedRateLimiter::keyed(Quota::per_hour(FEED_CALLS_PER_HOUR_MAX));
        Self(Arc::new(Counted { buckets, calls: AtomicU32::new(0) }))
    }

    /// Counts one time that a feed is asked for, or reports when that will be allowed.
    pub(crate) fn count(&self, feed: &Feed) -> Result<(), AskedTooOften> {
        let Counted { buckets, calls } = &*self.0;
        if calls.fetch_add(1, Ordering::Relaxed) % BUCKETS_SWEEP_CALLS == BUCKETS_SWEEP_CALLS - 1 {
            buckets.retain_recent();
        }
        buckets.check_key(feed).map_err(|until| AskedTooOften { wait: until.wait_time_from(buckets.clock().now()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_that_is_asked_for_too_often_has_to_wait_and_others_do_not() {
        let rate = FeedRate::new();
        for _ in 0..FEED_CALLS_PER_HOUR_MAX.get() {
            rate.count(&[1; 32]).unwrap();
        }
        let refused = rate.count(&[1; 32]).unwrap_err();
        assert!(Duration::from_secs(30) < refused.wait && refused.wait <= Duration::from_mins(1), "{refused:?}");
        rate.count(&[2; 32]).unwrap();
    }
}
