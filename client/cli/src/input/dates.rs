//! Dates and times as they are typed: read as of now, in the zone of whoever types.

use jiff::tz::TimeZone;
use kith_client::now;
use kith_core::{day::Day, timestamp::Timestamp};
use kith_json::dates;

/// The zone of whoever types: `TZ`, else that of the computer. Where the computer has none it is UTC.
fn zone_here() -> Result<TimeZone, String> {
    let named = std::env::var_os("TZ").is_some_and(|name| !name.is_empty());
    match TimeZone::try_system() {
        Ok(zone) => Ok(zone),
        Err(_) if !named => Ok(TimeZone::UTC),
        Err(error) => Err(format!("TZ names no time zone that is known here: {error}")),
    }
}

/// Reads when something happened.
pub(crate) fn parse_on_now(text: &str) -> Result<Timestamp, String> {
    dates::parse_on(text, now(), &zone_here()?)
}

/// Reads since when.
pub(crate) fn parse_since_now(text: &str) -> Result<Timestamp, String> {
    dates::parse_since(text, now(), &zone_here()?)
}

/// Reads a day of views.
pub(crate) fn parse_view_day_now(text: &str) -> Result<Day, String> {
    dates::parse_view_day(text, now())
}

/// Reads up to when something was known.
pub(crate) fn parse_known_now(text: &str) -> Result<Timestamp, String> {
    dates::parse_known(text, now())
}

/// Reads a list's time zero, in UTC: it is part of the list, which means the same wherever it is imported.
pub(crate) fn parse_epoch_now(text: &str) -> Result<Timestamp, String> {
    dates::parse_since(text, now(), &TimeZone::UTC)
}

/// Reads when something ends.
pub(crate) fn parse_end_now(text: &str) -> Result<Timestamp, String> {
    dates::parse_end(text, now(), &zone_here()?)
}
