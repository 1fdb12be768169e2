//! Dates as people write them: `yesterday`, `3 days ago`, `last monday`, `2026-03-04`, RFC 3339. Days are UTC days.
//!
//! The current time is always an argument.

use jiff::{SignedDuration, Span, civil::Date, civil::DateTime, civil::Weekday, tz::TimeZone};
use kith_core::timestamp::{DAY_MS, Timestamp};

/// How far ahead of this clock a time may lie: another clock may be a little fast.
const AHEAD_MS_MAX: i64 = 60_000;

/// A day, or a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A UTC day, as days since 1970-01-01.
    Day(i32),
    /// A point in time.
    Instant(Timestamp),
}

impl Moment {
    /// The point itself, or the first of the day.
    pub(crate) fn start(self) -> Timestamp {
        match self {
            Self::Day(day) => Timestamp::from_millis(i64::from(day) * DAY_MS),
            Self::Instant(time) => time,
        }
    }

    /// The point itself, or the last of the day.
    pub(crate) fn end(self) -> Timestamp {
        match self {
            Self::Day(day) => Timestamp::end_of_day(day),
            Self::Instant(time) => time,
        }
    }

    /// The UTC day, as days since 1970-01-01.
    pub(crate) fn day(self) -> i32 {
        match self {
            Self::Day(day) => day,
            Self::Instant(time) => time.day(),
        }
    }
}

/// Reads a date that is not in the future, seen from now: the form for command line arguments.
pub(crate) fn parse_past_now(text: &str) -> Result<Moment, String> {
    parse_past(text, kith_client::now())
}

/// Reads a date that is not in the future.
pub(crate) fn parse_past(text: &str, now: Timestamp) -> Result<Moment, String> {
    let moment = parse(text, now)?;
    if moment.start().millis() > now.millis() + AHEAD_MS_MAX {
        return Err(format!("{text} lies in the future"));
    }
    Ok(moment)
}

/// Reads a date.
fn parse(text: &str, now: Timestamp) -> Result<Moment, String> {
    let lower = text.trim().to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let today = date_of(now);
    let moment = match words.as_slice() {
        ["now"] => Some(Moment::Instant(now)),
        ["today"] => Some(day_of(today)),
        ["yesterday"] => back(today, 1, "day"),
        ["last", unit @ ("week" | "month" | "year")] => back(today, 1, unit),
        ["last", name] | [name] if weekday(name).is_some() => weekday(name).map(|day| day_of(last(day, today))),
        ["a" | "an", unit, "ago"] => ago(now, 1, unit),
        [count, unit, "ago"] => count.parse().ok().and_then(|count| ago(now, count, unit)),
        _ => None,
    };
    let moment = match moment {
        Some(moment) => moment,
        None => parse_exact(text.trim())?,
    };
    if moment.start() < Timestamp::MIN || moment.start() > Timestamp::MAX {
        return Err(format!("{text} is not between the years 1900 and 9999"));
    }
    Ok(moment)
}

fn parse_exact(text: &str) -> Result<Moment, String> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return instant(text, time);
    }
    if is_date(text)
        && let Ok(date) = text.parse::<Date>()
    {
        return Ok(day_of(date));
    }
    if text.contains(':')
        && let Ok(time) = text.parse::<DateTime>()
        && let Ok(zoned) = time.to_zoned(TimeZone::UTC)
    {
        return instant(text, zoned.timestamp());
    }
    Err(format!("{text} is not a date: try yesterday, 3 days ago, last monday, 2026-03-04 or 2026-03-04T10:30:00Z"))
}

