//! Divides a calendar into its events and zones, line by line.
//!
//! Only the properties that are needed are kept; descriptions, attachments and alarms are never parsed.

use super::moment::Zone;
use crate::{
    limits::{CALENDAR_EVENTS_MAX, CARD_BYTES_MAX, PROPERTIES_MAX, PROPERTY_BYTES_MAX},
    lines::Lines,
    spot::Spot,
};
use calcard::icalendar::ICalendar;
use std::collections::HashMap;

/// The properties of an event that are kept.
const EVENT_PROPERTIES: [&str; 17] = [
    "ATTENDEE",
    "CLASS",
    "DTEND",
    "DTSTART",
    "DURATION",
    "EXDATE",
    "EXRULE",
    "LOCATION",
    "ORGANIZER",
    "RDATE",
    "RECURRENCE-ID",
    "RRULE",
    "SEQUENCE",
    "STATUS",
    "SUMMARY",
    "UID",
    "X-MICROSOFT-CDO-ALLDAYEVENT",
];
/// The properties of a zone that are kept: its name, and what programs add to it.
const ZONE_PROPERTIES: [&str; 3] = ["TZID", "X-LIC-LOCATION", "X-MICROSOFT-CDO-TZID"];

/// A text that is no calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotCalendar {
    /// It has no calendar in it.
    NoCalendar,
    /// It has more events than are read.
    TooMany {
        /// The most that are read.
        max: usize,
    },
    /// Its events repeat more often than is read.
    TooManyDates {
        /// The most dates that are read.
        max: usize,
    },
}

impl std::fmt::Display for NotCalendar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoCalendar => f.write_str("is no calendar: BEGIN:VCALENDAR is missing"),
            Self::TooMany { max } => write!(f, "has more than {max} events: divide it"),
            Self::TooManyDates { max } => write!(f, "has events that repeat more than {max} times together: divide it"),
        }
    }
}

/// An event before it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawEvent {
    pub(super) spot: Spot,
    /// The properties that are kept, as they stand in the file; or why it cannot be read.
    pub(super) properties: Result<String, String>,
    /// Whether its calendar calls its events off.
    pub(super) is_called_off: bool,
}

/// What a calendar consists of.
#[derive(Debug, Default)]
pub(super) struct Components {
    pub(super) events: Vec<RawEvent>,
    /// Zones with names that mean nothing outside of the file.
    pub(super) zones: HashMap<String, Zone>,
    /// Tasks, journals and times that are free.
    pub(super) others: u64,
}

/// Divides a text.
pub(super) fn divide(text: &str) -> Result<Components, NotCalendar> {
    let mut divider = Divider::default();
    let mut lines = Lines::new(text);
    while let Some((line, number)) = lines.next_line() {
        let line = Property::read(line, &mut lines);
        divider.take(&line, number)?;
    }
    divider.finish()
}

/// A property with its folded lines joined, as far as it is kept.
struct Property {
    name: String,
    text: String,
    is_cut: bool,
}

impl Property {
    fn read(first: &str, lines: &mut Lines<'_>) -> Self {
        let first = first.trim_start_matches('\u{feff}');
        let name = first.split([':', ';']).next().unwrap_or_default().trim().to_ascii_uppercase();
        let mut property = Self { name, text: String::new(), is_cut: false };
        property.add(first);
        while lines.peek().is_some_and(|next| next.starts_with([' ', '\t'])) {
            let Some((next, _)) = lines.next_line() else { break };
            property.add(&next[1..]);
        }
        property
    }

    fn add(&mut self, part: &str) {
        if self.text.len() + part.len() > PROPERTY_BYTES_MAX {
            self.is_cut = true;
        } else {
            self.text.push_str(part);
        }
    }

    fn value(&self) -> String {
        self.text.split_once(':').map_or("", |(_, value)| value).trim().to_ascii_uppercase()
    }
}

#[derive(Default)]
struct Divider {
    /// The components that are open.
    open: Vec<String>,
    has_calendar: bool,
    /// Whether the calendar calls its events off.
    is_called_off: bool,
    record: u64,
    event: Option<Draft>,
    zone: Option<String>,
    found: Components,
}

struct Draft {
    spot: Spot,
    properties: String,
    count: usize,
    fault: Option<String>,
}

