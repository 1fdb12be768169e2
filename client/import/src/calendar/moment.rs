//! Dates and times of a calendar, and the zones that they are in.

use calcard::{
    common::{PartialDateTime, timezone::Tz},
    icalendar::ICalendarEntry,
};
use jiff::{
    SignedDuration,
    civil::{Date, DateTime},
};
use kith_core::timestamp::Timestamp;
use std::{collections::HashMap, str::FromStr};

/// Years of dates that are read.
const YEARS: std::ops::RangeInclusive<u16> = 1900..=2200;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A time zone by its name: that of the IANA or of Windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(Tz);

impl Zone {
    pub(super) const UTC: Self = Self(Tz::UTC);

    /// The zone that all others are counted from.
    pub fn utc() -> Self {
        Self::UTC
    }

    /// Its name; `None` if it has none.
    pub fn name(self) -> Option<String> {
        self.0.name().map(std::borrow::Cow::into_owned)
    }

    pub(super) fn of(zone: Tz) -> Self {
        Self(zone)
    }

    /// When the clocks of a zone show a time; the first time, where they show it twice. Where they skip it, it is as
    /// long after the time before as it would be without the change (RFC 5545, 3.3.5).
    pub(super) fn time_of(self, local: DateTime) -> Option<Timestamp> {
        let seconds = |local: DateTime| Some(partial(local)?.to_date_time_with_tz(self.0)?.timestamp());
        let day_before = || seconds(local.checked_sub(DAY).ok()?)?.checked_add(DAY.as_secs());
        let seconds = seconds(local).or_else(day_before)?;
        seconds.checked_mul(1_000).map(Timestamp::from_millis)
    }
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unknown = || format!("{text:?} is no time zone: zones are such as Europe/Berlin, or UTC");
        let zone = Tz::from_str(text).ok().filter(|zone| !zone.is_floating());
        zone.map(Self).ok_or_else(unknown)
    }
}

fn partial(local: DateTime) -> Option<PartialDateTime> {
    Some(PartialDateTime {
        year: Some(local.year().try_into().ok()?),
        month: Some(local.month().try_into().ok()?),
        day: Some(local.day().try_into().ok()?),
        hour: Some(local.hour().try_into().ok()?),
        minute: Some(local.minute().try_into().ok()?),
        second: Some(local.second().try_into().ok()?),
        ..PartialDateTime::default()
    })
}

/// A time without a zone, for the parser.
pub(super) fn floating(local: DateTime) -> Option<PartialDateTime> {
    partial(local)
}

/// The zones of a calendar, and the one of times without a zone, or in an unknown one.
pub(super) struct Zones<'z> {
    pub(super) named: &'z HashMap<String, Zone>,
    pub(super) default: Zone,
}

impl Zones<'_> {
    /// The zone with a name; `None` if it is unknown.
    fn find(&self, name: &str) -> Option<Zone> {
        self.named.get(name).copied().or_else(|| name.parse().ok())
    }
}

/// Why a date or time was put into the zone of times without one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Assumed {
    /// It has none.
    pub(super) floating: bool,
    /// Names of zones that are unknown.
    pub(super) unknown: Vec<String>,
}

/// A date or time as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// What a clock shows; midnight of a date.
    pub(super) local: DateTime,
    pub(super) zone: Zone,
    /// Whether it is a time and not only a date.
    pub(super) has_time: bool,
}

impl Moment {
    /// Reads a value of a property, in the property's zone.
    pub(super) fn read(
        value: &PartialDateTime,
        entry: &ICalendarEntry,
        zones: &Zones<'_>,
        assumed: &mut Assumed,
    ) -> Option<Self> {
        let year = value.year.filter(|year| YEARS.contains(year))?;
        let small = |number: u8| i8::try_from(number).ok();
        let date = Date::new(i16::try_from(year).ok()?, small(value.month?)?, small(value.day?)?).ok()?;
        let Some(hour) = value.hour else {
            return Some(Self { local: date.at(0, 0, 0, 0), zone: zones.default, has_time: false });
        };
        // A leap second is shown as the one before.
        let second = value.second.unwrap_or(0).min(59);
        let time = jiff::civil::Time::new(small(hour)?, small(value.minute?)?, small(second)?, 0).ok()?;
        let local = date.to_datetime(time);
        if let Some(hours) = value.tz_hour {
            let minutes = i64::from(hours) * 60 + i64::from(value.tz_minute.unwrap_or(0));
            let offset = SignedDuration::from_mins(if value.tz_minus { minutes } else { -minutes });
            return Some(Self { local: local.checked_add(offset).ok()?, zone: Zone::UTC, has_time: true });
        }
        let zone = if let Some(name) = entry.tz_id() {
            zones.find(name).unwrap_or_else(|| {
                assumed.unknown.push(name.to_owned());
                zones.default
            })
        } else {
            assumed.floating = true;
            zones.default
        };
        Some(Self { local, zone, has_time: true })
    }

    /// When it is.
    pub(super) fn time(self) -> Option<Timestamp> {
        self.zone.time_of(self.local)
    }

    /// Noon of a date: the day is right in most zones.
    pub(super) fn noon(self) -> Option<Timestamp> {
        self.zone.time_of(self.local.date().at(12, 0, 0, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn clocks_that_change_have_one_time_for_each_local_time() {
        let check = |zone: &str, local: DateTime, expected: &str| {
            let found = zone.parse::<Zone>().unwrap().time_of(local).unwrap();
            assert_eq!(kith_json::time_text(found), expected, "{zone} {local}");
        };
        check("Europe/Berlin", date(2026, 3, 28).at(9, 0, 0, 0), "2026-03-28T08:00:00Z");
        check("Europe/Berlin", date(2026, 3, 29).at(9, 0, 0, 0), "2026-03-29T07:00:00Z");
        check("W. Europe Standard Time", date(2026, 3, 29).at(9, 0, 0, 0), "2026-03-29T07:00:00Z");
        // Skipped, and shown twice.
        check("Europe/Berlin", date(2026, 3, 29).at(2, 30, 0, 0), "2026-03-29T01:30:00Z");
        check("Europe/Berlin", date(2026, 10, 25).at(2, 30, 0, 0), "2026-10-25T00:30:00Z");
        check("UTC", date(2026, 3, 29).at(2, 30, 0, 0), "2026-03-29T02:30:00Z");
    }

    #[test]
    fn names_of_nothing_are_no_zones() {
        for text in ["", "Narnia/Cair", "floating", "+0", "\0"] {
            assert!(text.parse::<Zone>().is_err(), "{text:?}");
        }
        assert_eq!("Europe/Berlin".parse(), Ok(Zone::of(Tz::from_str("Europe/Berlin").unwrap())));
    }
}
