//! Which instances of a calendar count as meetings, and who met.

use super::{
    components::{Components, NotCalendar, divide},
    event::{Answer, Attendee, Event, Length},
    moment::{Assumed, Zone, Zones},
    series::{Instance, InstanceKey, instances},
};
use crate::{
    addresses::{Addresses, Owner, Strangers},
    limits::CALENDAR_INSTANCES_MAX,
    occasions::{Content, Log, Occasion, OccasionKey, State},
    refusal::Refusal,
    words::line,
};
use kith_core::{
    detail::DetailKind,
    event::{Habit, Met, Scope},
    id::PersonId,
    limits::DETAIL_TEXT_BYTES_MAX,
    timestamp::{DAY_MS, Timestamp},
};
use std::collections::{BTreeMap, BTreeSet};

/// Separates the identity of meetings from all other hashes.
const DOMAIN: &[u8] = b"kith/import/calendar/1";
const MINUTE_MS: i64 = 60_000;

/// How a calendar is read.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The log that it is for.
    pub log: Log,
    /// Whose calendar it is.
    pub me: PersonId,
    /// The most people of the network that a meeting may have.
    pub people_max: usize,
    /// Words that are taken: notes for titles, and places.
    pub words: Vec<DetailKind>,
    /// Whether events of whole days count.
    pub all_day: bool,
    /// Whether private events count, for one's own organisation.
    pub private: bool,
    /// Whether invitations count that `me` has not answered.
    pub needs_answer: bool,
    /// The zone of times without one, or in an unknown one.
    pub zone: Zone,
    /// Who may see the meetings.
    pub scope: Scope,
    /// What is over by then counts.
    pub now: Timestamp,
}

/// Instances that are no meetings, by why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Passed {
    /// They were called off, or left out of their series.
    pub cancelled: u64,
    /// `me` declined them.
    pub declined: u64,
    /// `me` has not answered.
    pub unanswered: u64,
    /// They are private.
    pub private: u64,
    /// They take whole days.
    pub all_day: u64,
    /// They are not over yet.
    pub ahead: u64,
    /// Nobody else of the network takes part.
    pub alone: u64,
    /// More people take part than a meeting may have.
    pub crowded: u64,
    /// Tasks, journals, and times that are free.
    pub no_events: u64,
}

/// The meetings of a calendar.
#[derive(Debug, Default)]
pub struct Meetings {
    /// What took place, and what did not.
    pub occasions: Vec<Occasion>,
    /// Events that cannot be read.
    pub refusals: Vec<Refusal>,
    /// What is no meeting.
    pub passed: Passed,
    /// Addresses of nobody in the network, in meetings.
    pub strangers: Strangers,
    /// Titles and places that are too long, and left out.
    pub cut: u64,
    /// Whether times have no zone.
    pub has_floating: bool,
    /// Names of zones that are unknown.
    pub unknown_zones: BTreeSet<String>,
}

/// Reads the meetings of a calendar.
pub fn read_meetings(text: &str, settings: &Settings, addresses: &Addresses<'_>) -> Result<Meetings, NotCalendar> {
    let Components { events, zones, others } = divide(text)?;
    let zones = Zones { named: &zones, default: settings.zone };
    let mut assumed = Assumed::default();
    let mut meetings = Meetings::default();
    meetings.passed.no_events = others;
    let mut order = Vec::new();
    let mut by_uid: BTreeMap<String, Vec<Event>> = BTreeMap::new();
    for raw in events {
        match Event::read(raw, &zones, &mut assumed) {
            Ok(event) => {
                if !by_uid.contains_key(&event.uid) {
                    order.push(event.uid.clone());
                }
                by_uid.entry(event.uid.clone()).or_default().push(event);
            }
            Err(refusal) => meetings.refusals.push(refusal),
        }
    }
    let mut room = CALENDAR_INSTANCES_MAX;
    for uid in order {
        let events = by_uid.remove(&uid).unwrap_or_default();
        let instances = instances(&events, settings.now, &mut room);
        if room == 0 {
            return Err(NotCalendar::TooManyDates { max: CALENDAR_INSTANCES_MAX });
        }
        match instances {
            Ok(instances) => instances.iter().for_each(|one| meetings.take(one, settings, addresses)),
            Err(why) => meetings.refusals.extend(events.first().map(|one| Refusal::unreadable(one.spot, "event", why))),
        }
    }
    meetings.refusals.sort_by_key(|refusal| refusal.spot);
    meetings.has_floating = assumed.floating;
    meetings.unknown_zones = assumed.unknown.into_iter().collect();
    Ok(meetings)
}

