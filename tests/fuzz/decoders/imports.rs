//! Files that people bring: of contacts, calendars, mailboxes and lists.

use super::Decoder;
use kith_client::{EventBuilder, Recorded};
use kith_core::{
    detail::DetailKind,
    entry::Entry,
    event::{PersonAdded, Scope},
    id::PersonId,
    position::Position,
    timestamp::Timestamp,
};
use kith_import::{
    MEETING_PEOPLE_DEFAULT,
    addresses::Addresses,
    calendar::{self, Zone, read_meetings},
    contacts::{Decisions, Directory, Reading, decode, read_contacts},
    edges::{Clock, Layout, parse_contact_columns, parse_rows},
    mail::{self, read_mails},
    occasions::Log,
};
use kith_proto::v1;

const CARD: &str = "BEGIN:VCARD\r\nVERSION:4.0\r\nFN;LANGUAGE=en:Ada Byron\r\nN:Byron;Ada;;Dr.;\r\nEMAIL;PREF=1:ada@x.example\r\n\
    TEL;TYPE=\"voice,cell\":+44 20 7946 0000\r\nORG:Riverside;Ward 3\r\nNOTE:two\\nlines\\, and a comma that is long enou\r\n\
    \x20gh to be folded\r\nEND:VCARD\r\n";
const OLD_CARD: &str = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:M=C3=BCller;J=\r\n=C3=B6rg\r\n\
    EMAIL;INTERNET:j@x.example\r\nEND:VCARD\r\n";
const TABLE: &str = "First Name,Last Name,E-mail 1 - Value,Organization Name\r\nAda,Byron,ada@x.example,\"River, side\"\r\n\
    Ben,\"O\"\"Neil\",ben@x.example,\r\n";
const CALENDAR: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTIMEZONE\r\nTZID:Here\r\nBEGIN:STANDARD\r\n\
    DTSTART:19701025T030000\r\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n\
    END:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT\r\nUID:1@x.example\r\nSUMMARY:Board\r\n\
    DTSTART;TZID=Europe/Berlin:20261102T090000\r\nDTEND;TZID=Europe/Berlin:20261102T100000\r\n\
    RRULE:FREQ=WEEKLY;COUNT=3;BYDAY=MO,TH\r\nEXDATE;TZID=Europe/Berlin:20261109T090000\r\nRDATE:20261111T080000Z\r\n\
    ORGANIZER:mailto:ada@x.example\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:ben@x.example\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\n\
    UID:1@x.example\r\nRECURRENCE-ID;TZID=Europe/Berlin:20261105T090000\r\nDTSTART:20261105T100000Z\r\nDURATION:PT1H\r\n\
    ATTENDEE;PARTSTAT=ACCEPTED:mailto:ben@x.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
const MAILBOX: &str = "From ada@x.example Mon Nov  2 08:00:00 2026\r\nFrom: =?utf-8?q?Ada_B=C3=BCron?= <ada@x.example>\r\n\
    To: Ben <ben@x.example>, cora@x.example\r\nDate: Mon, 2 Nov 2026 09:00:00 +0100\r\nMessage-ID: <1@x.example>\r\n\r\n\
    text\r\n>From the ward\r\n\r\nFrom ben@x.example Tue Nov  3 08:00:00 2026\r\nFrom: ben@x.example\r\n\
    To: ada@x.example\r\nDate: Tue, 3 Nov 2026 09:00:00 +0100\r\nIn-Reply-To: <1@x.example>\r\nMessage-ID: <2@x.example>\r\n\r\n\
    text\r\n";
const EDGES: &str = "who,with,at\nada,ben,2026-11-02T08:00:00Z\nben,\"cora\",2026-11-03\n";
const DECISIONS: &str = "decision,record,name,organisation,keys,match,match_name,why\r\nnew,1,Ada Byron,,,,,\r\n\
    same,2,\"O\"\"Neil, Ben\",,,ben,Ben,name\r\n";
/// 2026-11-20T12:00:00Z.
const NOW: Timestamp = Timestamp::from_millis(1_795_176_000_000);

pub(super) fn decoders() -> Vec<Decoder> {
    let bytes = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>();
    let (for_calendars, for_mail) = (directory(), directory());
    vec![
        Decoder::new("contacts", bytes(&[CARD, OLD_CARD, TABLE]), |bytes| {
            let Ok(decoded) = decode(bytes.to_vec(), None) else { return false };
            read_contacts(&decoded.text, &Reading::default()).is_ok_and(|contacts| !contacts.cards.is_empty())
        }),
        Decoder::new("decisions", bytes(&[DECISIONS]), |bytes| Decisions::parse(bytes.to_vec()).is_ok()),
        Decoder::new("calendar", bytes(&[CALENDAR]), move |bytes| {
            let Ok(text) = std::str::from_utf8(bytes) else { return false };
            let settings = calendar::Settings {
                log: log(),
                me: "ada".parse().expect("it is an id"),
                people_max: MEETING_PEOPLE_DEFAULT,
                words: vec![DetailKind::Note, DetailKind::Place],
                all_day: true,
                private: false,
                needs_answer: true,
                zone: Zone::utc(),
                scope: Scope::Network,
                now: NOW,
            };
            let meetings = read_meetings(text, &settings, &Addresses::of(&for_calendars));
            meetings.is_ok_and(|meetings| !meetings.occasions.is_empty())
        }),
        Decoder::new("mailbox", bytes(&[MAILBOX]), move |bytes| {
            let settings = mail::Settings { log: log(), scope: Scope::Network, now: NOW };
            let mails = read_mails(bytes, &settings, &Addresses::of(&for_mail));
            mails.is_ok_and(|mails| !mails.occasions.is_empty())
        }),
        Decoder::new("list", bytes(&[EDGES]), |bytes| {
            let Ok(text) = std::str::from_utf8(bytes) else { return false };
            let columns = parse_contact_columns("from,to,time").expect("they are columns");
            let clock = Clock { epoch: None, unit_ms: 1_000 };
            parse_rows(text, Layout::default(), &columns, clock).is_ok_and(|listed| !listed.rows.is_empty())
        }),
    ]
}

fn log() -> Log {
    Log { origin: "kith/demo/1".parse().expect("it is an origin"), organisation: "riverside".parse().ok() }
}

/// Three people with an address each.
fn directory() -> Directory {
    let ids = ["ada", "ben", "cora"];
    let people = ids.map(|id| v1::Person { id: id.to_owned(), ..v1::Person::default() });
    let mut directory = Directory::new(&people, &[]);
    for id in ids {
        let person: PersonId = id.parse().expect("it is an id");
        let added = PersonAdded { person: person.clone(), organisation: None, role: String::new() };
        let event = EventBuilder::new(added, NOW)
            .scope(Scope::Network)
            .detail(DetailKind::Contact, vec![person], format!("mailto:{id}@x.example"))
            .build()
            .expect("it is an event");
        let entry = Entry {
            position: Position::new(1),
            recorded_at: NOW,
            recorded_by: "service:test".parse().expect("it is a principal"),
            organisation: None,
            event_bytes: event.event().encode().into(),
            signature: None,
        };
        let mut recorded = Recorded::decode(&entry.encode()).expect("it is an entry");
        recorded.details = event.details().to_vec();
        directory.learn(&recorded);
    }
    directory
}
