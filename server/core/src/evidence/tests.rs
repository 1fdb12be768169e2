//! Tests of bundles: a log of a few entries, of which every part is altered.

use super::*;
use crate::{
    checkpoint::{Checkpoint, LogOrigin, SignedCheckpoint, SigningKey, VerifierKey},
    detail::{Detail, DetailKind},
    entry::Entry,
    event::{Administration, Event, Fact, Habit, Met, Role, Scope},
    id::EventId,
    position::Position,
    timestamp::Timestamp,
    tree::{Frontier, Hash, Subtree, leaf_hash},
};
use bytes::Bytes;
use proptest::prelude::*;

fn signer() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

fn origin() -> LogOrigin {
    LogOrigin::of(&"north".parse().unwrap(), &[3; 16])
}

fn key() -> VerifierKey {
    signer().verifier(&origin())
}

fn id(number: u8) -> EventId {
    crate::arbitrary::numbered_event(number.into())
}

fn detail(kind: DetailKind, text: &str) -> Detail {
    Detail { kind, subjects: vec!["amina".parse().unwrap()], text: text.into(), salt: [9; 32] }
}

/// An entry at a position, of an event with the number of its position.
fn entry(position: u8, fact: Fact, details: &[Detail]) -> Bytes {
    let event = Event {
        id: id(position),
        occurred_at: Timestamp::from_millis(1_000),
        scope: Scope::Network,
        caused_by: Vec::new(),
        attributes: Vec::new(),
        salt: [1; 16],
        details: details.iter().map(Detail::commitment).collect(),
        fact,
    };
    let entry = Entry {
        position: Position::new(position.into()),
        recorded_at: Timestamp::from_millis(2_000),
        recorded_by: "token:a".parse().unwrap(),
        organisation: None,
        event_bytes: event.encode().into(),
        signature: None,
    };
    entry.encode()
}

fn met(position: u8, details: &[Detail]) -> Bytes {
    let people = vec!["amina".parse().unwrap(), "ben".parse().unwrap()];
    entry(position, Fact::Habit(Habit::Met(Met { people })), details)
}

fn person_erased(position: u8) -> Bytes {
    let (person, reason) = ("amina".parse().unwrap(), "withdrawn".parse().unwrap());
    entry(position, Fact::Administration(Administration::PersonErased { person, reason, reference: None }), &[])
}

fn details_erased(position: u8, of: u8, index: u32) -> Bytes {
    let (event, reason) = (id(of), "error".parse().unwrap());
    let details = vec![index];
    let fact = Administration::DetailsErased { event, details, reason, reference: None };
    entry(position, Fact::Administration(fact), &[])
}

fn leaf(entry: &Bytes) -> Hash {
    leaf_hash(entry)
}

fn root(entries: &[Bytes]) -> Hash {
    let mut frontier = Frontier::new();
    for entry in entries {
        frontier.push(leaf(entry));
    }
    frontier.root()
}

fn heading(entries: &[Bytes]) -> Heading {
    let checkpoint = Checkpoint { origin: origin(), size: entries.len() as u64, root: root(entries) };
    Heading {
        network: "north".parse().unwrap(),
        about: About::Between(["amina".parse().unwrap(), "ben".parse().unwrap()]),
        people: vec![vec!["amina".parse().unwrap(), "p-7".parse().unwrap()], vec!["ben".parse().unwrap()]],
        disclosed: "name,note".parse().unwrap(),
        checkpoint: SignedCheckpoint::sign(checkpoint, &signer()),
        key: key(),
        made_at: Timestamp::from_millis(1_795_435_200_123),
        complete: Completeness::AsSeenBy { role: Role::Auditor, organisation: Some("riverside".parse().unwrap()) },
    }
}

fn given(position: u64, entry: &Bytes, details: Vec<ShownDetail>) -> Line {
    Line::Entry(EntryLine { position: Position::new(position), entry: entry.clone(), details })
}

