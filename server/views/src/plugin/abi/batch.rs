//! The packed batch of contract version 1: events and prior states in, new states out.
//!
//! The layout is specified in `plugins/wit/v1`, at `fold`. Lengths are checked before anything is read.

use crate::{
    contract::key::{Key, Order},
    limits,
};
use kith_core::event::{Attribute, AttributeValue};
use kith_core::position::Position;
use std::{ops::Deref, sync::Arc};

const LAYOUT: u16 = 1;
const HEADER_BYTES: usize = 24;
const SLOT_BYTES: u16 = 16;
const EVENT_BYTES: u16 = 40;

/// An event as a plugin sees it under one key. Events sort by key, then in fold order; those of one entry in the order
/// of their routes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FoldEvent {
    /// The key.
    pub(crate) key: Key,
    /// Its order within the key.
    pub(crate) order: Order,
    /// Index of the route.
    pub(crate) route: u16,
    /// Who acted; 0 if there is not exactly one such person.
    pub(crate) actor: u32,
    /// Whom it was done to; 0 if there is not exactly one such person.
    pub(crate) subject: u32,
    /// The third person: the referrer, or who answered; otherwise 0.
    pub(crate) third: u32,
    /// Number of people in the event besides the one it is seen under.
    pub(crate) others: u8,
    /// Low 2 bits: the answer.
    pub(crate) flags: u8,
    /// Packed attributes.
    pub(crate) extras: Extras,
}

/// The packed attributes of an event, shared by the keys that it is seen under; empty if there are none.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Extras(Option<Arc<Vec<u8>>>);

impl Extras {
    /// Bytes of memory that they take.
    pub(crate) fn bytes(&self) -> usize {
        /// The counts of the `Arc`, the vector, and what an allocation adds to both.
        const BYTES_BESIDE: usize = 48;
        self.0.as_ref().map_or(0, |packed| packed.len() + BYTES_BESIDE)
    }
}

impl Deref for Extras {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

/// A key's prior state and new events, in fold order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FoldSlot<'a> {
    /// The key.
    pub(crate) key: Key,
    /// The key's state; empty if it has none.
    pub(crate) state: &'a [u8],
    /// The key's new events.
    pub(crate) events: &'a [FoldEvent],
}

impl FoldSlot<'_> {
    /// Bytes that one event takes in a batch.
    pub(crate) fn event_bytes(event: &FoldEvent) -> usize {
        usize::from(EVENT_BYTES) + event.extras.len()
    }

    /// Bytes that a slot takes in a batch, without its events.
    pub(crate) fn slot_bytes(state: &[u8]) -> usize {
        usize::from(SLOT_BYTES) + state.len()
    }
}

/// Packs slots for `fold`.
pub(crate) fn encode_batch(slots: &[FoldSlot<'_>]) -> Vec<u8> {
    let events: usize = slots.iter().map(|slot| slot.events.len()).sum();
    let states: usize = slots.iter().map(|slot| slot.state.len()).sum();
    let extras: usize = slots.iter().flat_map(|slot| slot.events).map(|event| event.extras.len()).sum();
    let head = HEADER_BYTES + slots.len() * usize::from(SLOT_BYTES) + events * usize::from(EVENT_BYTES);
    let mut batch = Vec::with_capacity(head + states + extras);
    put_u16(&mut batch, LAYOUT);
    put_u16(&mut batch, SLOT_BYTES);
    put_u16(&mut batch, EVENT_BYTES);
    put_u16(&mut batch, 0);
    for count in [slots.len(), events, states, extras] {
        put_u32(&mut batch, count_u32(count));
    }
    for slot in slots {
        for word in [slot.key.a, slot.key.b, count_u32(slot.events.len()), count_u32(slot.state.len())] {
            put_u32(&mut batch, word);
        }
    }
    let mut offset = 0;
    for event in slots.iter().flat_map(|slot| slot.events) {
        put_event(&mut batch, event, offset);
        offset += event.extras.len();
    }
    for slot in slots {
        batch.extend_from_slice(slot.state);
    }
    for event in slots.iter().flat_map(|slot| slot.events) {
        batch.extend_from_slice(&event.extras);
    }
    batch
}

fn put_event(batch: &mut Vec<u8>, event: &FoldEvent, extras_before: usize) {
    batch.extend_from_slice(&event.order.position.get().to_le_bytes());
    batch.extend_from_slice(&event.order.at.to_le_bytes());
    for word in [event.actor, event.subject, event.third, u32::from(event.others)] {
        put_u32(batch, word);
    }
    put_u16(batch, event.route);
    put_u16(batch, event.flags.into());
    let extra = if event.extras.is_empty() { 0 } else { 1 + count_u32(extras_before) };
    put_u32(batch, extra);
}

/// What is wrong with the bytes that `fold` returned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OutputInvalid {
    /// The length does not match the lengths in the header.
    #[error("fold returned {found} bytes, not the {expected} that its lengths announce")]
    Length {
        /// The length according to the header.
        expected: usize,
        /// The length that was returned.
        found: usize,
    },
    /// A state is too large.
    #[error("a state has {found} bytes; at most {} are allowed", limits::STATE_BYTES_MAX)]
    StateTooLarge {
        /// The slot.
        slot: usize,
        /// Bytes of the state.
        found: usize,
    },
}

