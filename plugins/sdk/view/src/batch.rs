//! The packed batch, in both directions, without any generated code: a host can test its own
//! encoder against it. Refuses every form that [`encode_batch`] would not write, except rows that
//! are longer than known.
//!
//! All integers are little-endian; nothing is aligned or padded. Offsets in bytes:
//!
//! ```text
//! in:      header | slots | events | prior states, end to end | extras
//! header   0 layout u16 = 1    2 slot size u16 = 16   4 event size u16 = 40   6 zero u16
//!          8 slots u32        12 events u32          16 bytes of states u32  20 bytes of extras u32
//! slot     0 a u32   4 b u32   8 events u32   12 bytes of its prior state u32 (0: none)
//! event    0 position u64   8 at s64 ms   16 actor u32   20 subject u32   24 third u32
//!         28 others u32    32 kind u16   34 flags u16   36 extra u32 (1 + offset in extras; 0: none)
//! extras   per event that has any: bytes that follow u32, then values in the order of their keys' bytes:
//!          bytes of the key u16, key, tag u8, value
//!          tag 1 integer s64 | 2 number f64 | 3 flag s64 0 or 1 | 4 text: bytes u32, UTF-8
//! out:     bytes of each new state u32, in slot order (0 drops the key) | the states, end to end
//! ```
//!
//! Events are grouped by slot, in slot order. Slots and events may grow at the end, so a reader steps
//! by the header's sizes. Keys of attributes are `[a-z0-9_.-]`; keys with `@` are the host's:
//! `@category` (text) and `@referral` (integer: a position).

use std::fmt;

use crate::event::{Event, Extra, Extras, Key, put_extra};
use crate::pack::{Packer, Unpacker};
use kith_plugin_words::{Malformed, Person, Position};

/// The layout this module reads and writes.
pub const LAYOUT: u16 = 1;
/// Bytes of the header.
pub const HEADER_BYTES: usize = 24;
/// Bytes of a slot.
pub const SLOT_BYTES: usize = 16;
/// Bytes of an event.
pub const EVENT_BYTES: usize = 40;

/// Why a batch cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchError {
    /// The layout has a version that is not known here.
    Layout(u16),
    /// Slots or events are shorter than in this layout.
    RowSize,
    /// The parts do not add up to the batch.
    Length,
    /// The events or states of the slots do not add up to those of the header.
    Count,
    /// The extras of the event at this position cannot be read.
    Extras(Position),
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Layout(layout) => write!(f, "batch has layout {layout}, not {LAYOUT}"),
            Self::RowSize => f.write_str("batch has slots or events that are too short"),
            Self::Length => f.write_str("batch has another length than its header says"),
            Self::Count => f.write_str("slots do not add up to the batch"),
            Self::Extras(at) => write!(f, "extras of the event at {} are malformed", at.0),
        }
    }
}

impl std::error::Error for BatchError {}

/// One key of a batch, with its prior state and new events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slot<'a> {
    /// The key.
    pub key: Key,
    /// Its prior state; empty: none.
    pub state: &'a [u8],
    /// Its new events, in fold order.
    pub events: &'a [Event<'a>],
}

/// A batch being read, slot by slot.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    slots: std::slice::ChunksExact<'a, u8>,
    events: std::slice::ChunksExact<'a, u8>,
    states: Unpacker<'a>,
    extras: &'a [u8],
}

impl<'a> Batch<'a> {
    /// Reads the header and finds the parts.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BatchError> {
        let length = |_: Malformed| BatchError::Length;
        let mut from = Unpacker::new(bytes);
        let layout = from.take_u16().map_err(length)?;
        if layout != LAYOUT {
            return Err(BatchError::Layout(layout));
        }
        let slot_bytes = usize::from(from.take_u16().map_err(length)?);
        let event_bytes = usize::from(from.take_u16().map_err(length)?);
        if slot_bytes < SLOT_BYTES || event_bytes < EVENT_BYTES {
            return Err(BatchError::RowSize);
        }
        from.take_u16().map_err(length)?;
        let [slots, events, states, extras] = take_counts(&mut from).map_err(length)?;
        let mut part = |count: usize, bytes: usize| {
            count.checked_mul(bytes).ok_or(Malformed).and_then(|all| from.take_bytes(all)).map_err(length)
        };
        let batch = Self {
            slots: part(slots, slot_bytes)?.chunks_exact(slot_bytes),
            events: part(events, event_bytes)?.chunks_exact(event_bytes),
            states: Unpacker::new(part(states, 1)?),
            extras: part(extras, 1)?,
        };
        if from.is_empty() { Ok(batch) } else { Err(BatchError::Length) }
    }

    /// How many slots are left.
    pub fn slot_count(&self) -> usize {
        self.slots.len()
    }

    /// Reads the next slot: its key and prior state; its events replace those in `events`. `None` at
    /// the end, when every event and every state must have been read.
    pub fn next_slot(&mut self, events: &mut Vec<Event<'a>>) -> Result<Option<(Key, &'a [u8])>, BatchError> {
        events.clear();
        let Some(slot) = self.slots.next() else {
            let all_taken = self.events.len() == 0 && self.states.is_empty();
            return if all_taken { Ok(None) } else { Err(BatchError::Count) };
        };
        let count = |_: Malformed| BatchError::Count;
        let mut slot = Unpacker::new(slot);
        let key = take_key(&mut slot).map_err(count)?;
        let event_count = slot.take_u32().map_err(count)?;
        let state_bytes = slot.take_u32().map_err(count)?;
        let state = self.states.take_bytes(state_bytes as usize).map_err(count)?;
        for _ in 0..event_count {
            let event = self.events.next().ok_or(BatchError::Count)?;
            events.push(self.decode_event(event)?);
        }
        Ok(Some((key, state)))
    }

    fn decode_event(&self, bytes: &'a [u8]) -> Result<Event<'a>, BatchError> {
        let (event, extra) = take_event(bytes).map_err(|_| BatchError::RowSize)?;
        let Some(offset) = extra.checked_sub(1) else {
            return Ok(event);
        };
        let extras = take_extras(self.extras, offset as usize).map_err(|_| BatchError::Extras(event.position))?;
        Ok(Event { extras, ..event })
    }
}

