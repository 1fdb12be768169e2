//! Days in UTC: what rows are as of, and hold as values.

use crate::timestamp::{DAY_MS, Timestamp};

/// A UTC day, counted from 1970-01-01, which is 0; negative before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

impl Day {
    /// The day with this number.
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// Days since 1970-01-01.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Its middle.
    pub fn noon(self) -> Timestamp {
        Timestamp::from_millis(i64::from(self.0) * DAY_MS + DAY_MS / 2)
    }

    /// Its last millisecond.
    pub fn end(self) -> Timestamp {
        Timestamp::from_millis((i64::from(self.0) + 1) * DAY_MS - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_time_lies_within_its_day(millis in Timestamp::MIN.millis()..=Timestamp::MAX.millis()) {
            let time = Timestamp::from_millis(millis);
            let day = time.day();
            prop_assert!(time <= day.end());
            prop_assert!(time > Day::new(day.number() - 1).end());
            prop_assert_eq!((day.noon().day(), day.end().day()), (day, day));
        }
    }
}
