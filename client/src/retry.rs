//! When to retry: doubling delays, shortened at random so that clients do not all come back at once.

use crate::{error::Error, options::Retry};
use std::time::Duration;

/// What repeating a call can cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Nothing beyond the first call: reads, and appends, whose events have ids.
    Safe,
    /// The same effect twice: repeat only if the first attempt certainly had no effect.
    Unsafe,
}

/// A series of attempts.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    retry: Retry,
    failed: u32,
}

impl Backoff {
    pub(crate) fn new(retry: Retry) -> Self {
        Self { retry, failed: 0 }
    }

    /// After a success: the next failure counts as the first.
    pub(crate) fn reset(&mut self) {
        self.failed = 0;
    }

    /// How long to wait before the next attempt; `None` to stop retrying.
    pub(crate) fn after(&mut self, error: &Error, repeat: Repeat) -> Option<Duration> {
        let safe = match repeat {
            Repeat::Safe => true,
            Repeat::Unsafe => error.had_no_effect(),
        };
        let delay = self.next_delay(error.retry_after());
        (safe && error.is_retryable() && self.failed < self.retry.attempts_max).then_some(delay)
    }

    /// How long to wait before the next attempt, without limiting their number.
    pub(crate) fn next_delay(&mut self, asked: Option<Duration>) -> Duration {
        let delay = delay(self.retry, self.failed, asked, random_fraction());
        self.failed = self.failed.saturating_add(1);
        delay
    }
}

/// The delay after `failed` earlier failures, shortened by up to half; `fraction` is in 0..1. A delay that the server
/// asked for is lengthened instead.
pub(crate) fn delay(retry: Retry, failed: u32, asked: Option<Duration>, fraction: f64) -> Duration {
    let doubled = retry.delay_first.saturating_mul(2_u32.saturating_pow(failed)).min(retry.delay_max);
    let own = doubled.mul_f64(1.0 - fraction / 2.0);
    match asked {
        Some(asked) => own.max(asked.mul_f64(1.0 + fraction / 2.0)),
        None => own,
    }
}

/// A random number in 0..1.
fn random_fraction() -> f64 {
    let random = getrandom::u32().unwrap_or_default();
    f64::from(random) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use kith_core::reason::Reason;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn delays_stay_in_bounds(failed in 0_u32..200, asked in proptest::option::of(0_u64..10_000), fraction in 0.0..1.0) {
            let retry = Retry::default();
            let asked = asked.map(Duration::from_millis);
            let delay = delay(retry, failed, asked, fraction);
            prop_assert!(delay >= asked.unwrap_or_default());
            prop_assert!(delay <= retry.delay_max.max(asked.unwrap_or_default().mul_f64(1.5)));
            prop_assert!(delay >= retry.delay_first / 2);
        }
    }

    #[test]
    fn delays_double_up_to_the_longest() {
        let retry = Retry::default();
        let delays: Vec<_> = (0..8).map(|failed| delay(retry, failed, None, 0.0).as_millis()).collect();
        assert_eq!(delays, [50, 100, 200, 400, 800, 1_600, 2_000, 2_000]);
    }

    #[test]
    fn only_what_is_safe_is_repeated_and_only_so_often() {
        let mut backoff = Backoff::new(Retry { attempts_max: 3, ..Retry::default() });
        let lost = Error::new(Kind::Unreachable, "");
        assert!(backoff.after(&lost, Repeat::Safe).is_some());
        assert!(backoff.after(&lost, Repeat::Safe).is_some());
        assert_eq!(backoff.after(&lost, Repeat::Safe), None);
        backoff.reset();
        assert!(backoff.after(&lost, Repeat::Safe).is_some());
        backoff.reset();
        assert_eq!(backoff.after(&lost, Repeat::Unsafe), None);
        backoff.reset();
        let busy = Error::new(Kind::Refused(Reason::LogBusy), "");
        assert!(backoff.after(&busy, Repeat::Unsafe).is_some());
        backoff.reset();
        let refused = Error::new(Kind::Refused(Reason::EventInvalid), "");
        assert_eq!(backoff.after(&refused, Repeat::Safe), None);
    }
}