fn take_counts(from: &mut Unpacker<'_>) -> Result<[usize; 4], Malformed> {
    let mut counts = [0; 4];
    for count in &mut counts {
        *count = from.take_u32()? as usize;
    }
    Ok(counts)
}

fn take_key(from: &mut Unpacker<'_>) -> Result<Key, Malformed> {
    Ok(Key { a: Person(from.take_u32()?), b: Person(from.take_u32()?) })
}

fn take_event(bytes: &[u8]) -> Result<(Event<'_>, u32), Malformed> {
    let mut from = Unpacker::new(bytes);
    let event = Event {
        position: Position(from.take_u64()?),
        at: from.take_u64()?.cast_signed(),
        actor: Person(from.take_u32()?),
        subject: Person(from.take_u32()?),
        third: Person(from.take_u32()?),
        others: from.take_u32()?,
        kind: from.take_u16()?,
        flags: from.take_u16()?,
        extras: Extras::default(),
    };
    Ok((event, from.take_u32()?))
}

fn take_extras(extras: &[u8], offset: usize) -> Result<Extras<'_>, Malformed> {
    let mut from = Unpacker::new(extras.get(offset..).ok_or(Malformed)?);
    let list_bytes = from.take_u32()?;
    Extras::parse(from.take_bytes(list_bytes as usize)?)
}

/// Packs a batch.
pub fn encode_batch(slots: &[Slot<'_>]) -> Vec<u8> {
    let event_count: usize = slots.iter().map(|slot| slot.events.len()).sum();
    let states_bytes: usize = slots.iter().map(|slot| slot.state.len()).sum();
    let mut extras = Packer::default();
    let mut events = Packer::with_capacity(event_count * EVENT_BYTES);
    for event in slots.iter().flat_map(|slot| slot.events) {
        put_event(&mut events, &mut extras, event);
    }
    let fixed_bytes = HEADER_BYTES + slots.len() * SLOT_BYTES + events.len();
    let mut out = Packer::with_capacity(fixed_bytes + states_bytes + extras.len());
    out.put_u16(LAYOUT);
    for size in [SLOT_BYTES, EVENT_BYTES, 0] {
        out.put_u16(u16::try_from(size).expect("rows are short"));
    }
    for count in [slots.len(), event_count, states_bytes, extras.len()] {
        out.put_u32(count_u32(count));
    }
    for slot in slots {
        out.put_u32(slot.key.a.0);
        out.put_u32(slot.key.b.0);
        out.put_u32(count_u32(slot.events.len()));
        out.put_u32(count_u32(slot.state.len()));
    }
    out.put_bytes(&events.into_bytes());
    for slot in slots {
        out.put_bytes(slot.state);
    }
    out.put_bytes(&extras.into_bytes());
    out.into_bytes()
}

fn put_event(out: &mut Packer, extras: &mut Packer, event: &Event<'_>) {
    out.put_u64(event.position.0);
    out.put_u64(event.at.cast_unsigned());
    for field in [event.actor.0, event.subject.0, event.third.0, event.others] {
        out.put_u32(field);
    }
    out.put_u16(event.kind);
    out.put_u16(event.flags);
    if event.extras.is_empty() {
        out.put_u32(0);
        return;
    }
    out.put_u32(count_u32(extras.len() + 1));
    let list = event.extras.bytes();
    extras.put_u32(count_u32(list.len()));
    extras.put_bytes(list);
}

/// Packs the values of one event, for [`Extras::parse`]. Keys may come in any order, each once.
pub fn encode_extras(values: &[(&str, Extra<'_>)]) -> Vec<u8> {
    let mut sorted: Vec<_> = values.iter().collect();
    sorted.sort_by_key(|(key, _)| *key);
    let mut out = Packer::default();
    for (key, value) in sorted {
        put_extra(&mut out, key, *value);
    }
    out.into_bytes()
}

/// Packs the answer of `fold`: the new states in slot order, an empty one for a dropped key.
pub fn encode_states<S: AsRef<[u8]>>(states: &[S]) -> Vec<u8> {
    let bytes: usize = states.iter().map(|state| 4 + state.as_ref().len()).sum();
    let mut out = Packer::with_capacity(bytes);
    for state in states {
        out.put_u32(count_u32(state.as_ref().len()));
    }
    for state in states {
        out.put_bytes(state.as_ref());
    }
    out.into_bytes()
}

/// Reads the answer of `fold` to a batch of that many slots.
pub fn decode_states(bytes: &[u8], slot_count: usize) -> Result<Vec<&[u8]>, Malformed> {
    let lengths_bytes = slot_count.checked_mul(4).ok_or(Malformed)?;
    let mut states = Unpacker::new(bytes);
    let mut lengths = Unpacker::new(states.take_bytes(lengths_bytes)?);
    let mut found = Vec::with_capacity(slot_count);
    while !lengths.is_empty() {
        let state_bytes = lengths.take_u32()?;
        found.push(states.take_bytes(state_bytes as usize)?);
    }
    if states.is_empty() { Ok(found) } else { Err(Malformed) }
}

fn count_u32(count: usize) -> u32 {
    u32::try_from(count).expect("a batch is below 4 GiB")
}

#[cfg(test)]
mod tests;
