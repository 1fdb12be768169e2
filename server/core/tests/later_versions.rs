//! Events of later versions: they cannot be appended, but those that a log already holds are read.

use kith_core::{
    arbitrary,
    detail::{Detail, DetailKind},
    event::{Event, Fact, HabitKind, Kind, Newer},
    filter::Filter,
    header::Header,
    prepare::Prepared,
};
use kith_proto::v1;
use proptest::prelude::*;
use prost::Message;
use std::convert::Infallible;

/// The bytes of an event with its fact replaced by a message in the field of that number.
fn with_fact(event: &Event, number: u32, message: &[u8]) -> Vec<u8> {
    let fact = Fact::Newer(Newer { number, bytes: message.to_vec() });
    Event { fact, ..event.clone() }.encode()
}

/// The bytes of an event whose fact, of `kith.v1`, has one field more.
fn with_longer_fact(event: &Event) -> Vec<u8> {
    let longer = Event { fact: Fact::Newer(longer(event)), ..event.clone() };
    longer.encode()
}

fn longer(event: &Event) -> Newer {
    let headless = Event { caused_by: Vec::new(), attributes: Vec::new(), details: Vec::new(), ..event.clone() };
    let with = headless.encode();
    let bare = Event { fact: Fact::Newer(Newer { number: 1_000, bytes: Vec::new() }), ..headless }.encode();
    let fact = &with[bare.len() - 3..];
    let (key, rest) = varint(fact);
    let (length, message) = varint(rest);
    assert_eq!(length, message.len() as u64, "the fact comes last");
    let mut bytes = message.to_vec();
    prost::encoding::string::encode(500, &"new".to_owned(), &mut bytes);
    Newer { number: u32::try_from(key >> 3).unwrap(), bytes }
}

fn varint(mut bytes: &[u8]) -> (u64, &[u8]) {
    let value = prost::encoding::decode_varint(&mut bytes).unwrap();
    (value, bytes)
}

proptest! {
    #[test]
    fn what_is_known_reads_the_same_either_way(event in arbitrary::event()) {
        prop_assert_eq!(Event::read(&event.encode()), Ok(event));
    }

    #[test]
    fn a_fact_of_a_later_version_is_kept_whole(
        event in arbitrary::event(),
        number in prop_oneof![20_u32..24, 35_u32..2_047],
        message in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let bytes = with_fact(&event, number, &message);
        prop_assert!(Event::decode(&bytes).is_err(), "it is not appended");
        let read = Event::read(&bytes).unwrap();
        prop_assert_eq!(read.encode(), bytes);
        prop_assert_eq!(read.kind(), Kind::Newer(number));
        prop_assert_eq!(Kind::parse(&read.kind().to_string()), Some(Kind::Newer(number)));
        prop_assert_eq!(&read, &Event { fact: Fact::Newer(Newer { number, bytes: message }), ..event });
    }

    #[test]
    fn a_field_of_a_later_version_is_passed_over(event in arbitrary::event()) {
        let bytes = with_longer_fact(&event);
        prop_assert!(Event::decode(&bytes).is_err(), "it is not appended");
        prop_assert_eq!(Event::read(&bytes), Ok(event));
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Event::read(&bytes);
    }
}

fn any_event() -> Event {
    let bytes = v1::Event {
        id: uuid::Uuid::from_u128(7 << 76 | 2 << 62 | 1).as_bytes().to_vec(),
        occurred_at: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
        scope: v1::Scope::Network.into(),
        salt: vec![1; 16],
        fact: Some(v1::event::Fact::Met(v1::Met { people: vec!["amina".into(), "ben".into()] })),
        ..v1::Event::default()
    };
    Event::decode(&bytes.encode_to_vec()).unwrap()
}

#[test]
fn directory_and_administration_of_later_versions_pass_every_filter() {
    let passes = |number| {
        let event = Event::read(&with_fact(&any_event(), number, b"")).unwrap();
        let entry = kith_core::entry::Entry {
            position: kith_core::position::Position::new(1),
            recorded_at: event.occurred_at,
            recorded_by: "token:a".parse().unwrap(),
            organisation: None,
            event_bytes: event.encode().into(),
            signature: None,
        };
        let header = Header::resolve(&entry, &event, |_| Ok::<_, Infallible>(None)).unwrap();
        Filter { kinds: vec![Kind::Habit(HabitKind::Met)], ..Filter::default() }.passes(&header)
    };
    assert!(passes(20) && passes(35) && passes(63));
    assert!(!passes(64) && !passes(90));
}

#[test]
fn an_attribute_of_an_unknown_type_is_passed_over() {
    let mut event = v1::Event::decode(&any_event().encode()[..]).unwrap();
    event.attributes = vec![v1::Attribute { key: "minutes".into(), value: Some(v1::attribute::Value::Integer(30)) }];
    let known = Event::decode(&event.encode_to_vec()).unwrap();
    let mut bytes = v1::Event { fact: None, ..event.clone() }.encode_to_vec();
    // key "until", and a value in field 6
    let attribute = [&[10, 5][..], b"until", &[50, 1, 1]].concat();
    let salt_at = bytes.windows(2).position(|pair| pair == [50, 16]).unwrap();
    let field = [&[42, u8::try_from(attribute.len()).unwrap()][..], &attribute].concat();
    bytes.splice(salt_at..salt_at, field);
    bytes.extend(v1::Event { fact: event.fact, ..v1::Event::default() }.encode_to_vec());
    assert!(Event::decode(&bytes).is_err(), "it is not appended");
    assert_eq!(Event::read(&bytes), Ok(known));
}

#[test]
fn malformed_bytes_are_of_no_version() {
    let mut bytes = any_event().encode();
    bytes.pop();
    assert!(Event::read(&bytes).is_err());
    assert!(Event::read(b"").is_err());
    let without_fact = v1::Event { fact: None, ..v1::Event::decode(&any_event().encode()[..]).unwrap() };
    assert!(Event::read(&without_fact.encode_to_vec()).is_err());
}

#[test]
fn a_detail_of_a_later_kind_is_read_and_not_appended() {
    let proto = v1::Detail { kind: 9, subjects: vec!["amina".into()], text: "words".into(), salt: vec![1; 32] };
    assert_eq!(Detail::from_proto(&proto).unwrap_err().field, "details.kind");
    let read = Detail::read(&proto).unwrap();
    assert_eq!((read.kind, read.to_proto()), (DetailKind::Newer(9), proto.clone()));
    for none in [0, 256, -1] {
        assert!(Detail::read(&v1::Detail { kind: none, ..proto.clone() }).is_err(), "{none}");
    }
    assert!(Prepared::from_event(&Event { details: vec![read.commitment()], ..any_event() }, &[read]).is_err());
}
