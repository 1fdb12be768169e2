//! Detects that the machine's clock is behind a log: times of recording then stay the same, because they never
//! decrease.

use kith_core::{id::NetworkName, limits, timestamp::Timestamp};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the clock was behind the log at the last check.
#[derive(Default)]
pub(crate) struct ClockWatch(AtomicBool);

/// How far a clock is behind a log's last entry, in milliseconds; 0 if it is not, or if the difference is negligible.
pub fn clock_behind_ms(last_recorded_at: Option<Timestamp>, clock: Timestamp) -> i64 {
    let behind = last_recorded_at.map_or(0, |last| last.millis().saturating_sub(clock.millis()));
    if behind > limits::CLOCK_BEHIND_MS_MAX { behind } else { 0 }
}

impl ClockWatch {
    /// Compares the clock with the last entry; warns when it first falls behind.
    pub(crate) fn look(&self, network: &NetworkName, last_recorded_at: Option<Timestamp>, clock: Timestamp) {
        let behind_ms = clock_behind_ms(last_recorded_at, clock);
        let was_behind = self.0.swap(behind_ms > 0, Ordering::Relaxed);
        if behind_ms > 0 && !was_behind {
            tracing::warn!(
                %network,
                behind_s = behind_ms / 1_000,
                "the clock is behind the last entry: times of recording stay the same until it catches up"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_a_little_behind_is_nobody_s_concern() {
        let check = |last: Option<i64>, clock: i64, expected: i64| {
            let last = last.map(Timestamp::from_millis);
            assert_eq!(clock_behind_ms(last, Timestamp::from_millis(clock)), expected);
        };
        check(None, 0, 0);
        check(Some(60_000), 0, 0);
        check(Some(60_001), 0, 60_001);
        check(Some(0), 60_001, 0);
    }
}
