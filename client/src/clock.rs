//! The client's clock: the one place that reads the time of day.

use kith_core::timestamp::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// The time of day, in whole milliseconds.
#[allow(clippy::disallowed_methods, reason = "this is the client's edge; everything else takes the time as a value")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)).min(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_from_this_century() {
        let first = now();
        assert!(first > Timestamp::from_millis(1_600_000_000_000));
        assert!(now() >= first);
    }
}
