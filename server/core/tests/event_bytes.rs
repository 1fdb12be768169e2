//! Event bytes: what is encoded reads back, and nothing but canonical bytes is read.

use kith_core::{
    arbitrary,
    event::{Event, Kind},
    invalid::Problem,
    prepare::Prepared,
};
use kith_proto::v1;
use proptest::{prelude::*, sample::Index};
use prost::Message;

/// A change to some bytes.
#[derive(Debug, Clone)]
enum Mutation {
    Replace(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Truncate(Index),
    Append(Vec<u8>),
    Repeat(Index, Index),
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Replace(at, byte) => *at.get_mut(bytes) = *byte,
            Self::Insert(at, byte) => bytes.insert(at.index(bytes.len() + 1), *byte),
            Self::Remove(at) => drop(bytes.remove(at.index(bytes.len()))),
            Self::Truncate(at) => bytes.truncate(at.index(bytes.len())),
            Self::Append(tail) => bytes.extend(tail),
            Self::Repeat(from, to) => {
                let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
                bytes.extend_from_within(from.min(to)..=from.max(to));
            }
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<Index>();
    prop_oneof![
        4 => (at, any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        2 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        1 => any::<Index>().prop_map(Mutation::Remove),
        1 => any::<Index>().prop_map(Mutation::Truncate),
        1 => proptest::collection::vec(any::<u8>(), 1..8).prop_map(Mutation::Append),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
    ]
}

proptest! {
    #[test]
    fn events_read_back(event in arbitrary::event()) {
        let bytes = event.encode();
        let read = Event::decode(&bytes).unwrap();
        prop_assert_eq!(read.encode(), bytes);
        prop_assert_eq!(read, event);
    }

    #[test]
    fn changed_bytes_are_refused_or_canonical(event in arbitrary::event(), mutation in mutation()) {
        let mut bytes = event.encode();
        mutation.apply(&mut bytes);
        match Event::decode(&bytes) {
            Ok(read) => prop_assert_eq!(read.encode(), bytes),
            Err(refused) => {
                let is_misshapen = matches!(refused.problem, Problem::Undecodable | Problem::NotCanonical);
                let same = v1::Event::decode(&bytes[..]).is_ok_and(|event| event.encode_to_vec() == bytes);
                prop_assert_eq!(is_misshapen, !same, "{}", refused);
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Event::decode(&bytes);
    }

    #[test]
    fn content_ignores_salt_and_details_only(
        prepared in arbitrary::prepared_of(&arbitrary::Names::any()),
        salt in any::<[u8; 16]>(),
        other in arbitrary::event(),
    ) {
        let event = &prepared.event;
        prop_assert_eq!(prepared.event.content_hash(), event.content_hash());
        let resalted = Event { salt, details: vec![[7; 32]; 8], ..event.clone() };
        prop_assert_eq!(resalted.content_hash(), event.content_hash());
        let changes = [
            Event { id: other.id, ..event.clone() },
            Event { occurred_at: other.occurred_at, ..event.clone() },
            Event { caused_by: vec![event.id, other.id], ..event.clone() },
            Event { fact: other.fact.clone(), ..event.clone() },
            Event { attributes: other.attributes.clone(), ..event.clone() },
        ];
        for changed in changes {
            prop_assert_eq!(changed.content_hash() == event.content_hash(), changed.encode() == event.encode());
        }
    }

    #[test]
    fn kinds_read_back(event in arbitrary::event()) {
        let kind = event.kind();
        prop_assert_eq!(Kind::parse(&kind.to_string()), Some(kind));
    }

    #[test]
    fn prepared_events_hold_their_bytes(prepared in arbitrary::prepared_of(&arbitrary::Names::any())) {
        prop_assert_eq!(&prepared.bytes[..], &prepared.event.encode()[..]);
        prop_assert_eq!(prepared.details.len(), prepared.event.details.len());
    }
}

#[test]
fn every_kind_has_one_name() {
    let names = [
        "met",
        "followed_up",
        "asked",
        "helped",
        "referred",
        "answered",
        "retracted",
        "organisation_added",
        "person_added",
        "person_changed",
        "people_merged",
        "plugin_installed",
        "plugin_activated",
        "plugin_paused",
        "plugin_removed",
        "member_changed",
        "token_issued",
        "token_revoked",
        "person_erased",
        "erasure_completed",
        "hold_changed",
        "log_restored",
        "custom:org.example/visit.v1",
    ];
    for name in names {
        assert_eq!(Kind::parse(name).map(|kind| kind.to_string()).as_deref(), Some(name));
    }
    for name in ["", "Met", "custom", "custom:", "custom:visit", "custom:a/b/c", "custom:A/b"] {
        assert_eq!(Kind::parse(name), None, "{name}");
    }
}

/// One event whose fields each hold something.
fn event() -> v1::Event {
    v1::Event {
        id: vec![0x01, 0x8f, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 1],
        occurred_at: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
        scope: v1::Scope::Network.into(),
        salt: vec![9; 16],
        fact: Some(v1::event::Fact::Met(v1::Met { people: vec!["amina".into(), "ben".into()] })),
        ..v1::Event::default()
    }
}

fn check(bytes: &[u8], problem: &Problem) {
    let refused = Event::decode(bytes).unwrap_err();
    assert_eq!((refused.field.as_str(), &refused.problem), ("event", problem));
}

#[test]
fn only_canonical_bytes_are_read() {
    let bytes = event().encode_to_vec();
    assert!(Event::decode(&bytes).is_ok());
    let unknown_field = [&bytes[..], &[0xa0, 0x06, 0x01]].concat();
    check(&unknown_field, &Problem::NotCanonical);
    let without_fact = v1::Event { fact: None, ..event() }.encode_to_vec();
    let fact_of_another_time = [&without_fact[..], &[0xfa, 0xff, 0xff, 0xff, 0x0f, 0x00]].concat();
    check(&fact_of_another_time, &Problem::NotCanonical);
    let without_scope = v1::Event { scope: 0, ..event() }.encode_to_vec();
    let out_of_order = [&without_scope[..], &v1::Event { scope: 1, ..v1::Event::default() }.encode_to_vec()].concat();
    check(&out_of_order, &Problem::NotCanonical);
    let id_twice = [&bytes[..18], &bytes[..]].concat();
    check(&id_twice, &Problem::NotCanonical);
    let default_written = [&bytes[..18], &[0x22, 0x00], &bytes[18..]].concat();
    assert!(Event::decode(&default_written).is_err(), "an empty cause is not an id");
    check(&bytes[..bytes.len() - 1], &Problem::Undecodable);
    check(&[0xff; 20], &Problem::Undecodable);
}

#[test]
fn nested_unknown_fields_are_refused() {
    let mut bytes = event().encode_to_vec();
    let met = [&[0x42, 0x0c][..], b"\x0a\x05amina\x0a\x03ben"].concat();
    assert!(bytes.ends_with(&met), "the fact comes last");
    bytes.truncate(bytes.len() - met.len());
    bytes.extend([&[0x42, 0x0e][..], b"\x0a\x05amina\x0a\x03ben", &[0x10, 0x01]].concat());
    check(&bytes, &Problem::NotCanonical);
}

#[test]
fn an_events_own_details_are_needed() {
    let new =
        |event: v1::Event, details| v1::NewEvent { event: event.encode_to_vec().into(), details, ..Default::default() };
    let detail = v1::Detail {
        kind: v1::DetailKind::Note.into(),
        subjects: vec!["amina".into()],
        text: "tea".into(),
        salt: vec![1; 32],
    };
    let commitment = kith_core::detail::Detail::from_proto(&detail).unwrap().commitment();
    let committed = v1::Event { details: vec![commitment.into()], ..event() };
    assert!(Prepared::new(&new(committed.clone(), vec![detail.clone()])).is_ok());
    for (event, details) in [
        (committed.clone(), vec![]),
        (event(), vec![detail.clone()]),
        (committed.clone(), vec![v1::Detail { text: "coffee".into(), ..detail.clone() }]),
        (committed.clone(), vec![detail.clone(), detail.clone()]),
    ] {
        let refused = Prepared::new(&new(event, details)).unwrap_err();
        assert_eq!((refused.field.as_str(), refused.problem), ("details", Problem::DetailsMismatch));
    }
    let refused = Prepared::new(&new(committed, vec![detail; 9])).unwrap_err();
    assert_eq!((refused.field.as_str(), refused.problem), ("details", Problem::TooMany { max: 8, found: 9 }));
}

#[test]
fn signatures_are_refused_while_nothing_verifies_them() {
    let signed = |signature: Vec<u8>| {
        Prepared::new(&v1::NewEvent { event: event().encode_to_vec().into(), details: vec![], signature })
    };
    assert!(signed(vec![]).is_ok());
    for length in [1, 63, 64, 65] {
        let refused = signed(vec![7; length]).unwrap_err();
        assert_eq!((refused.field.as_str(), refused.problem), ("signature", Problem::SignatureUnverified));
    }
}
