//! Times and days as text: RFC 3339 in UTC, and `YYYY-MM-DD`.

use jiff::{Span, civil::Date};
use kith_core::{day::Day, timestamp::Timestamp};

/// The day that days are counted from.
const EPOCH: Date = Date::constant(1970, 1, 1);

/// The error for text that is not a day.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a day: {error}")]
pub struct NotDay {
    text: String,
    error: jiff::Error,
}

/// A time as RFC 3339 in UTC.
pub fn time_text(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_millisecond(time.millis());
    time.expect("times lie between the years 1900 and 9999").to_string()
}

/// Reads RFC 3339, in any zone; `None` if it is something else. Other systems write microseconds: fractions of a
/// millisecond are cut off.
pub fn read_time(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|time| whole_millis(time.as_nanosecond()))
}

/// The time this many nanoseconds after 1970-01-01, rounded down to a millisecond so that it is never later.
pub fn whole_millis(nanos: i128) -> Timestamp {
    let millis = i64::try_from(nanos.div_euclid(1_000_000));
    Timestamp::from_millis(millis.expect("nanoseconds of the years to 9999 are far fewer"))
}

/// A day as `YYYY-MM-DD`.
pub fn day_text(day: Day) -> String {
    EPOCH.saturating_add(Span::new().days(day.number())).to_string()
}

/// Reads a day as [`day_text`] writes it.
pub fn read_day(text: &str) -> Result<Day, NotDay> {
    let date: Date = text.parse().map_err(|error| NotDay { text: text.to_owned(), error })?;
    let days = date.duration_since(EPOCH).as_hours().div_euclid(24);
    Ok(Day::new(days.try_into().expect("years have four digits")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn days_read_back_as_they_are_written() {
        for day in [-20_000, -1, 0, 1, 20_780].map(Day::new) {
            assert_eq!(read_day(&day_text(day)).unwrap(), day);
        }
        assert!(read_day("2026-02-30").is_err() && read_day("yesterday").is_err());
    }

    #[test]
    fn times_of_other_systems_are_taken_in_whole_milliseconds() {
        let whole = read_time("2026-03-04T10:00:00.123Z");
        assert_eq!(read_time("2026-03-04T10:00:00.123456+00:00"), whole);
        assert_eq!(read_time("2026-03-04T11:00:00.123999999+01:00"), whole, "never later than it was");
        assert_eq!(read_time("1969-12-31T23:59:59.9999Z"), Some(Timestamp::from_millis(-1)));
        assert_eq!(read_time("yesterday"), None);
    }

    proptest! {
        #[test]
        fn times_read_back_as_they_are_written(millis in Timestamp::MIN.millis()..=Timestamp::MAX.millis()) {
            let time = Timestamp::from_millis(millis);
            prop_assert_eq!(read_time(&time_text(time)), Some(time));
        }
    }
}
