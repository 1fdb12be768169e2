//! Warns when a log's recording times are ahead of the clock: they stand still then, and dates mean little.

use kith_core::{limits::CLOCK_BEHIND_MS_MAX, timestamp::Timestamp};
use kith_json::time_text;

/// The warning, if times are ahead.
pub(crate) fn standstill(last_recorded_at: Option<Timestamp>, now: Timestamp) -> Option<String> {
    let last = last_recorded_at.filter(|last| last.millis() > now.millis().saturating_add(CLOCK_BEHIND_MS_MAX))?;
    Some(format!(
        "times of acceptance stand still at {} until the clock reaches it: the server's clock ran ahead once, or this \
         computer's is behind",
        time_text(last)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_ahead_is_nothing_to_speak_of() {
        let at = |millis| Some(Timestamp::from_millis(millis));
        let now = Timestamp::from_millis(0);
        assert_eq!(standstill(None, now), None);
        assert_eq!(standstill(at(60_000), now), None);
        assert!(standstill(at(60_001), now).unwrap().contains("1970-01-01T00:01:00"));
    }
}