/// What an instance is.
enum Verdict {
    Meeting {
        people: Vec<PersonId>,
        starts: Timestamp,
        ends: Option<Timestamp>,
    },
    /// It did not take place.
    DidNot,
    /// It is not to count.
    Passed,
}

impl Meetings {
    fn take(&mut self, instance: &Instance<'_>, settings: &Settings, addresses: &Addresses<'_>) {
        let event = instance.event;
        let state = match self.judge(instance, settings, addresses) {
            Verdict::Passed => return,
            Verdict::DidNot => State::DidNot,
            Verdict::Meeting { people, starts, ends } => {
                let minutes = ends.map(|ends| (ends.millis() - starts.millis()) / MINUTE_MS);
                State::Happened(Content {
                    habit: Habit::Met(Met { people }),
                    occurred_at: starts,
                    minutes: minutes.filter(|minutes| *minutes > 0 && !event.is_all_day),
                    scope: if event.is_private { Scope::Organisation } else { settings.scope },
                    words: self.words(event, settings),
                })
            }
        };
        self.occasions.push(Occasion { spot: event.spot, keys: keys(instance, settings), state });
    }

    fn judge(&mut self, instance: &Instance<'_>, settings: &Settings, addresses: &Addresses<'_>) -> Verdict {
        let event = instance.event;
        if event.is_cancelled || instance.is_left_out {
            self.passed.cancelled += 1;
            return Verdict::DidNot;
        }
        let Some((starts, ends)) = times(instance) else {
            self.refusals.push(Refusal::unreadable(event.spot, "event", "the event's time cannot be told"));
            return Verdict::Passed;
        };
        if ends.unwrap_or(starts) > settings.now {
            self.passed.ahead += 1;
            return Verdict::DidNot;
        }
        if event.is_all_day && !settings.all_day {
            self.passed.all_day += 1;
            return Verdict::Passed;
        }
        if event.is_private && !settings.private {
            self.passed.private += 1;
            return Verdict::Passed;
        }
        let guests = Guests::of(event, settings, addresses);
        match guests.my_answer {
            Answer::Declined => {
                self.passed.declined += 1;
                return Verdict::DidNot;
            }
            Answer::Needed if !settings.needs_answer => {
                self.passed.unanswered += 1;
                return Verdict::Passed;
            }
            Answer::Needed | Answer::Open => {}
        }
        // Whoever is not known here may be known elsewhere, and a list of guests may be left out: only those who declined
        // say that nobody met.
        let is_off = guests.has_declined && guests.strangers.is_empty();
        guests.strangers.into_iter().for_each(|address| self.strangers.note(address));
        let people: Vec<PersonId> = guests.people.into_iter().collect();
        if people.len() < 2 {
            self.passed.alone += 1;
            return if is_off { Verdict::DidNot } else { Verdict::Passed };
        }
        if people.len() > settings.people_max {
            self.passed.crowded += 1;
            return Verdict::Passed;
        }
        let (starts, ends) =
            if event.is_all_day { (instance.start.noon().unwrap_or(starts), None) } else { (starts, ends) };
        Verdict::Meeting { people, starts, ends }
    }

    fn words(&mut self, event: &Event, settings: &Settings) -> Vec<(DetailKind, String)> {
        let mut words = Vec::new();
        for (kind, text) in [(DetailKind::Note, &event.title), (DetailKind::Place, &event.place)] {
            if !settings.words.contains(&kind) {
                continue;
            }
            let text = line(text);
            if text.len() > DETAIL_TEXT_BYTES_MAX {
                self.cut += 1;
            } else if !text.is_empty() {
                words.push((kind, text));
            }
        }
        words
    }
}

/// When an instance begins and ends, if its end is known.
fn times(instance: &Instance<'_>) -> Option<(Timestamp, Option<Timestamp>)> {
    let event = instance.event;
    let starts = instance.start.time()?;
    let length_ms = match event.length {
        Length::Seconds(seconds) => Some(seconds.checked_mul(1_000)?),
        Length::Unknown if event.is_all_day => Some(DAY_MS),
        Length::Unknown => None,
    };
    let ends = match length_ms {
        Some(length_ms) => Some(Timestamp::from_millis(starts.millis().checked_add(length_ms)?)),
        None => None,
    };
    Some((starts, ends))
}

/// Who takes part in an event.
struct Guests {
    people: BTreeSet<PersonId>,
    strangers: BTreeSet<String>,
    my_answer: Answer,
    /// Whether anybody else of the network declined.
    has_declined: bool,
}