/// A bundle as text: five entries, of which the first two are left out as one hash.
fn bundle() -> Vec<String> {
    let words = [detail(DetailKind::Note, "spoke \"again\" é"), detail(DetailKind::Place, "ward")];
    let entries = [met(1, &[]), met(2, &[]), met(3, &words), met(4, &words[..1]), person_erased(5)];
    let pair = Subtree { start: 0, level: 1, hash: root(&entries[..2]) };
    let lines = [
        Line::LeftOut(pair),
        given(3, &entries[2], vec![ShownDetail::of(&words[0]), ShownDetail::Withheld]),
        given(4, &entries[3], vec![ShownDetail::Erased(Position::new(5))]),
        given(5, &entries[4], Vec::new()),
    ];
    std::iter::once(heading(&entries).to_string()).chain(lines.iter().map(Line::to_string)).collect()
}

fn verify(lines: &[String]) -> Result<Vec<Shown>, EvidenceInvalid> {
    let (first, rest) = lines.split_first().ok_or(EvidenceInvalid::OtherFormat)?;
    let mut verifier = Verifier::begin(&Heading::parse(first)?, &key())?;
    let shown = rest.iter().map(|line| verifier.take(Line::parse(line)?)).collect::<Result<_, _>>()?;
    verifier.finish()?;
    Ok(shown)
}

/// Verifies lines over a log of these entries.
fn verify_over(entries: &[Bytes], lines: &[Line]) -> Result<(), EvidenceInvalid> {
    let text = std::iter::once(heading(entries).to_string()).chain(lines.iter().map(Line::to_string));
    verify(&text.collect::<Vec<_>>()).map(drop)
}