/// Whether text has the form `YYYY-MM-DD`: more would be taken for a date with parts left out.
fn is_date(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

fn instant(text: &str, time: jiff::Timestamp) -> Result<Moment, String> {
    if time.subsec_nanosecond() % 1_000_000 != 0 {
        return Err(format!("{text} has parts of a millisecond"));
    }
    Ok(Moment::Instant(Timestamp::from_millis(time.as_millisecond())))
}

/// A time so long ago. Days and longer units give days, shorter ones points in time.
fn ago(now: Timestamp, count: i64, unit: &str) -> Option<Moment> {
    let unit_ms = match unit.trim_end_matches('s') {
        "second" => 1_000,
        "minute" => 60_000,
        "hour" => 3_600_000,
        longer => return back(date_of(now), count, longer),
    };
    let passed = count.checked_mul(unit_ms)?;
    Some(Moment::Instant(Timestamp::from_millis(now.millis().checked_sub(passed)?)))
}

fn back(today: Date, count: i64, unit: &str) -> Option<Moment> {
    let span = match unit {
        "day" => Span::new().try_days(count),
        "week" => Span::new().try_weeks(count),
        "month" => Span::new().try_months(count),
        "year" => Span::new().try_years(count),
        _ => return None,
    };
    today.checked_sub(span.ok()?).ok().map(day_of)
}

fn weekday(name: &str) -> Option<Weekday> {
    match name {
        "monday" | "mon" => Some(Weekday::Monday),
        "tuesday" | "tue" => Some(Weekday::Tuesday),
        "wednesday" | "wed" => Some(Weekday::Wednesday),
        "thursday" | "thu" => Some(Weekday::Thursday),
        "friday" | "fri" => Some(Weekday::Friday),
        "saturday" | "sat" => Some(Weekday::Saturday),
        "sunday" | "sun" => Some(Weekday::Sunday),
        _ => None,
    }
}

/// The last such weekday before today.
fn last(weekday: Weekday, today: Date) -> Date {
    let days = today.weekday().since(weekday);
    let days = if days == 0 { 7 } else { days };
    today.saturating_sub(Span::new().days(i64::from(days)))
}

fn date_of(time: Timestamp) -> Date {
    to_jiff(time).to_zoned(TimeZone::UTC).date()
}

fn day_of(date: Date) -> Moment {
    let since = date.duration_since(Date::constant(1970, 1, 1));
    Moment::Day(i32::try_from(since.as_hours() / 24).expect("years have four digits"))
}

fn to_jiff(time: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(time.millis()).expect("times lie between the years 1900 and 9999")
}

/// A time as RFC 3339 in UTC.
pub(crate) fn show_time(time: Timestamp) -> String {
    to_jiff(time).to_string()
}

/// Reads a day as [`show_day`] writes it.
pub(crate) fn parse_day(text: &str) -> Result<i32, String> {
    let date: Date = text.parse().map_err(|error| format!("`{text}` is no day: {error}"))?;
    let epoch = Date::constant(1970, 1, 1);
    Ok(date.duration_since(epoch).as_hours().div_euclid(24).try_into().expect("years have four digits"))
}

/// A day, given as days since 1970-01-01, as `YYYY-MM-DD`.
pub(crate) fn show_day(day: i32) -> String {
    Date::constant(1970, 1, 1).saturating_add(Span::new().days(day)).to_string()
}

/// Reads a length of time such as `40s`, `90d` or `1h30m`.
pub(crate) fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    let invalid = || format!("{text} is not a length of time: try 40s, 15m, 12h or 90d");
    let mut rest = text.trim();
    let mut total_ms: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(invalid)?;
        let count: i64 = rest[..digits].parse().map_err(|_| invalid())?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit_ms = unit_ms(&rest[..letters]).ok_or_else(invalid)?;
        rest = &rest[letters..];
        total_ms = count.checked_mul(unit_ms).and_then(|ms| total_ms.checked_add(ms)).ok_or_else(invalid)?;
    }
    if total_ms == 0 {
        return Err(invalid());
    }
    Ok(SignedDuration::from_millis(total_ms))
}

/// Milliseconds in a unit.
pub(crate) fn unit_ms(unit: &str) -> Option<i64> {
    match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" | "min" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(DAY_MS),
        "w" => Some(7 * DAY_MS),
        _ => None,
    }
}

