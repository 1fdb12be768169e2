//! Parses dates and times as typed, relative to now and in the user's time zone.

use jiff::tz::TimeZone;
use kith_client::now;
use kith_core::{day::Day, timestamp::Timestamp};
use kith_json::dates;

/// The user's time zone: `TZ`, else that of the computer, else UTC.
fn zone_here() -> Result<TimeZone, String> {
    let named = std::env::var_os("TZ").is_some_and(|name| !name.is_empty());
    match TimeZone::try_system() {
        Ok(zone) => Ok(zone),
        Err(_) if !named => Ok(TimeZone::UTC),
        Err(error) => Err(format!("TZ names no time zone that is known here: {error}")),
    }
}

/// The name of the user's time zone; `None` if it has none.
pub(crate) fn zone_name_here() -> Option<String> {
    zone_here().ok()?.iana_name().map(str::to_owned)
}

/// Parses when something happened.
pub(crate) fn parse_on_now(text: &str) -> Result<Timestamp, String> {
    dates::parse_on(text, now(), &zone_here()?)
}

/// Parses a start time.
pub(crate) fn parse_since_now(text: &str) -> Result<Timestamp, String> {
    dates::parse_since(text, now(), &zone_here()?)
}

/// Parses a day of views.
pub(crate) fn parse_view_day_now(text: &str) -> Result<Day, String> {
    dates::parse_view_day(text, now())
}

/// Parses the time up to which something was known.
pub(crate) fn parse_known_now(text: &str) -> Result<Timestamp, String> {
    dates::parse_known(text, now())
}

/// Parses a list's time zero, in UTC: it is part of the list, which must mean the same wherever it is imported.
pub(crate) fn parse_epoch_now(text: &str) -> Result<Timestamp, String> {
    dates::parse_since(text, now(), &TimeZone::UTC)
}

/// Parses when something ends.
pub(crate) fn parse_end_now(text: &str) -> Result<Timestamp, String> {
    dates::parse_end(text, now(), &zone_here()?)
}