impl Divider {
    fn take(&mut self, property: &Property, line: u64) -> Result<(), NotCalendar> {
        match &*property.name {
            "BEGIN" => self.begin(property.value(), line),
            "END" => {
                self.end(&property.value());
                Ok(())
            }
            _ => {
                self.add(property, line);
                Ok(())
            }
        }
    }

    fn begin(&mut self, name: String, line: u64) -> Result<(), NotCalendar> {
        let is_outer = ["VCALENDAR", "VEVENT", "VTODO", "VJOURNAL", "VFREEBUSY", "VTIMEZONE"].contains(&&*name);
        if is_outer && self.event.is_some() {
            self.fail("the event has no end");
            self.close_event();
            self.open.retain(|open| open == "VCALENDAR");
        }
        match &*name {
            "VCALENDAR" => {
                self.open.clear();
                (self.has_calendar, self.is_called_off) = (true, false);
            }
            "VEVENT" => {
                self.record += 1;
                if self.record > CALENDAR_EVENTS_MAX as u64 {
                    return Err(NotCalendar::TooMany { max: CALENDAR_EVENTS_MAX });
                }
                let spot = Spot::new(self.record, line);
                self.event = Some(Draft { spot, properties: String::new(), count: 0, fault: None });
            }
            "VTIMEZONE" => self.zone = Some(String::new()),
            "VTODO" | "VJOURNAL" | "VFREEBUSY" => self.found.others += 1,
            _ => {}
        }
        if self.open.len() < PROPERTIES_MAX {
            self.open.push(name);
        }
        Ok(())
    }

    fn end(&mut self, name: &str) {
        let Some(depth) = self.open.iter().rposition(|open| open == name) else { return };
        let closed = self.open.split_off(depth);
        if closed.iter().any(|name| name == "VEVENT") {
            if name != "VEVENT" {
                self.fail("the event has no end");
            }
            self.close_event();
        }
        if closed.iter().any(|name| name == "VTIMEZONE") {
            self.close_zone();
        }
    }

    fn add(&mut self, property: &Property, line: u64) {
        let Some(innermost) = self.open.last() else { return };
        match (&**innermost, &mut self.event, &mut self.zone) {
            ("VCALENDAR", _, _) if property.name == "METHOD" => {
                self.is_called_off = property.value() == "CANCEL";
            }
            ("VEVENT", Some(event), _) => event.add(property, line),
            ("VTIMEZONE", _, Some(zone))
                if ZONE_PROPERTIES.contains(&&*property.name)
                    && !property.is_cut
                    && zone.len() + property.text.len() <= PROPERTY_BYTES_MAX =>
            {
                zone.push_str(&property.text);
                zone.push_str("\r\n");
            }
            _ => {}
        }
    }

    fn fail(&mut self, why: &str) {
        if let Some(event) = &mut self.event {
            event.fault.get_or_insert_with(|| why.to_owned());
        }
    }

    fn close_event(&mut self) {
        if let Some(Draft { spot, properties, fault, .. }) = self.event.take() {
            let properties = fault.map_or(Ok(properties), Err);
            self.found.events.push(RawEvent { spot, properties, is_called_off: self.is_called_off });
        }
    }

    fn close_zone(&mut self) {
        let Some(properties) = self.zone.take() else { return };
        let text = format!("BEGIN:VCALENDAR\r\nBEGIN:VTIMEZONE\r\n{properties}END:VTIMEZONE\r\nEND:VCALENDAR\r\n");
        let Ok(calendar) = ICalendar::parse(text) else { return };
        for (name, zone) in calendar.timezones().filter_map(calcard::icalendar::ICalendarComponent::timezone) {
            self.found.zones.insert(name.to_owned(), Zone::of(zone));
        }
    }

    fn finish(mut self) -> Result<Components, NotCalendar> {
        self.fail("the event has no end");
        self.close_event();
        if self.has_calendar { Ok(self.found) } else { Err(NotCalendar::NoCalendar) }
    }
}

