//! Dates as people write them: `yesterday`, `3 days ago`, `last monday`, `2026-03-04`, RFC 3339.
//!
//! Days and times without a zone are in the user's zone, except days of views, which are UTC for everybody. The current
//! time, between the years 1900 and 9999, and the zone are always arguments; `tests/fixtures/dates.json` lists the
//! results. Unreadable text is refused with a message for its author.

use crate::{day_text, read_time, whole_millis};
use jiff::{SignedDuration, Span, civil::Date, civil::DateTime, civil::Weekday, civil::time, tz::TimeZone};
use kith_core::{
    day::Day,
    limits::FUTURE_MS_MAX_DEFAULT,
    timestamp::{DAY_MS, Timestamp},
};

/// A parsed date: a day or a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    Day(Date),
    Instant(Timestamp),
}

/// Reads when something happened, by default in the user's zone. A day means its noon there, or now if noon is in the
/// future, so that it is the same date in most zones.
pub fn parse_on(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let on = match parse_past(text, now, zone)? {
        Moment::Day(date) => clock_time(date.to_datetime(time(12, 0, 0, 0)), zone)?.min(now),
        Moment::Instant(time) => time,
    };
    in_range(text, on)
}

/// Reads the start of a period, by default in the user's zone. A day means its first moment there.
pub fn parse_since(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let since = match parse_past(text, now, zone)? {
        Moment::Day(date) => clock_time(date.to_datetime(time(0, 0, 0, 0)), zone)?,
        Moment::Instant(time) => time,
    };
    in_range(text, since)
}

/// Reads a day of views: a UTC day, or the UTC day of a point in time.
pub fn parse_view_day(text: &str, now: Timestamp) -> Result<Day, String> {
    let moment = parse(text, now, &TimeZone::UTC)?;
    let start = clock_start(moment)?;
    if start.millis() > now.millis() + FUTURE_MS_MAX_DEFAULT {
        let today = day_text(now.day());
        return Err(format!("{text} lies in the future: days of views are days in UTC, where it is {today}"));
    }
    in_range(text, start).map(Timestamp::day)
}

/// Reads until when something was known: the end of a UTC day, or a point in time.
pub fn parse_known(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let day = parse_view_day(text, now)?;
    match parse(text, now, &TimeZone::UTC)? {
        Moment::Day(_) => Ok(day.end()),
        Moment::Instant(time) => Ok(time),
    }
}