#[test]
fn a_bundle_reads_back_and_shows_its_words() {
    let lines = bundle();
    assert_eq!(Heading::parse(&lines[0]).unwrap().to_string(), lines[0]);
    let start = r#"{"format":"kith-evidence/1","network":"north","about":{"between":["amina","ben"]},"#;
    let filter = r#""filter":{"people":[["amina","p-7"],["ben"]],"disclose":"name,note"},"checkpoint":"kith/north/"#;
    let end = r#","made_at":"2026-11-23T12:00:00.123Z","complete":"as seen by auditor of riverside"}"#;
    assert!(lines[0].starts_with(&format!("{start}{filter}")) && lines[0].ends_with(end), "{}", lines[0]);
    assert!(lines[1].starts_with(r#"{"left_out":0,"level":1,"hash":""#), "{}", lines[1]);
    assert!(lines[2].ends_with(r#""},{"withheld":true}]}"#) && lines[2].contains(r#""details":[{"salt":""#));
    assert!(lines[3].ends_with(r#""details":[{"erased_at":5}]}"#), "{}", lines[3]);
    let shown = verify(&lines).unwrap();
    let Shown::Entry(third) = &shown[1] else { panic!("{shown:?}") };
    assert_eq!(third.details, [(0, detail(DetailKind::Note, "spoke \"again\" é"))]);
    let Shown::Entry(fourth) = &shown[2] else { panic!("{shown:?}") };
    assert_eq!(fourth.erased, [(0, Position::new(5))]);
}

#[test]
fn lines_that_are_missing_moved_or_there_twice_are_refused() {
    let good = bundle();
    for at in 1..good.len() {
        let mut lines = good.clone();
        lines.remove(at);
        assert!(verify(&lines).is_err(), "without line {at}");
        let mut lines = good.clone();
        lines.insert(at, good[at].clone());
        assert!(verify(&lines).is_err(), "line {at} twice");
        if at + 1 < good.len() {
            let mut lines = good.clone();
            lines.swap(at, at + 1);
            assert!(verify(&lines).is_err(), "line {at} later");
        }
    }
    let more = [good.clone(), vec![good[4].clone()]].concat();
    assert_eq!(verify(&more), Err(EvidenceInvalid::BeyondCheckpoint { size: 5 }));
    assert_eq!(verify(&good[..4]), Err(EvidenceInvalid::CutOff { found: 4, size: 5 }));
}

#[test]
fn hidden_words_leave_everything_proved() {
    let mut lines = bundle();
    let Line::Entry(mut third) = Line::parse(&lines[2]).unwrap() else { panic!("it is an entry") };
    third.details[0] = ShownDetail::Withheld;
    lines[2] = Line::Entry(third).to_string();
    assert!(verify(&lines).is_ok());
}

#[test]
fn an_erased_detail_needs_the_entry_that_erased_it() {
    let words = [detail(DetailKind::Note, "a"), detail(DetailKind::Note, "b")];
    let erased = |by| vec![ShownDetail::Erased(Position::new(by)), ShownDetail::Withheld];
    let check = |eraser: Bytes, by: u64, expected: Result<(), EvidenceInvalid>| {
        let entries = [met(1, &words), eraser];
        let lines = vec![given(1, &entries[0], erased(by)), given(2, &entries[1], Vec::new())];
        assert_eq!(verify_over(&entries, &lines), expected);
    };
    let refused = |position| Err(EvidenceInvalid::NotErased { position: Position::new(position) });
    check(person_erased(2), 2, Ok(()));
    check(details_erased(2, 1, 0), 2, Ok(()));
    check(details_erased(2, 1, 1), 2, refused(2));
    check(details_erased(2, 7, 0), 2, refused(2));
    check(met(2, &[]), 2, refused(2));
    for by in [0, 1, 3, u64::MAX] {
        check(person_erased(2), by, refused(by));
    }
    let entries = [met(1, &words), person_erased(2)];
    let left_out = Line::LeftOut(Subtree { start: 1, level: 0, hash: leaf(&entries[1]) });
    assert_eq!(verify_over(&entries, &[given(1, &entries[0], erased(2)), left_out]), refused(2));
    // One entry erases the details of one event, or all words about a person.
    let several = |eraser: Bytes| {
        let entries = [met(1, &words), met(2, &words), eraser];
        let lines = (1..)
            .zip(&entries)
            .map(|(position, entry)| given(position, entry, if position < 3 { erased(3) } else { Vec::new() }));
        verify_over(&entries, &lines.collect::<Vec<_>>())
    };
    assert_eq!(several(person_erased(3)), Ok(()));
    assert_eq!(several(details_erased(3, 1, 0)), refused(3));
}

#[test]
fn a_range_is_complete_or_refused() {
    let entries = [met(1, &[]), met(2, &[]), met(3, &[]), met(4, &[])];
    let check = |first, last, shown: &[u64], expected: Result<(), EvidenceInvalid>| {
        let about = About::Range { first: Position::new(first), last: Position::new(last) };
        let heading =
            Heading { about, people: Vec::new(), complete: Completeness::Range, ..heading(&entries) }.to_string();
        let lines = (1..).zip(&entries).map(|(position, entry)| {
            if shown.contains(&position) {
                return given(position, entry, Vec::new()).to_string();
            }
            Line::LeftOut(Subtree { start: position - 1, level: 0, hash: leaf(entry) }).to_string()
        });
        let lines: Vec<_> = std::iter::once(heading).chain(lines).collect();
        assert_eq!(verify(&lines).map(drop), expected, "{first}..{last}");
    };
    let incomplete =
        |first, last| Err(EvidenceInvalid::RangeIncomplete { first: Position::new(first), last: Position::new(last) });
    check(2, 3, &[2, 3], Ok(()));
    check(2, 3, &[2], incomplete(2, 3));
    check(2, 3, &[3, 4], incomplete(2, 3));
    check(1, 4, &[1, 2, 3, 4], Ok(()));
    check(4, 5, &[4], incomplete(4, 5));
}

#[test]
fn what_has_another_spelling_is_no_line() {
    let lines = bundle();
    let spaced = |line: &str| line.replacen(':', ": ", 1);
    for line in &lines {
        for other in [spaced(line), format!("{line} "), format!("\u{feff}{line}"), format!("{line}\r"), String::new()] {
            assert!(Heading::parse(&other).is_err() && Line::parse(&other).is_err(), "{other:?}");
        }
    }
    for line in [
        r#"{"level":0,"left_out":0,"hash":"AAAA"}"#,
        r#"{"left_out":0,"left_out":0,"level":0,"hash":"AAAA"}"#,
        r#"{"left_out":1e0,"level":0,"hash":"AAAA"}"#,
        r#"{"left_out":18446744073709551616,"level":0,"hash":"AAAA"}"#,
        r#"{"left_out":0,"level":256,"hash":"AAAA"}"#,
        r#"{"position":1,"entry":"Zh==","details":[]}"#,
        r#"{"position":1,"entry":"Zg","details":[]}"#,
        r#"{"position":1,"entry":"Zg==","details":[{}]}"#,
        r#"{"position":1,"entry":"Zg==","details":[{"withheld":false}]}"#,
        r#"{"position":1,"entry":"Zg==","details":[{"withheld":true,"erased_at":2}]}"#,
        r#"{"position":1,"entry":"Zg==","details":[],"more":1}"#,
        "[]",
        "null",
    ] {
        assert!(Line::parse(line).is_err(), "{line}");
    }
    let later = lines[0].replace("kith-evidence/1", "kith-evidence/2").replace("\"complete\"", "\"whole\"");
    assert_eq!(Heading::parse(&later), Err(EvidenceInvalid::OtherFormat));
    let claims = lines[0].replace("as seen by auditor of riverside", "range");
    assert!(Heading::parse(&claims).is_err(), "a pair is no range");
}

#[test]
fn kinds_of_details_are_said_in_one_way() {
    for text in ["all", "none", "name", "name,note", "contact,place,words,newer:9"] {
        assert_eq!(text.parse::<Disclosure>().unwrap().to_string(), text);
    }
    assert!("note".parse::<Disclosure>().unwrap().includes(DetailKind::Note));
    assert!(!"name".parse::<Disclosure>().unwrap().includes(DetailKind::Note));
    for text in ["", "notes", "name,", "all,none", "newer:1", "newer:09", "newer:256"] {
        assert!(text.parse::<Disclosure>().is_err(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn every_altered_byte_below_the_first_line_is_refused(line in 1_usize..5, at: prop::sample::Index, to in 1_u8..128) {
        let mut lines = bundle();
        let mut bytes = lines[line].clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = (bytes[at] + to) % 128;
        lines[line] = String::from_utf8(bytes).unwrap();
        prop_assert!(verify(&lines).is_err(), "{}", lines[line]);
    }

    #[test]
    fn no_text_makes_the_readers_panic(text in r#"(\{"left_out":|\{"position":|\{"format":"kith-evidence/1",|[0-9"\[\]{},:A-Za-z=]){0,40}"#) {
        if let Ok(line) = Line::parse(&text) {
            prop_assert_eq!(line.to_string(), text.clone());
        }
        if let Ok(heading) = Heading::parse(&text) {
            prop_assert_eq!(heading.to_string(), text);
        }
    }

    #[test]
    fn no_lines_make_the_verifier_panic(starts in prop::collection::vec((any::<u64>(), any::<u8>()), 0..6)) {
        let mut verifier = Verifier::begin(&heading(&[met(1, &[]), met(2, &[])]), &key()).unwrap();
        for (start, level) in starts {
            let hash = leaf(&Bytes::new());
            if verifier.take(Line::LeftOut(Subtree { start, level, hash })).is_err() {
                return Ok(());
            }
        }
        let _ = verifier.finish();
    }
}
