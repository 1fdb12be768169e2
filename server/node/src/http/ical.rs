//! Calendars as text: as much of iCalendar (RFC 5545, RFC 7986) as a feed of all-day events needs.

use kith_core::day::Day;
use kith_json::day_text;

/// Bytes of a line, without its end; what is longer goes on in lines that begin with a space (RFC 5545, 3.1).
const LINE_BYTES: usize = 75;

/// An event that takes a whole day and keeps nobody busy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AllDay {
    /// Is the same as long as it is the same event.
    pub(super) uid: String,
    /// The day.
    pub(super) day: Day,
    /// Grows with each change.
    pub(super) sequence: u32,
    /// What it is called.
    pub(super) summary: String,
    /// More about it.
    pub(super) description: String,
    /// Where to read on, if that is known.
    pub(super) url: Option<String>,
}

/// A calendar that is published under a name, as of a day, to be asked for again after an hour.
pub(super) fn calendar(name: &str, as_of: Day, events: &[AllDay]) -> String {
    let mut text = String::new();
    for line in ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Kith//Feed 1//EN", "METHOD:PUBLISH"] {
        add(&mut text, line);
    }
    // Without a name and intervals of both kinds, some programs show an address, or ask once a day.
    for property in ["NAME", "X-WR-CALNAME"] {
        add(&mut text, &format!("{property}:{}", escaped(name)));
    }
    add(&mut text, "REFRESH-INTERVAL;VALUE=DURATION:PT1H");
    add(&mut text, "X-PUBLISHED-TTL:PT1H");
    let stamp = digits(as_of);
    for event in events {
        add(&mut text, "BEGIN:VEVENT");
        add(&mut text, &format!("UID:{}", escaped(&event.uid)));
        add(&mut text, &format!("DTSTAMP:{stamp}T000000Z"));
        add(&mut text, &format!("DTSTART;VALUE=DATE:{}", digits(event.day)));
        add(&mut text, &format!("SEQUENCE:{}", event.sequence));
        add(&mut text, &format!("SUMMARY:{}", escaped(&event.summary)));
        add(&mut text, &format!("DESCRIPTION:{}", escaped(&event.description)));
        if let Some(url) = &event.url {
            add(&mut text, &format!("URL:{url}"));
        }
        add(&mut text, "CLASS:PRIVATE");
        add(&mut text, "TRANSP:TRANSPARENT");
        add(&mut text, "END:VEVENT");
    }
    add(&mut text, "END:VCALENDAR");
    text
}

/// Adds a line, folded.
fn add(text: &mut String, line: &str) {
    let mut room = LINE_BYTES;
    for letter in line.chars() {
        if letter.len_utf8() > room {
            text.push_str("\r\n ");
            room = LINE_BYTES - 1;
        }
        text.push(letter);
        room -= letter.len_utf8();
    }
    text.push_str("\r\n");
}

/// Text as the value of a property. Characters that steer are left out: names are what people typed.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | ';' | ',' => escaped.extend(['\\', letter]),
            '\n' => escaped.push_str("\\n"),
            steering if steering.is_control() || is_direction(steering) => {}
            other => escaped.push(other),
        }
    }
    escaped
}

/// Whether a character turns the direction of those after it (Unicode Standard Annex 9).
fn is_direction(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn digits(day: Day) -> String {
    day_text(day).replace('-', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(summary: &str) -> AllDay {
        AllDay {
            uid: "7.amina.ben@0707".into(),
            day: Day::new(20_520),
            sequence: 3,
            summary: summary.into(),
            description: "You met on 2026-03-01.".into(),
            url: None,
        }
    }

    #[test]
    fn an_event_as_programs_read_it() {
        let text = calendar("Kith: north", Day::new(20_521), &[event("Follow up with Ben Okoro")]);
        let expected = [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//Kith//Feed 1//EN",
            "METHOD:PUBLISH",
            "NAME:Kith: north",
            "X-WR-CALNAME:Kith: north",
            "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
            "X-PUBLISHED-TTL:PT1H",
            "BEGIN:VEVENT",
            "UID:7.amina.ben@0707",
            "DTSTAMP:20260309T000000Z",
            "DTSTART;VALUE=DATE:20260308",
            "SEQUENCE:3",
            "SUMMARY:Follow up with Ben Okoro",
            "DESCRIPTION:You met on 2026-03-01.",
            "CLASS:PRIVATE",
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ];
        assert_eq!(text.split("\r\n").collect::<Vec<_>>(), expected);
    }

    #[test]
    fn lines_are_folded_between_letters() {
        let long = "ü世🙂".repeat(40);
        let text = calendar("x", Day::new(0), &[event(&long)]);
        assert!(text.split("\r\n").all(|line| line.len() <= LINE_BYTES), "{text}");
        assert!(text.replace("\r\n ", "").contains(&format!("SUMMARY:{long}\r\n")), "{text}");
    }

    #[test]
    fn names_cannot_leave_their_place() {
        let text = calendar("x", Day::new(0), &[event("a\r\nEND:VEVENT\u{202e};b,c\\d\u{85}\t")]);
        assert!(text.contains("SUMMARY:a\\nEND:VEVENT\\;b\\,c\\\\d\r\n"), "{text}");
        assert_eq!(text.matches("END:VEVENT\r\n").count(), 1);
    }
}