/// Reads a date that is not in the future.
fn parse_past(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Moment, String> {
    let moment = parse(text, now, zone)?;
    let lies_ahead = match moment {
        Moment::Day(date) => date > date_of(now, zone),
        Moment::Instant(time) => time.millis() > now.millis() + FUTURE_MS_MAX_DEFAULT,
    };
    if lies_ahead { Err(format!("{text} lies in the future")) } else { Ok(moment) }
}

/// Reads a date.
fn parse(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Moment, String> {
    let lower = text.trim().to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let today = date_of(now, zone);
    let moment = match words.as_slice() {
        ["now"] => Some(Moment::Instant(now)),
        ["today"] => Some(Moment::Day(today)),
        ["yesterday"] => back(today, 1, "day"),
        ["last", unit @ ("week" | "month" | "year")] => back(today, 1, unit),
        ["last", name] | [name] if weekday(name).is_some() => weekday(name).map(|day| Moment::Day(last(day, today))),
        ["a" | "an", unit, "ago"] => ago(now, today, 1, unit),
        [count, unit, "ago"] => count.parse().ok().and_then(|count| ago(now, today, count, unit)),
        _ => None,
    };
    let moment = match moment {
        Some(moment) => moment,
        None => parse_exact(text.trim(), zone)?,
    };
    in_range(text, clock_start(moment)?).map(|_| moment)
}

fn in_range(text: &str, time: Timestamp) -> Result<Timestamp, String> {
    if !(Timestamp::MIN..=Timestamp::MAX).contains(&time) {
        return Err(format!("{text} is not between the years 1900 and 9999"));
    }
    Ok(time)
}

/// The point itself, or the start of the UTC day.
fn clock_start(moment: Moment) -> Result<Timestamp, String> {
    match moment {
        Moment::Day(date) => clock_time(date.to_datetime(time(0, 0, 0, 0)), &TimeZone::UTC),
        Moment::Instant(time) => Ok(time),
    }
}

/// The point in time at which clocks in a zone show this. The first of two such points; if clocks skip it, as if they
/// had not been put forward yet.
fn clock_time(shown: DateTime, zone: &TimeZone) -> Result<Timestamp, String> {
    let zoned = shown.to_zoned(zone.clone()).map_err(|_| format!("{shown} is not between the years 1900 and 9999"))?;
    Ok(whole_millis(zoned.timestamp().as_nanosecond()))
}

fn parse_exact(text: &str, zone: &TimeZone) -> Result<Moment, String> {
    if let Some(time) = read_time(text) {
        return Ok(Moment::Instant(time));
    }
    if is_date(text)
        && let Ok(date) = text.parse::<Date>()
    {
        return Ok(Moment::Day(date));
    }
    if text.contains(':')
        && let Ok(shown) = text.parse::<DateTime>()
    {
        return clock_time(shown, zone).map(Moment::Instant);
    }
    Err(format!("{text} is not a date: try yesterday, 3 days ago, last monday, 2026-03-04 or 2026-03-04T10:30:00Z"))
}

/// Whether text has the form `YYYY-MM-DD`: longer text would be read as a date with parts omitted.
fn is_date(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
}

/// The time `count` units ago. Days and longer units give days, shorter ones points in time.
fn ago(now: Timestamp, today: Date, count: i64, unit: &str) -> Option<Moment> {
    let unit_ms = match unit.trim_end_matches('s') {
        "second" => 1_000,
        "minute" => 60_000,
        "hour" => 3_600_000,
        longer => return back(today, count, longer),
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
    today.checked_sub(span.ok()?).ok().map(Moment::Day)
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

fn date_of(time: Timestamp, zone: &TimeZone) -> Date {
    to_jiff(time).to_zoned(zone.clone()).date()
}

fn to_jiff(time: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(time.millis()).expect("times lie between the years 1900 and 9999")
}

/// Reads a length of time such as `40s`, `90d` or `1h30m`.
pub fn parse_duration(text: &str) -> Result<SignedDuration, String> {
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

/// A length of time as [`parse_duration`] reads it, such as `30d` or `1h30m`.
pub fn duration_text(length: SignedDuration) -> String {
    let mut left_ms = length.as_millis();
    let mut text = String::new();
    for unit in ["d", "h", "m", "s", "ms"] {
        let unit_ms = unit_ms(unit).map_or(1, i128::from);
        if left_ms >= unit_ms {
            text.push_str(&(left_ms / unit_ms).to_string());
            text.push_str(unit);
            left_ms %= unit_ms;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Milliseconds in a unit.
pub fn unit_ms(unit: &str) -> Option<i64> {
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

/// Reads when something ends: a length of time from now, or a date. A day without a zone ends at its end in the user's
/// zone.
pub fn parse_end(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let end = match parse_duration(text) {
        Ok(length) => i64::try_from(length.as_millis()).ok().and_then(|ms| now.millis().checked_add(ms)),
        Err(_) => match parse(text, now, zone).map_err(|_| format!("{text} is neither like 90d nor a date"))? {
            Moment::Day(date) => Some(clock_time(date.to_datetime(time(23, 59, 59, 999_000_000)), zone)?.millis()),
            Moment::Instant(time) => Some(time.millis()),
        },
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
    use crate::time_text;
    use proptest::prelude::*;

    /// Wednesday, 2026-03-04T10:30:00Z.
    const NOW: Timestamp = Timestamp::from_millis(1_772_620_200_000);

    /// What people type, where and when, and what it means: for every language that reads dates.
    const DATES: &str = include_str!("../../../tests/fixtures/dates.json");

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Case {
        text: String,
        zone: String,
        now: String,
        /// When something happened; missing if it is refused.
        on: Option<String>,
        /// The first moment of the period.
        since: Option<String>,
        /// The day of views.
        day: Option<String>,
    }

    fn time_of(text: &str) -> Timestamp {
        read_time(text).unwrap()
    }

    #[test]
    fn dates_mean_what_the_fixture_says() {
        let cases: Vec<Case> = serde_json::from_str(DATES).unwrap();
        assert!(cases.len() > 40);
        for case in cases {
            let zone = TimeZone::get(&case.zone).unwrap();
            let (text, now) = (case.text.as_str(), time_of(&case.now));
            let shown = |found: Result<Timestamp, String>| found.ok().map(time_text);
            let found = (
                shown(parse_on(text, now, &zone)),
                shown(parse_since(text, now, &zone)),
                parse_view_day(text, now).ok().map(day_text),
            );
            assert_eq!(found, (case.on, case.since, case.day), "{text:?} in {} at {}", case.zone, case.now);
        }
    }

    fn check(text: &str, expected: &str) {
        let moment = parse_past(text, NOW, &TimeZone::UTC).unwrap();
        let shown = match moment {
            Moment::Day(date) => date.to_string(),
            Moment::Instant(time) => time_text(time),
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
        check("2026-03-04T09:15:00.250999Z", "2026-03-04T09:15:00.25Z");
    }

    #[test]
    fn what_is_no_date_or_not_past_is_refused() {
        let check = |text: &str, part: &str| {
            let message = parse_on(text, NOW, &TimeZone::UTC).unwrap_err();
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
    }

    #[test]
    fn a_day_that_views_have_not_come_to_is_said_to_be_a_utc_day() {
        let message = parse_view_day("2026-03-05", NOW).unwrap_err();
        assert!(message.contains("UTC, where it is 2026-03-04"), "{message}");
    }

    #[test]
    fn a_clock_that_is_a_little_fast_is_no_future() {
        assert!(parse_on("2026-03-04T10:30:59Z", NOW, &TimeZone::UTC).is_ok());
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
        for (length, text) in [("720h", "30d"), ("2w", "14d"), ("90m", "1h30m"), ("40s", "40s"), ("1500ms", "1s500ms")]
        {
            assert_eq!(duration_text(parse_duration(length).unwrap()), text);
        }
        let end = |text: &str, zone: &TimeZone| parse_end(text, NOW, zone);
        assert_eq!(time_text(end("90d", &TimeZone::UTC).unwrap()), "2026-06-02T10:30:00Z");
        assert_eq!(time_text(end("2026-12-31", &TimeZone::UTC).unwrap()), "2026-12-31T23:59:59.999Z");
        let auckland = TimeZone::get("Pacific/Auckland").unwrap();
        assert_eq!(time_text(end("2026-12-31", &auckland).unwrap()), "2026-12-31T10:59:59.999Z");
        assert!(end("2026-03-01", &TimeZone::UTC).unwrap_err().contains("past"));
        assert!(end("soon", &TimeZone::UTC).is_err());
        assert!(end("9999999999d", &TimeZone::UTC).is_err());
    }

    proptest! {
        #[test]
        fn shown_times_and_days_read_back(millis in Timestamp::MIN.millis()..=Timestamp::MAX.millis()) {
            // Where it is the last representable day in some zone, dates cannot be computed.
            let (time, last) = (Timestamp::from_millis(millis), Timestamp::from_millis(Timestamp::MAX.millis() - 3 * DAY_MS));
            prop_assert_eq!(parse(&time_text(time), NOW, &TimeZone::UTC), Ok(Moment::Instant(time)));
            if time < last {
                prop_assert_eq!(parse_view_day(&day_text(time.day()), last), Ok(time.day()));
            }
        }

        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,30}") {
            let _ = parse_on(&text, NOW, &TimeZone::UTC);
            let _ = parse_view_day(&text, NOW);
            let _ = parse_duration(&text);
            let _ = parse_end(&text, NOW, &TimeZone::UTC);
        }

        #[test]
        fn shown_lengths_read_back(millis in 1..i64::MAX) {
            let length = SignedDuration::from_millis(millis);
            prop_assert_eq!(parse_duration(&duration_text(length)), Ok(length));
        }

        #[test]
        fn counts_never_panic(count in any::<i64>(), unit in "(second|minute|hour|day|week|month|year)s?") {
            let _ = parse_on(&format!("{count} {unit} ago"), NOW, &TimeZone::UTC);
        }
    }
}
