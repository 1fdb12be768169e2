//! Batches, extras and states are read as they were packed, and anything else is refused.

use super::*;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum OwnedExtra {
    Integer(i64),
    Number(f64),
    Flag(bool),
    Text(String),
}

impl OwnedExtra {
    fn borrow(&self) -> Extra<'_> {
        match self {
            Self::Integer(integer) => Extra::Integer(*integer),
            Self::Number(number) => Extra::Number(*number),
            Self::Flag(flag) => Extra::Flag(*flag),
            Self::Text(text) => Extra::Text(text),
        }
    }
}

type OwnedSlot = (Key, Vec<u8>, Vec<(Event<'static>, Vec<u8>)>);

fn extras() -> impl Strategy<Value = Vec<(String, OwnedExtra)>> {
    let value = prop_oneof![
        any::<i64>().prop_map(OwnedExtra::Integer),
        (-1e9..1e9).prop_map(OwnedExtra::Number),
        any::<bool>().prop_map(OwnedExtra::Flag),
        ".{0,20}".prop_map(OwnedExtra::Text),
    ];
    btree_map("[@a-z0-9_.-]{1,8}", value, 0..4).prop_map(|values| values.into_iter().collect())
}

fn packed_extras() -> impl Strategy<Value = Vec<u8>> {
    extras().prop_map(|values| {
        let borrowed: Vec<_> = values.iter().map(|(key, value)| (key.as_str(), value.borrow())).collect();
        encode_extras(&borrowed)
    })
}

fn event() -> impl Strategy<Value = Event<'static>> {
    let people = any::<[u32; 4]>();
    (any::<u64>(), any::<i64>(), people, any::<u16>(), any::<u16>()).prop_map(
        |(position, at, [actor, subject, third, others], kind, flags)| Event {
            position: Position(position),
            at,
            actor: Person(actor),
            subject: Person(subject),
            third: Person(third),
            others,
            kind,
            flags,
            extras: Extras::default(),
        },
    )
}

fn slots() -> impl Strategy<Value = Vec<OwnedSlot>> {
    let key = any::<[u32; 2]>().prop_map(|[a, b]| Key { a: Person(a), b: Person(b) });
    vec((key, vec(any::<u8>(), 0..9), vec((event(), packed_extras()), 0..5)), 0..5)
}

fn with_extras(owned: &[OwnedSlot]) -> Vec<Vec<Event<'_>>> {
    owned
        .iter()
        .map(|(_, _, events)| {
            events.iter().map(|(event, extras)| Event { extras: Extras::parse(extras).unwrap(), ..*event }).collect()
        })
        .collect()
}