impl Draft {
    fn add(&mut self, property: &Property, line: u64) {
        self.count += 1;
        if self.count > PROPERTIES_MAX {
            self.fail(|| format!("the event has more than {PROPERTIES_MAX} properties"));
        }
        if self.fault.is_some() || !EVENT_PROPERTIES.contains(&&*property.name) {
            return;
        }
        if property.is_cut {
            self.fail(|| format!("line {line} has a property of more than {PROPERTY_BYTES_MAX} bytes"));
        } else if self.properties.len() + property.text.len() > CARD_BYTES_MAX {
            self.fail(|| format!("the event has more than {CARD_BYTES_MAX} bytes"));
        } else {
            self.properties.push_str(&property.text);
            self.properties.push_str("\r\n");
        }
    }

    /// Keeps the first reason.
    fn fail(&mut self, why: impl FnOnce() -> String) {
        self.fault.get_or_insert_with(why);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(u64, Result<&str, &str>)]) {
        let found = divide(text).unwrap();
        let events: Vec<_> = found
            .events
            .iter()
            .map(|event| (event.spot.line, event.properties.as_deref().map_err(String::as_str)))
            .collect();
        assert_eq!(events, expected, "{text}");
    }

    #[test]
    fn only_what_is_needed_is_kept() {
        check(
            "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDESCRIPTION:long\r\n  words\r\nSUMMARY:a\r\n  b\r\nBEGIN:VALARM\r\n\
             SUMMARY:alarm\r\nEND:VALARM\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
            &[(2, Ok("UID:1\r\nSUMMARY:a b\r\n"))],
        );
    }

    #[test]
    fn events_without_an_end_are_refused_alone() {
        let no_end = Err("the event has no end");
        check(
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nBEGIN:VEVENT\nUID:2\nEND:VEVENT",
            &[(2, no_end), (4, Ok("UID:2\r\n"))],
        );
        check("begin:vcalendar\nbegin:vevent\nuid:1\nend:vcalendar\nBEGIN:VCALENDAR", &[(2, no_end)]);
        check("BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1", &[(2, no_end)]);
        check("BEGIN:VCALENDAR\nBEGIN:VEVENT\nBEGIN:VALARM\nEND:VEVENT\nEND:VALARM\nEND:VEVENT", &[(2, Ok(""))]);
    }

    #[test]
    fn what_is_too_large_is_refused_alone() {
        let long = format!("SUMMARY:{}", "x".repeat(PROPERTY_BYTES_MAX));
        let many = "X-A:1\n".repeat(PROPERTIES_MAX + 1);
        let text = format!(
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\n{long}\nEND:VEVENT\nBEGIN:VEVENT\n{many}END:VEVENT\nBEGIN:VEVENT\nUID:3\nEND:VEVENT"
        );
        let found = divide(&text).unwrap();
        let faults: Vec<_> = found.events.iter().map(|event| event.properties.is_err()).collect();
        assert_eq!(faults, [true, true, false]);
        let unkept =
            format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\nATTACH:{}\nUID:1\nEND:VEVENT", "x".repeat(PROPERTY_BYTES_MAX));
        check(&unkept, &[(2, Ok("UID:1\r\n"))]);
    }

    #[test]
    fn a_text_without_a_calendar_is_none() {
        for text in ["", "BEGIN:VCARD\nEND:VCARD", "BEGIN:VEVENT\nUID:1\nEND:VEVENT", "\0\n\u{feff}"] {
            assert_eq!(divide(text).unwrap_err(), NotCalendar::NoCalendar, "{text:?}");
        }
        let all =
            divide("\u{feff}BEGIN:VCALENDAR\nMETHOD:CANCEL\nBEGIN:VTODO\nEND:VTODO\nBEGIN:VEVENT\nEND:VEVENT").unwrap();
        assert_eq!((all.others, all.events[0].is_called_off), (1, true));
    }

    #[test]
    fn zones_are_known_by_what_programs_add_to_them() {
        let text = "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:Home\nX-LIC-LOCATION:Europe/Berlin\nBEGIN:STANDARD\nTZID:no\n\
            END:STANDARD\nEND:VTIMEZONE\nBEGIN:VTIMEZONE\nTZID:Nowhere\nEND:VTIMEZONE\nEND:VCALENDAR";
        let zones = divide(text).unwrap().zones;
        assert_eq!((zones.len(), zones["Home"]), (1, "Europe/Berlin".parse().unwrap()));
    }
}
