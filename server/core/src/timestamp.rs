//! Points in time with the precision that the wire allows: whole milliseconds, UTC.

use crate::day::Day;
use std::time::Duration;

/// Milliseconds since 1970-01-01T00:00:00Z, negative before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// Milliseconds in a UTC day (no leap seconds).
pub const DAY_MS: i64 = 86_400_000;

impl Timestamp {
    /// The earliest time at which anything can have happened: 1900-01-01T00:00:00Z.
    pub const MIN: Self = Self(-2_208_988_800_000);
    /// The latest time that can be written: 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// The point `millis` after the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the epoch.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// The time so much later; at most `MAX`.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis)).min(Self::MAX)
    }

    /// How long it is until a later time; nothing if that is over.
    pub fn until(self, later: Self) -> Duration {
        Duration::from_millis(u64::try_from(later.0.saturating_sub(self.0)).unwrap_or_default())
    }

    /// The UTC day it lies in.
    pub fn day(self) -> Day {
        Day::new(i32::try_from(self.0.div_euclid(DAY_MS)).expect("times lie between the years 1900 and 9999"))
    }

    /// The protobuf form.
    pub fn to_proto(self) -> prost_types::Timestamp {
        let nanos = self.0.rem_euclid(1_000) * 1_000_000;
        prost_types::Timestamp {
            seconds: self.0.div_euclid(1_000),
            nanos: i32::try_from(nanos).expect("below a second"),
        }
    }

    /// Reads the protobuf form; `None` outside `MIN..=MAX` or with parts of a millisecond.
    pub fn from_proto(proto: &prost_types::Timestamp) -> Option<Self> {
        let nanos = i64::from(proto.nanos);
        if !(0..1_000_000_000).contains(&nanos) || nanos % 1_000_000 != 0 {
            return None;
        }
        let millis = proto.seconds.checked_mul(1_000)?.checked_add(nanos / 1_000_000)?;
        let time = Self(millis);
        (Self::MIN..=Self::MAX).contains(&time).then_some(time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn proto_form_reads_back(millis in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let time = Timestamp::from_millis(millis);
            prop_assert_eq!(Timestamp::from_proto(&time.to_proto()), Some(time));
        }
    }

    #[test]
    fn parts_of_a_millisecond_and_far_years_are_refused() {
        let of = |seconds, nanos| Timestamp::from_proto(&prost_types::Timestamp { seconds, nanos });
        assert_eq!(of(0, 1), None);
        assert_eq!(of(0, -1_000_000), None);
        assert_eq!(of(i64::MAX, 0), None);
        assert_eq!(of(253_402_300_800, 0), None);
        assert_eq!(of(0, 1_000_000), Some(Timestamp(1)));
    }
}