fn encode(owned: &[OwnedSlot], events: &[Vec<Event<'_>>]) -> Vec<u8> {
    let slots: Vec<_> =
        owned.iter().zip(events).map(|((key, state, _), events)| Slot { key: *key, state, events }).collect();
    encode_batch(&slots)
}

fn read_all(bytes: &[u8]) -> Result<Vec<(Key, Vec<u8>, usize)>, BatchError> {
    let mut batch = Batch::parse(bytes)?;
    let mut events = Vec::new();
    let mut found = Vec::new();
    while let Some((key, state)) = batch.next_slot(&mut events)? {
        found.push((key, state.to_vec(), events.len()));
    }
    Ok(found)
}

proptest! {
    #[test]
    fn a_batch_comes_back(owned in slots()) {
        let expected = with_extras(&owned);
        let bytes = encode(&owned, &expected);
        let mut batch = Batch::parse(&bytes).unwrap();
        let mut events = Vec::new();
        for ((key, state, _), expected) in owned.iter().zip(&expected) {
            let found = batch.next_slot(&mut events).unwrap();
            prop_assert_eq!(found, Some((*key, state.as_slice())));
            prop_assert_eq!(&events, expected);
        }
        prop_assert_eq!(batch.next_slot(&mut events), Ok(None));
    }

    #[test]
    fn longer_rows_are_stepped_over(owned in slots()) {
        let events = with_extras(&owned);
        let bytes = encode(&owned, &events);
        prop_assert_eq!(read_all(&widen(&bytes)), read_all(&bytes));
    }

    #[test]
    fn a_batch_cut_or_extended_is_refused(owned in slots(), cut in any::<prop::sample::Index>()) {
        let events = with_extras(&owned);
        let mut bytes = encode(&owned, &events);
        prop_assert!(read_all(&bytes[..cut.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert_eq!(read_all(&bytes), Err(BatchError::Length));
    }

    #[test]
    fn no_bytes_make_it_panic(owned in slots(), at in any::<prop::sample::Index>(), byte: u8) {
        let events = with_extras(&owned);
        let mut bytes = encode(&owned, &events);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = read_all(&bytes);
    }

    #[test]
    fn extras_come_back(values in extras()) {
        let mut borrowed: Vec<_> =
            values.iter().map(|(key, value)| (key.as_str(), value.borrow())).collect();
        borrowed.reverse();
        let bytes = encode_extras(&borrowed);
        borrowed.reverse();
        prop_assert_eq!(Extras::parse(&bytes).unwrap().iter().collect::<Vec<_>>(), borrowed);
    }

    #[test]
    fn states_come_back(states in vec(vec(any::<u8>(), 0..9), 0..6)) {
        let bytes = encode_states(&states);
        let found = decode_states(&bytes, states.len()).unwrap();
        prop_assert_eq!(&found, &states);
        let longer = [bytes.as_slice(), &[0]].concat();
        prop_assert_eq!(decode_states(&longer, states.len()), Err(Malformed));
    }
}

/// The same batch with 4 bytes more in every slot and 8 in every event.
fn widen(bytes: &[u8]) -> Vec<u8> {
    let count = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let slots_end = HEADER_BYTES + count(8) * SLOT_BYTES;
    let events_end = slots_end + count(12) * EVENT_BYTES;
    let mut wide = bytes[..HEADER_BYTES].to_vec();
    wide[2..6].copy_from_slice(&[20, 0, 48, 0]);
    for slot in bytes[HEADER_BYTES..slots_end].chunks(SLOT_BYTES) {
        wide.extend_from_slice(slot);
        wide.extend_from_slice(&[0xaa; 4]);
    }
    for event in bytes[slots_end..events_end].chunks(EVENT_BYTES) {
        wide.extend_from_slice(event);
        wide.extend_from_slice(&[0xbb; 8]);
    }
    wide.extend_from_slice(&bytes[events_end..]);
    wide
}

#[test]
fn the_layout_is_as_documented() {
    let extras = encode_extras(&[("@referral", Extra::Integer(7)), ("ok", Extra::Flag(true))]);
    let event = Event {
        position: Position(0x0102),
        at: -1,
        actor: Person(3),
        subject: Person(4),
        third: Person(5),
        others: 6,
        kind: 8,
        flags: 2,
        extras: Extras::parse(&extras).unwrap(),
    };
    let key = Key::pair(9, 10);
    let bytes = encode_batch(&[Slot { key, state: b"xyz", events: &[event] }]);
    let mut expected = vec![1, 0, 16, 0, 40, 0, 0, 0];
    expected.extend([1, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 37, 0, 0, 0]);
    expected.extend([9, 0, 0, 0, 10, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0]);
    expected.extend([2, 1, 0, 0, 0, 0, 0, 0]);
    expected.extend([0xff; 8]);
    expected.extend([3, 0, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 8, 0, 2, 0, 1, 0, 0, 0]);
    expected.extend(b"xyz");
    expected.extend([33, 0, 0, 0]);
    expected.extend(b"\x09\0@referral\x01\x07\0\0\0\0\0\0\0");
    expected.extend(b"\x02\0ok\x03\x01\0\0\0\0\0\0\0");
    assert_eq!(bytes, expected);
    assert_eq!(event.referral(), Some(Position(7)));
    assert_eq!(event.attribute("ok"), Some(Extra::Flag(true)));
}

#[test]
fn a_newer_layout_and_unsorted_extras_are_refused() {
    let mut bytes = encode_batch(&[]);
    bytes[0] = 2;
    assert_eq!(read_all(&bytes), Err(BatchError::Layout(2)));
    let two = [("b", Extra::Integer(1)), ("a", Extra::Integer(1))];
    let unsorted: Vec<u8> = two.iter().flat_map(|pair| encode_extras(&[*pair])).collect();
    assert_eq!(Extras::parse(&unsorted), Err(Malformed));
}