impl Guests {
    fn of(event: &Event, settings: &Settings, addresses: &Addresses<'_>) -> Self {
        let me = addresses.meant(&settings.me).unwrap_or(&settings.me);
        let (people, strangers) = (BTreeSet::from([me.clone()]), BTreeSet::new());
        let mut guests = Self { people, strangers, my_answer: Answer::Open, has_declined: false };
        let organizer = event.organizer.as_deref().map(|address| addresses.owner(address));
        // Whoever invites comes, unless they are on the list and declined.
        if let Some(Owner::Person(person)) = &organizer {
            guests.people.insert(person.clone());
        }
        let mut declined = BTreeSet::new();
        for Attendee { address, answer } in &event.attendees {
            match addresses.owner(address) {
                Owner::Person(person) if person == *me => guests.my_answer = *answer,
                Owner::Person(person) if *answer == Answer::Declined => drop(declined.insert(person)),
                Owner::Person(person) => drop(guests.people.insert(person)),
                Owner::Nobody(address) if *answer != Answer::Declined => drop(guests.strangers.insert(address)),
                Owner::Nobody(_) | Owner::NoAddress => {}
            }
        }
        guests.people.retain(|person| !declined.contains(person));
        guests.has_declined = !declined.is_empty();
        // Programs list whoever invites as somebody who has to answer, too.
        if guests.my_answer == Answer::Needed && organizer.is_some_and(|owner| owner == Owner::Person(me.clone())) {
            guests.my_answer = Answer::Open;
        }
        guests
    }
}

