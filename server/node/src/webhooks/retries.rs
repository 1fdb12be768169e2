//! When a try is repeated that failed.

use crate::{
    limits::{WEBHOOK_DOWN_WAITS, WEBHOOK_REFUSED_WAITS, WEBHOOK_RETRY_AFTER_MAX},
    random::random,
};
use std::time::Duration;

/// How long to wait after so many tries in a row, counting the last one, that found the receiver down: as long as it asks
/// for if that is longer. `None` if it is not tried again.
pub(crate) fn after_down(tries: u32, asked: Option<Duration>) -> Option<Duration> {
    waits(tries, asked, f64::from(u32::from_be_bytes(random())) / f64::from(u32::MAX))
}

/// The same; `fraction` is in 0..=1.
fn waits(tries: u32, asked: Option<Duration>, fraction: f64) -> Option<Duration> {
    let own = WEBHOOK_DOWN_WAITS.get(tries.checked_sub(1)? as usize)?.mul_f64(0.8 + 0.4 * fraction);
    Some(own.max(asked.unwrap_or_default().min(WEBHOOK_RETRY_AFTER_MAX)))
}

/// How long to wait after so many tries that were refused; `None` if the event is given up.
pub(crate) fn after_refused(tries: u32) -> Option<Duration> {
    WEBHOOK_REFUSED_WAITS.get(tries.checked_sub(1)? as usize).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_that_is_down_is_tried_for_three_days_and_longer_if_it_asks_for_that() {
        assert_eq!(waits(1, None, 0.5), Some(Duration::from_secs(5)));
        assert_eq!(waits(1, None, 0.0), Some(Duration::from_secs(4)));
        assert_eq!(waits(2, None, 1.0), Some(Duration::from_mins(6)));
        let minute = Some(Duration::from_mins(1));
        assert_eq!(waits(1, minute, 0.5), minute);
        assert_eq!(waits(2, minute, 0.5), Some(Duration::from_mins(5)), "it is never asked more often");
        assert_eq!(waits(1, Some(Duration::from_hours(99)), 0.5), Some(Duration::from_hours(24)));
        let all: Duration = (1..).map_while(|tries| waits(tries, None, 0.5)).sum();
        assert_eq!(all.as_secs() / 3600, 75);
        assert_eq!(waits(10, minute, 0.5), None);
        for _ in 0..100 {
            let wait = after_down(1, None).unwrap();
            assert!((4.0..=6.0).contains(&wait.as_secs_f64()), "{wait:?}");
        }
    }

    #[test]
    fn an_event_that_is_refused_is_tried_three_times_within_a_minute() {
        let all: Vec<_> = (1..).map_while(after_refused).collect();
        assert_eq!(all.len(), 2);
        assert!(all.iter().sum::<Duration>() < Duration::from_mins(1));
    }
}