/// Reads when something ends: a length of time from now, or a date.
pub(crate) fn parse_end(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let end = match parse_duration(text) {
        Ok(length) => i64::try_from(length.as_millis()).ok().and_then(|ms| now.millis().checked_add(ms)),
        Err(_) => Some(parse(text, now).map_err(|_| format!("{text} is neither like 90d nor a date"))?.end().millis()),
    };
    let end = end.map(Timestamp::from_millis).filter(|end| *end <= Timestamp::MAX);
    match end {
        Some(end) if end > now => Ok(end),
        Some(_) => Err(format!("{text} lies in the past")),
        None => Err(format!("{text} is too far away")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Wednesday, 2026-03-04T10:30:00Z.
    const NOW: Timestamp = Timestamp::from_millis(1_772_620_200_000);

    fn check(text: &str, expected: &str) {
        let moment = parse_past(text, NOW).unwrap();
        let shown = match moment {
            Moment::Day(day) => show_day(day),
            Moment::Instant(time) => show_time(time),
        };
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn dates_as_people_write_them() {
        check("now", "2026-03-04T10:30:00Z");
        check("today", "2026-03-04");
        check(" Yesterday ", "2026-03-03");
        check("3 days ago", "2026-03-01");
        check("1 day ago", "2026-03-03");
        check("a week ago", "2026-02-25");
        check("2 weeks ago", "2026-02-18");
        check("1 month ago", "2026-02-04");
        check("last year", "2025-03-04");
        check("5 hours ago", "2026-03-04T05:30:00Z");
        check("10 minutes ago", "2026-03-04T10:20:00Z");
        check("last monday", "2026-03-02");
        check("tuesday", "2026-03-03");
        check("last wednesday", "2026-02-25");
        check("2026-03-04", "2026-03-04");
        check("2003-10-01T00:00:00Z", "2003-10-01T00:00:00Z");
        check("2026-03-04T11:30:00+02:00", "2026-03-04T09:30:00Z");
        check("2026-03-04 09:15", "2026-03-04T09:15:00Z");
        check("2026-03-04T09:15:00.250Z", "2026-03-04T09:15:00.25Z");
    }

    #[test]
    fn what_is_no_date_or_not_past_is_refused() {
        let check = |text: &str, part: &str| {
            let message = parse_past(text, NOW).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        };
        check("tomorrow", "not a date");
        check("", "not a date");
        check("2026-02-30", "not a date");
        check("20260304", "not a date");
        check("3 moons ago", "not a date");
        check("99999999999999999 days ago", "not a date");
        check("2026-03-05", "in the future");
        check("2026-03-04T10:32:00Z", "in the future");
        check("1899-12-31", "1900");
        check("2026-03-04T09:15:00.0001Z", "millisecond");
    }

    #[test]
    fn a_clock_that_is_a_little_fast_is_no_future() {
        assert!(parse_past("2026-03-04T10:30:59Z", NOW).is_ok());
    }

    #[test]
    fn a_day_begins_at_midnight_and_ends_before_the_next() {
        let day = parse_past("2026-03-04", NOW).unwrap();
        assert_eq!(show_time(day.start()), "2026-03-04T00:00:00Z");
        assert_eq!(show_time(day.end()), "2026-03-04T23:59:59.999Z");
        assert_eq!(day.day(), NOW.day());
        assert_eq!(parse_past("now", NOW).unwrap().day(), NOW.day());
    }

    #[test]
    fn lengths_and_ends() {
        let check = |text: &str, seconds: i64| {
            assert_eq!(parse_duration(text).unwrap(), SignedDuration::from_secs(seconds), "{text}");
        };
        check("40s", 40);
        check("1h30m", 5_400);
        check("90d", 90 * 86_400);
        check("2w", 14 * 86_400);
        for text in ["", "40", "s", "-5s", "5x", "99999999999999999999s", "0s"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert_eq!(show_time(parse_end("90d", NOW).unwrap()), "2026-06-02T10:30:00Z");
        assert_eq!(show_time(parse_end("2026-12-31", NOW).unwrap()), "2026-12-31T23:59:59.999Z");
        assert!(parse_end("2026-03-01", NOW).unwrap_err().contains("past"));
        assert!(parse_end("soon", NOW).is_err());
        assert!(parse_end("9999999999d", NOW).is_err());
    }

    #[test]
    fn days_read_back_as_they_are_shown() {
        for day in [-20_000, -1, 0, 1, 20_780] {
            assert_eq!(parse_day(&show_day(day)), Ok(day));
        }
        assert!(parse_day("2026-02-30").is_err() && parse_day("yesterday").is_err());
    }

    proptest! {
        #[test]
        fn shown_times_and_days_read_back(millis in Timestamp::MIN.millis()..=Timestamp::MAX.millis()) {
            let time = Timestamp::from_millis(millis);
            prop_assert_eq!(parse(&show_time(time), NOW), Ok(Moment::Instant(time)));
            prop_assert_eq!(parse(&show_day(time.day()), NOW), Ok(Moment::Day(time.day())));
        }

        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,30}") {
            let _ = parse_past(&text, NOW);
            let _ = parse_duration(&text);
            let _ = parse_end(&text, NOW);
        }

        #[test]
        fn counts_never_panic(count in any::<i64>(), unit in "(second|minute|hour|day|week|month|year)s?") {
            let _ = parse_past(&format!("{count} {unit} ago"), NOW);
        }
    }
}