/// What tells an instance apart, with what it may have been recorded under before: with another scope, or before its
/// event began, or ceased, to repeat.
fn keys(instance: &Instance<'_>, settings: &Settings) -> Vec<OccasionKey> {
    let event = instance.event;
    let scope = if event.is_private { Scope::Organisation } else { settings.scope };
    let before = match instance.key {
        Some(_) => None,
        None => Some((event.start.local.date(), 0)),
    };
    let both = |key: InstanceKey| {
        let day = key.map(|(day, number)| format!("{day} {number}")).unwrap_or_default();
        OccasionKey::in_both_scopes(DOMAIN, &settings.log, scope, &[event.uid.as_bytes(), day.as_bytes()])
    };
    let mut keys = both(instance.key).to_vec();
    if instance.is_first || instance.key.is_none() {
        keys.extend(both(before));
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addresses::tests::directory;
    use kith_json::time_text;
    use proptest::prelude::*;

    /// Ada's calendar; Ben and Cora are of the network, Zoe is not.
    const PEOPLE: [&str; 3] = ["ada ada@x.example", "ben ben@x.example", "cora cora@x.example"];
    const BEN: &str = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ben@x.example\r\n";
    /// 2026-11-20T12:00:00Z.
    const NOW: Timestamp = Timestamp::from_millis(1_795_176_000_000);

    fn settings() -> Settings {
        Settings {
            log: Log { origin: "kith/demo/1".parse().unwrap(), organisation: "riverside".parse().ok() },
            me: "ada".parse().unwrap(),
            people_max: 20,
            words: Vec::new(),
            all_day: false,
            private: false,
            needs_answer: false,
            zone: "Europe/Berlin".parse().unwrap(),
            scope: Scope::Network,
            now: NOW,
        }
    }

    fn calendar(events: &str) -> String {
        format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
    }

    fn event(properties: &str) -> String {
        format!("BEGIN:VEVENT\r\n{properties}END:VEVENT\r\n")
    }

    fn read_with(text: &str, settings: &Settings) -> Meetings {
        let known = directory(&PEOPLE);
        read_meetings(text, settings, &Addresses::of(&known)).unwrap()
    }

    fn read(text: &str) -> Meetings {
        read_with(text, &settings())
    }

    /// What took place, each as its time and who met.
    fn happened(meetings: &Meetings) -> Vec<String> {
        let line = |occasion: &Occasion| match &occasion.state {
            State::Happened(Content { habit: Habit::Met(Met { people }), occurred_at, .. }) => {
                let people: Vec<&str> = people.iter().map(PersonId::as_str).collect();
                Some(format!("{} {}", time_text(*occurred_at), people.join(" ")))
            }
            State::Happened(_) | State::DidNot => None,
        };
        meetings.occasions.iter().filter_map(line).collect()
    }

    fn contents(meetings: &Meetings) -> Vec<&Content> {
        let contents = meetings.occasions.iter().filter_map(|occasion| match &occasion.state {
            State::Happened(content) => Some(content),
            State::DidNot => None,
        });
        contents.collect()
    }

    /// Checks what a calendar of one event is, and what is said of it.
    fn check(properties: &str, expected: &[&str], passed: Passed) {
        let found = read(&calendar(&event(properties)));
        assert_eq!(happened(&found), expected, "{properties}");
        assert_eq!(found.passed, passed, "{properties}");
        assert!(found.refusals.is_empty(), "{:?}", found.refusals);
    }

    fn refused(properties: &str, why: &str) {
        let good = event(&format!("UID:good\r\nDTSTART:20261103T090000Z\r\n{BEN}"));
        let found = read(&calendar(&format!("{}{good}", event(properties))));
        assert_eq!(found.refusals.len(), 1, "{properties}: {found:?}");
        assert!(found.refusals[0].message.contains(why), "{properties}: {}", found.refusals[0].message);
        assert_eq!(found.refusals[0].spot.line, 3, "{properties}");
        assert_eq!(happened(&found), ["2026-11-03T09:00:00Z ada ben"], "the others go on");
    }

    const TIME: &str =
        "UID:1\r\nDTSTART;TZID=Europe/Berlin:20261102T090000\r\nDTEND;TZID=Europe/Berlin:20261102T093000\r\n";
    const MET: &str = "2026-11-02T08:00:00Z ada ben";

    #[test]
    fn a_meeting_is_over_and_has_two_people_who_did_not_decline() {
        let passed = Passed::default;
        check(&format!("{TIME}{BEN}"), &[MET], passed());
        check(TIME, &[], Passed { alone: 1, ..passed() });
        check(&format!("{TIME}STATUS:CANCELLED\r\n{BEN}"), &[], Passed { cancelled: 1, ..passed() });
        check(&format!("{TIME}STATUS:TENTATIVE\r\n{BEN}"), &[MET], passed());
        for class in ["PRIVATE", "CONFIDENTIAL", "X-SECRET"] {
            check(&format!("{TIME}CLASS:{class}\r\n{BEN}"), &[], Passed { private: 1, ..passed() });
        }
        check(&format!("{TIME}CLASS:PUBLIC\r\n{BEN}"), &[MET], passed());
        let day = "UID:1\r\nDTSTART;VALUE=DATE:20261102\r\n";
        check(&format!("{day}{BEN}"), &[], Passed { all_day: 1, ..passed() });
        let marked = "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE\r\n";
        check(&format!("{TIME}{marked}{BEN}"), &[], Passed { all_day: 1, ..passed() });
        check(
            &format!("UID:1\r\nDTSTART:20261120T113000Z\r\nDURATION:PT1H\r\n{BEN}"),
            &[],
            Passed { ahead: 1, ..passed() },
        );
        check(
            &format!("UID:1\r\nDTSTART:20261120T113000Z\r\nDURATION:PT30M\r\n{BEN}"),
            &["2026-11-20T11:30:00Z ada ben"],
            passed(),
        );
        let declined = "ATTENDEE;PARTSTAT=DECLINED:mailto:ben@x.example\r\n";
        check(&format!("{TIME}{declined}"), &[], Passed { alone: 1, ..passed() });
        let delegated = "ATTENDEE;PARTSTAT=DELEGATED:mailto:ben@x.example\r\n";
        check(&format!("{TIME}{delegated}"), &[], Passed { alone: 1, ..passed() });
        let mine = "ATTENDEE;PARTSTAT=DECLINED:MAILTO:Ada@x.example\r\n";
        check(&format!("{TIME}{mine}{BEN}"), &[], Passed { declined: 1, ..passed() });
        let open = "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:ada@x.example\r\n";
        check(&format!("{TIME}{open}{BEN}"), &[], Passed { unanswered: 1, ..passed() });
        let organizer = "ORGANIZER:mailto:ada@x.example\r\n";
        check(&format!("{TIME}{organizer}{open}{BEN}"), &[MET], passed());
        let silent = "ATTENDEE:mailto:ada@x.example\r\nATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:ben@x.example\r\n";
        check(&format!("{TIME}{silent}"), &[MET], passed());
        check(&format!("{TIME}ORGANIZER;CN=Ben:mailto:ben@x.example\r\n"), &[MET], passed());
        check(&format!("{TIME}ORGANIZER:mailto:ben@x.example\r\n{declined}"), &[], Passed { alone: 1, ..passed() });
    }

    #[test]
    fn rooms_groups_and_strangers_are_nobody() {
        let guests = "ATTENDEE;CUTYPE=ROOM:mailto:ben@x.example\r\nATTENDEE;CUTYPE=RESOURCE:mailto:ben@x.example\r\n\
            ATTENDEE;CUTYPE=GROUP:mailto:ben@x.example\r\nATTENDEE;ROLE=NON-PARTICIPANT:mailto:ben@x.example\r\n\
            ATTENDEE:invalid:nomail\r\n";
        check(&format!("{TIME}{guests}"), &[], Passed { alone: 1, ..Passed::default() });
        let zoe =
            "ATTENDEE;CN=\"Zoe, Fern\":mailto:zoe@x.example\r\nATTENDEE;PARTSTAT=DECLINED:mailto:tom@x.example\r\n";
        let found = read(&calendar(&event(&format!("{TIME}{BEN}{zoe}"))));
        assert_eq!((happened(&found), found.strangers.by_count()), (vec![MET.to_owned()], vec![("zoe@x.example", 1)]));
    }

    #[test]
    fn flags_widen_what_counts() {
        let all = |settings: &Settings, properties: &str| {
            let found = read_with(&calendar(&event(properties)), settings);
            let scopes: Vec<_> = contents(&found).iter().map(|content| (content.scope, content.minutes)).collect();
            (happened(&found), scopes)
        };
        let private = Settings { private: true, ..settings() };
        let found = all(&private, &format!("{TIME}CLASS:PRIVATE\r\n{BEN}"));
        assert_eq!(found, (vec![MET.to_owned()], vec![(Scope::Organisation, Some(30))]));
        let found = all(&private, &format!("{TIME}{BEN}"));
        assert_eq!(found, (vec![MET.to_owned()], vec![(Scope::Network, Some(30))]));
        let days = Settings { all_day: true, ..settings() };
        let found = all(&days, &format!("UID:1\r\nDTSTART;VALUE=DATE:20261102\r\nDTEND;VALUE=DATE:20261104\r\n{BEN}"));
        assert_eq!(
            found,
            (vec!["2026-11-02T11:00:00Z ada ben".to_owned()], vec![(Scope::Network, None)]),
            "local noon"
        );
        let open = "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:ada@x.example\r\n";
        let unanswered = Settings { needs_answer: true, ..settings() };
        assert_eq!(all(&unanswered, &format!("{TIME}{open}{BEN}")).0, [MET]);
        let few = Settings { people_max: 2, ..settings() };
        let cora = "ATTENDEE:mailto:cora@x.example\r\n";
        assert_eq!(all(&few, &format!("{TIME}{BEN}")).0, [MET]);
        let found = read_with(&calendar(&event(&format!("{TIME}{BEN}{cora}"))), &few);
        assert_eq!((happened(&found).len(), found.passed.crowded), (0, 1));
    }

    #[test]
    fn words_are_taken_only_if_they_are_wanted() {
        let long = "x".repeat(DETAIL_TEXT_BYTES_MAX + 1);
        let text = calendar(&event(&format!("{TIME}SUMMARY:Round\\, about\\nbed 4\r\nLOCATION:Room 7\r\n{BEN}")));
        assert_eq!(contents(&read(&text))[0].words, []);
        let settings = Settings { words: vec![DetailKind::Note, DetailKind::Place], ..settings() };
        let words = contents(&read_with(&text, &settings))[0].words.clone();
        assert_eq!(
            words,
            [(DetailKind::Note, "Round, about bed 4".to_owned()), (DetailKind::Place, "Room 7".to_owned())]
        );
        let found = read_with(&calendar(&event(&format!("{TIME}SUMMARY:{long}\r\n{BEN}"))), &settings);
        assert_eq!((found.cut, contents(&found)[0].words.len()), (1, 0));
    }

    /// An endless weekly series across a change of the clocks in a zone of Windows, with a date
    /// left out and one moved, beside events that are no meetings.
    #[test]
    fn an_endless_series_across_a_change_of_the_clocks() {
        let zone = "TZID=W. Europe Standard Time";
        let series = format!(
            "UID:weekly\r\nSEQUENCE:1\r\nDTSTART;{zone}:20261012T090000\r\nDTEND;{zone}:20261012T100000\r\n\
             RRULE:FREQ=WEEKLY;BYDAY=MO\r\nEXDATE;{zone}:20261102T090000\r\n{BEN}"
        );
        let moved = format!(
            "UID:weekly\r\nSEQUENCE:3\r\nRECURRENCE-ID;{zone}:20261019T090000\r\nDTSTART;{zone}:20261020T140000\r\n\
             DTEND;{zone}:20261020T150000\r\n{BEN}"
        );
        let daily = "UID:daily\r\nDTSTART:20261101T070000Z\r\nRRULE:FREQ=DAILY\r\n";
        let beside = [
            format!("{TIME}STATUS:CANCELLED\r\n{BEN}"),
            format!("{TIME}CLASS:PRIVATE\r\n{BEN}").replace("UID:1", "UID:2"),
            format!("UID:3\r\nDTSTART;VALUE=DATE:20261102\r\n{BEN}"),
            format!("{TIME}ATTENDEE;PARTSTAT=DECLINED:mailto:ben@x.example\r\n").replace("UID:1", "UID:4"),
            format!("{TIME}ATTENDEE;CUTYPE=ROOM:mailto:ben@x.example\r\n").replace("UID:1", "UID:5"),
            daily.to_owned(),
            series,
            moved,
        ];
        let found = read(&calendar(&beside.map(|one| event(&one)).concat()));
        assert_eq!(
            happened(&found),
            [
                "2026-10-12T07:00:00Z ada ben",
                "2026-10-20T12:00:00Z ada ben",
                "2026-10-26T08:00:00Z ada ben",
                "2026-11-09T08:00:00Z ada ben",
                "2026-11-16T08:00:00Z ada ben",
            ]
        );
        assert_eq!(
            found.passed,
            Passed { cancelled: 2, private: 1, all_day: 1, alone: 22, ..Passed::default() },
            "twenty days with nobody, a room and one who declined"
        );
        assert!(found.refusals.is_empty() && !found.has_floating && found.unknown_zones.is_empty(), "{found:?}");
    }

    /// Each series is within its own bound, and they would fill the memory together.
    #[test]
    fn series_have_a_bound_together() {
        let series =
            |number: usize| event(&format!("UID:{number}\r\nDTSTART:20000101T090000Z\r\nRRULE:FREQ=DAILY\r\n"));
        let days = usize::try_from(NOW.day().number() - 10_957 + 1).unwrap();
        let fits = CALENDAR_INSTANCES_MAX / days;
        let read = |count: usize| {
            let text = calendar(&(0..count).map(series).collect::<Vec<_>>().concat());
            read_meetings(&text, &settings(), &Addresses::of(&directory(&PEOPLE)))
        };
        assert_eq!(read(fits - 1).unwrap().passed.alone, u64::try_from((fits - 1) * days).unwrap());
        let refused = read(fits + 1).unwrap_err();
        assert_eq!(refused, NotCalendar::TooManyDates { max: CALENDAR_INSTANCES_MAX });
        assert!(refused.to_string().contains("repeat more than 1000000 times together"), "{refused}");
    }

    #[test]
    fn rules_end_when_they_say() {
        let dates = |rule: &str| -> Vec<String> {
            let start = "UID:1\r\nDTSTART;TZID=Europe/Berlin:20261012T090000\r\n";
            let found = read(&calendar(&event(&format!("{start}{rule}\r\n{BEN}"))));
            assert!(found.refusals.is_empty(), "{rule}: {:?}", found.refusals);
            happened(&found).iter().map(|line| line[5..10].to_owned()).collect()
        };
        assert_eq!(dates("RRULE:FREQ=DAILY;COUNT=3"), ["10-12", "10-13", "10-14"]);
        // The time of the last date, in UTC, is before the time that its clocks show.
        assert_eq!(dates("RRULE:FREQ=DAILY;UNTIL=20261014T070000Z"), ["10-12", "10-13", "10-14"]);
        assert_eq!(dates("RRULE:FREQ=DAILY;UNTIL=20261014T065959Z"), ["10-12", "10-13"]);
        assert_eq!(dates("RRULE:FREQ=DAILY;UNTIL=20261014T090000"), ["10-12", "10-13", "10-14"]);
        assert_eq!(dates("RRULE:FREQ=DAILY;UNTIL=20261014"), ["10-12", "10-13", "10-14"]);
        assert_eq!(
            dates("RRULE:FREQ=DAILY;COUNT=2\r\nRDATE;TZID=Europe/Berlin:20261101T090000,20261013T090000"),
            ["10-12", "10-13", "11-01"]
        );
        assert_eq!(dates("RDATE:20261101T080000Z"), ["10-12", "11-01"]);
        assert_eq!(dates("RDATE;VALUE=PERIOD:20261101T080000Z/PT1H"), ["10-12", "11-01"]);
        assert_eq!(dates("RRULE:FREQ=DAILY;COUNT=3\r\nEXDATE;VALUE=DATE:20261013"), ["10-12", "10-14"]);
        assert_eq!(dates("RRULE:FREQ=MONTHLY;BYDAY=2MO;COUNT=9"), ["10-12", "11-09"]);
        assert_eq!(dates("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), Vec::<String>::new());
    }

    #[test]
    fn a_series_from_here_on_is_moved_as_a_whole() {
        let series = format!("UID:1\r\nDTSTART:20261012T090000Z\r\nRRULE:FREQ=WEEKLY\r\n{BEN}");
        let later =
            format!("UID:1\r\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261102T090000Z\r\nDTSTART:20261103T100000Z\r\n{BEN}");
        let found = read(&calendar(&format!("{}{}", event(&series), event(&later))));
        let days: Vec<_> = happened(&found).iter().map(|line| line[5..16].to_owned()).collect();
        assert_eq!(days, ["10-12T09:00", "10-19T09:00", "10-26T09:00", "11-03T10:00", "11-10T10:00", "11-17T10:00"]);
    }

    #[test]
    fn the_newest_of_several_events_counts() {
        let old = format!("UID:1\r\nSEQUENCE:2\r\nDTSTART:20261012T090000Z\r\n{BEN}");
        let new = old.replace("SEQUENCE:2", "SEQUENCE:3").replace("T09", "T10");
        for text in [format!("{}{}", event(&old), event(&new)), format!("{}{}", event(&new), event(&old))] {
            assert_eq!(happened(&read(&calendar(&text))), ["2026-10-12T10:00:00Z ada ben"]);
        }
    }

    #[test]
    fn instances_keep_their_ids_when_they_are_moved() {
        let ids = |properties: &str| -> Vec<OccasionKey> {
            read(&calendar(&event(properties))).occasions.iter().map(|occasion| occasion.keys[0]).collect()
        };
        let all = |properties: &str| read(&calendar(&event(properties))).occasions[0].keys.clone();
        let single = format!("UID:1\r\nDTSTART:20261012T090000Z\r\n{BEN}");
        assert_eq!(ids(&single), ids(&single.replace("1012T09", "1013T11")));
        assert_ne!(ids(&single), ids(&single.replace("UID:1", "UID:2")));
        let daily = format!("{single}RRULE:FREQ=DAILY;COUNT=3\r\n");
        let moved = daily.replace("T09", "T10");
        assert_eq!((ids(&daily).len(), ids(&daily)), (3, ids(&moved)), "another hour");
        assert!(all(&daily).contains(&ids(&single)[0]), "it may have been a single event");
        assert!(all(&single).contains(&ids(&daily)[0]), "it may have been a series");
        let twice = format!("{single}RRULE:FREQ=DAILY;BYHOUR=9,15;COUNT=4\r\n");
        assert_eq!(ids(&twice).iter().collect::<std::collections::HashSet<_>>().len(), 4);
        let later = Settings { zone: "Asia/Tokyo".parse().unwrap(), ..settings() };
        let floating = daily.replace("0000Z", "0000");
        let there = read_with(&calendar(&event(&floating)), &later);
        let there: Vec<_> = there.occasions.iter().map(|occasion| occasion.keys[0]).collect();
        assert_eq!(there, ids(&floating), "wherever it is read");
    }

    #[test]
    fn times_without_a_known_zone_are_local_and_said_aloud() {
        let floating = read(&calendar(&event(&format!("UID:1\r\nDTSTART:20261102T090000\r\n{BEN}"))));
        assert_eq!((happened(&floating), floating.has_floating), (vec![MET.to_owned()], true));
        let unknown = read(&calendar(&event(&format!("UID:1\r\nDTSTART;TZID=Narnia:20261102T090000\r\n{BEN}"))));
        assert_eq!((happened(&unknown), unknown.has_floating), (vec![MET.to_owned()], false));
        assert_eq!(unknown.unknown_zones, BTreeSet::from(["Narnia".to_owned()]));
        let home = "BEGIN:VTIMEZONE\r\nTZID:Narnia\r\nX-LIC-LOCATION:Asia/Tokyo\r\nEND:VTIMEZONE\r\n";
        let text =
            calendar(&format!("{home}{}", event(&format!("UID:1\r\nDTSTART;TZID=Narnia:20261102T170000\r\n{BEN}"))));
        assert_eq!((happened(&read(&text)), read(&text).unknown_zones.len()), (vec![MET.to_owned()], 0));
    }

    #[test]
    fn broken_events_are_refused_alone() {
        let at = "DTSTART:20261102T090000Z\r\n";
        refused(at, "no UID");
        refused(&format!("UID: \r\n{at}"), "no UID");
        refused("UID:1\r\n", "no DTSTART");
        refused("UID:1\r\nDTSTART:soon\r\n", "DTSTART is no time");
        refused("UID:1\r\nDTSTART:20261302T090000Z\r\n", "DTSTART is no time");
        refused("UID:1\r\nDTSTART:20261102T250000Z\r\n", "DTSTART is no time");
        refused("UID:1\r\nDTSTART:16010101T000000Z\r\n", "DTSTART is no time");
        refused("UID:1\r\nDTSTART:99991231T000000Z\r\n", "DTSTART is no time");
        refused(&format!("UID:1\r\n{at}DTEND:20261102T080000Z\r\n"), "ends before it begins");
        refused(&format!("UID:1\r\n{at}DTEND:never\r\n"), "DTEND is no time");
        refused(&format!("UID:1\r\n{at}DURATION:-PT1H\r\n"), "DURATION is no time");
        refused(&format!("UID:1\r\n{at}DURATION:long\r\n"), "DURATION is no time");
        refused(&format!("UID:1\r\n{at}RECURRENCE-ID:then\r\n"), "RECURRENCE-ID is no time");
        refused(&format!("UID:1\r\n{at}RRULE:FREQ=SECONDLY\r\n"), "too often in a day");
        refused(
            &format!("UID:1\r\n{at}RRULE:FREQ=YEARLY;BYMINUTE=1,2,3,4,5,6,7;BYSECOND=1,2,3,4\r\n"),
            "too often in a day",
        );
        refused(&format!("UID:1\r\n{at}RRULE:FREQ=DAILY\r\nRRULE:FREQ=WEEKLY\r\n"), "several RRULEs");
        refused(&format!("UID:1\r\n{at}EXRULE:FREQ=DAILY\r\n"), "EXRULE");
        refused(&format!("UID:1\r\n{at}RDATE:then\r\n"), "RDATE is no time");
        refused(&format!("UID:1\r\n{at}EXDATE:then\r\n"), "EXDATE is no time");
        refused("UID:1\r\nDTSTART:19700101T090000Z\r\nRRULE:FREQ=DAILY\r\n", "more than 10000 times before today");
        refused(&format!("UID:1\r\n{at}SUMMARY:{}\r\n", "x".repeat(70_000)), "more than 65536 bytes");
    }

    #[test]
    fn odd_calendars_are_read_all_the_same() {
        let odd = [
            format!(
                "begin:vcalendar\nbegin:vevent\n{}end:vevent\nend:vcalendar",
                format!("{TIME}{BEN}").replace("\r\n", "\n")
            ),
            format!("\u{feff}{}", calendar(&event(&format!("{TIME}{BEN}")))),
            calendar(&event(&format!("{TIME}{BEN}"))).replace("\r\n", "\r"),
            calendar(&event(&format!("{TIME}{BEN}").replace("ben@x", "ben\r\n @x"))),
            calendar(&event(&format!("{TIME}{BEN}BEGIN:VALARM\r\nUID:9\r\nDTSTART:bad\r\nEND:VALARM\r\n"))),
            calendar(&event(&format!("{TIME}no colon here\r\n\r\n;:;=\r\n{BEN}"))),
            calendar(&event(&format!("{TIME}X-LONG:{}\r\n{BEN}", "x".repeat(1 << 20)))),
            calendar(&event(&format!("{TIME}{BEN}{BEN}{BEN}"))),
            format!("{}{}", calendar(""), calendar(&event(&format!("{TIME}{BEN}")))),
            calendar(&event(&format!("{TIME}{BEN}\0\u{202e}\r\n"))),
        ];
        for text in odd {
            let found = read(&text);
            assert_eq!(happened(&found), [MET], "{:?}", text.chars().take(300).collect::<String>());
            assert!(found.refusals.is_empty(), "{:?}", found.refusals);
        }
    }

    fn sample() -> String {
        let zone = "BEGIN:VTIMEZONE\r\nTZID:Home\r\nX-LIC-LOCATION:Europe/Berlin\r\nEND:VTIMEZONE\r\n";
        let series = format!(
            "UID:w\r\nDTSTART;TZID=Home:20261012T090000\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY;BYDAY=MO,2TU;UNTIL=20261118T080000Z\r\n\
             EXDATE;TZID=Home:20261102T090000\r\nRDATE;VALUE=PERIOD:20261103T090000Z/PT1H\r\n{BEN}"
        );
        let moved =
            format!("UID:w\r\nRECURRENCE-ID;RANGE=THISANDFUTURE:20261109T080000Z\r\nDTSTART:20261110T090000Z\r\n{BEN}");
        calendar(&format!(
            "{zone}{}{}{}",
            event(&series),
            event(&moved),
            event(&format!("{TIME}SUMMARY:a\\, b\r\n{BEN}"))
        ))
    }

    #[test]
    fn a_calendar_that_is_cut_off_anywhere_is_read() {
        let known = directory(&PEOPLE);
        let addresses = Addresses::of(&known);
        let text = sample();
        assert_eq!(happened(&read(&text)).len(), 7, "five Mondays, one more date, one event");
        for end in 0..text.len() {
            let _ = read_meetings(&text[..end], &settings(), &addresses);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_stop_the_reader(changes in prop::collection::vec((0..1_000_usize, any::<u8>()), 1..8)) {
            let known = directory(&PEOPLE);
            let mut bytes = sample().into_bytes();
            for (place, byte) in changes {
                let place = place % bytes.len();
                bytes[place] = byte;
            }
            let text = String::from_utf8_lossy(&bytes);
            let all = Settings { all_day: true, private: true, needs_answer: true, words: vec![DetailKind::Note], ..settings() };
            let _ = read_meetings(&text, &all, &Addresses::of(&known));
        }
    }
}