/// Splits the output into the new states of `slots` slots.
pub(crate) fn decode_states(output: &[u8], slots: usize) -> Result<Vec<&[u8]>, OutputInvalid> {
    let found = output.len();
    let Some((lengths, mut rest)) = output.split_at_checked(slots * 4) else {
        return Err(OutputInvalid::Length { expected: slots * 4, found });
    };
    let mut states = Vec::with_capacity(slots);
    let mut expected = lengths.len();
    for (slot, length) in lengths.chunks_exact(4).enumerate() {
        let length = u32::from_le_bytes(length.try_into().expect("chunks of four bytes")) as usize;
        if length > limits::STATE_BYTES_MAX {
            return Err(OutputInvalid::StateTooLarge { slot, found: length });
        }
        expected += length;
        let Some((state, after)) = rest.split_at_checked(length) else {
            return Err(OutputInvalid::Length { expected, found });
        };
        states.push(state);
        rest = after;
    }
    if rest.is_empty() { Ok(states) } else { Err(OutputInvalid::Length { expected, found }) }
}

const TAG_INTEGER: u8 = 1;
const TAG_NUMBER: u8 = 2;
const TAG_FLAG: u8 = 3;
const TAG_TEXT: u8 = 4;

/// Packs the values of one event: first the host's own, whose keys start with `@` and so sort first, then the
/// attributes, already sorted by key. Empty if there are no values.
pub(crate) fn encode_extras(category: Option<&str>, referral: Option<Position>, attributes: &[Attribute]) -> Extras {
    let mut extras = vec![0; 4];
    if let Some(category) = category {
        put_text(&mut extras, "@category", category);
    }
    if let Some(position) = referral {
        put_word(&mut extras, "@referral", TAG_INTEGER, position.get().to_le_bytes());
    }
    for Attribute { key, value } in attributes {
        match value {
            AttributeValue::Integer(integer) => put_word(&mut extras, key, TAG_INTEGER, integer.to_le_bytes()),
            AttributeValue::Number(number) => put_word(&mut extras, key, TAG_NUMBER, number.to_le_bytes()),
            AttributeValue::Flag(flag) => put_word(&mut extras, key, TAG_FLAG, u64::from(*flag).to_le_bytes()),
            AttributeValue::Text(text) => put_text(&mut extras, key, text),
        }
    }
    if extras.len() == 4 {
        return Extras::default();
    }
    let length = count_u32(extras.len() - 4);
    extras[..4].copy_from_slice(&length.to_le_bytes());
    Extras(Some(Arc::new(extras)))
}

fn put_key(extras: &mut Vec<u8>, key: &str, tag: u8) {
    put_u16(extras, u16::try_from(key.len()).expect("keys are at most 64 bytes"));
    extras.extend_from_slice(key.as_bytes());
    extras.push(tag);
}

fn put_word(extras: &mut Vec<u8>, key: &str, tag: u8, word: [u8; 8]) {
    put_key(extras, key, tag);
    extras.extend_from_slice(&word);
}

fn put_text(extras: &mut Vec<u8>, key: &str, text: &str) {
    put_key(extras, key, TAG_TEXT);
    put_u32(extras, count_u32(text.len()));
    extras.extend_from_slice(text.as_bytes());
}

fn put_u16(batch: &mut Vec<u8>, word: u16) {
    batch.extend_from_slice(&word.to_le_bytes());
}

fn put_u32(batch: &mut Vec<u8>, word: u32) {
    batch.extend_from_slice(&word.to_le_bytes());
}

fn count_u32(count: usize) -> u32 {
    u32::try_from(count).expect("calls are limited far below 2^32")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(position: u64, extras: Extras) -> FoldEvent {
        let (key, order) = (Key::pair(1, 2), Order { at: -5, position: Position::new(position) });
        let (actor, subject, third, others) = (1, 2, 3, 4);
        FoldEvent { key, order, route: 6, actor, subject, third, others, flags: 2, extras }
    }

    #[test]
    fn a_batch_has_the_written_layout() {
        let extras = encode_extras(Some("it"), None, &[]);
        let events = [event(9, Extras::default()), event(10, extras.clone())];
        let slots = [
            FoldSlot { key: Key::pair(1, 2), state: b"old", events: &events[..1] },
            FoldSlot { key: Key::person(7), state: b"", events: &events[1..] },
        ];
        let batch = encode_batch(&slots);
        let word = |at: usize| u32::from_le_bytes(batch[at..at + 4].try_into().unwrap()) as usize;
        assert_eq!(batch[..8], [1, 0, 16, 0, 40, 0, 0, 0]);
        assert_eq!([word(8), word(12), word(16), word(20)], [2, 2, 3, extras.len()]);
        assert_eq!([word(24), word(28), word(32), word(36)], [1, 2, 1, 3]);
        assert_eq!([word(40), word(44), word(48), word(52)], [7, 0, 1, 0]);
        assert_eq!(batch[56..64], 9_u64.to_le_bytes());
        assert_eq!(batch[64..72], (-5_i64).to_le_bytes());
        assert_eq!([word(72), word(76), word(80), word(84)], [1, 2, 3, 4]);
        assert_eq!(batch[88..92], [6, 0, 2, 0]);
        assert_eq!([word(92), word(132)], [0, 1]);
        assert_eq!(&batch[136..139], b"old");
        assert_eq!(batch[139..], extras[..]);
    }

    #[test]
    fn extras_are_sorted_with_the_hosts_keys_first() {
        let attributes = [
            Attribute { key: "a".into(), value: AttributeValue::Flag(true) },
            Attribute { key: "b".into(), value: AttributeValue::Number(0.5) },
        ];
        let extras = encode_extras(None, Some(Position::new(3)), &attributes);
        let mut expected = Vec::from((2 + 9 + 1 + 8 + 2 * (2 + 1 + 1 + 8) as u32).to_le_bytes());
        expected.extend_from_slice(b"\x09\0@referral\x01\x03\0\0\0\0\0\0\0");
        expected.extend_from_slice(b"\x01\0a\x03\x01\0\0\0\0\0\0\0");
        expected.extend_from_slice(b"\x01\0b\x02");
        expected.extend_from_slice(&0.5_f64.to_le_bytes());
        assert_eq!(extras[..], expected[..]);
        assert_eq!(encode_extras(None, None, &[]), Extras::default());
    }

    proptest! {
        #[test]
        fn states_read_back(states in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..10)) {
            let mut output = Vec::new();
            for state in &states {
                put_u32(&mut output, count_u32(state.len()));
            }
            for state in &states {
                output.extend_from_slice(state);
            }
            let expected: Vec<&[u8]> = states.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(decode_states(&output, states.len()), Ok(expected));
            output.push(0);
            prop_assert!(decode_states(&output, states.len()).is_err());
        }

        #[test]
        fn arbitrary_output_never_panics(output in proptest::collection::vec(any::<u8>(), 0..100), slots in 0..10_usize) {
            let _ = decode_states(&output, slots);
        }
    }

    #[test]
    fn a_state_over_the_limit_is_refused() {
        let mut output = count_u32(limits::STATE_BYTES_MAX + 1).to_le_bytes().to_vec();
        output.resize(4 + limits::STATE_BYTES_MAX + 1, 0);
        let expected = OutputInvalid::StateTooLarge { slot: 0, found: limits::STATE_BYTES_MAX + 1 };
        assert_eq!(decode_states(&output, 1), Err(expected));
    }
}
