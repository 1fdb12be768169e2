//! The calls of the contract for any view, on packed bytes: what the component exports and what the
//! test harness runs. Each slot is folded or read independently of the others.

use crate::batch::{Batch, BatchError, encode_states};
use crate::event::Key;
use crate::manifest::Row;
use crate::pack::{Packer, StateBytes as _, Unpacker};
use crate::{Fault, View};
use kith_plugin_words::{Day, Position, settings};

/// Why a call failed, and for which key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotFault {
    /// The index of the key in the call; `None` for the call as a whole.
    pub slot: Option<u32>,
    /// The event at fault, if any.
    pub event: Option<Position>,
    /// A message for people.
    pub message: String,
}

/// One key to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateSlot {
    /// The key.
    pub key: Key,
    /// Bytes of its state among the states passed with the slots.
    pub state_bytes: u32,
}

/// A row and the index of its key in the call.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotRow {
    /// The index of its key in the slots.
    pub slot: u32,
    /// The row.
    pub row: Row,
}

/// Makes a view from its settings.
pub fn configure<V: View>(settings: &str) -> Result<V, String> {
    V::configure(settings::parse(settings)?)
}

/// Folds a packed batch into packed states.
pub fn fold_batch<V: View>(view: &V, batch: &[u8]) -> Result<Vec<u8>, SlotFault> {
    let mut batch = Batch::parse(batch).map_err(batch_fault)?;
    let mut states = Vec::with_capacity(batch.slot_count());
    let mut events = Vec::new();
    while let Some((key, prior)) = batch.next_slot(&mut events).map_err(batch_fault)? {
        let in_slot = |fault| slot_fault(states.len(), fault);
        let prior = decode_state::<V>(prior).map_err(in_slot)?;
        let state = view.fold(key, prior, &events).map_err(in_slot)?;
        states.push(encode_state::<V>(state.as_ref()).map_err(in_slot)?);
    }
    Ok(encode_states(&states))
}

/// Makes the rows of the keys as of the end of a day.
pub fn read_rows<V: View>(
    view: &V,
    as_of: Day,
    slots: impl IntoIterator<Item = StateSlot>,
    states: &[u8],
) -> Result<Vec<SlotRow>, SlotFault> {
    let mut states = Unpacker::new(states);
    let mut rows = Vec::new();
    for (place, StateSlot { key, state_bytes }) in slots.into_iter().enumerate() {
        let in_slot = |fault| slot_fault(place, fault);
        let state = states
            .take_bytes(state_bytes as usize)
            .map_err(|_| in_slot(Fault::key("states are shorter than the slots say")))?;
        if let Some(state) = decode_state::<V>(state).map_err(in_slot)? {
            let slot = place_u32(place);
            let made = view.rows(key, &state, as_of).map_err(in_slot)?;
            rows.extend(made.into_iter().map(|row| SlotRow { slot, row }));
        }
    }
    if states.is_empty() {
        return Ok(rows);
    }
    Err(call_fault("states are longer than the slots say".into()))
}

fn decode_state<V: View>(bytes: &[u8]) -> Result<Option<V::State>, Fault> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut from = Unpacker::new(bytes);
    match V::State::unpack(&mut from) {
        Ok(state) if from.is_empty() => Ok(Some(state)),
        Ok(_) | Err(_) => Err(Fault::key("the prior state is malformed")),
    }
}

fn encode_state<V: View>(state: Option<&V::State>) -> Result<Vec<u8>, Fault> {
    let mut out = Packer::default();
    if let Some(state) = state {
        state.pack(&mut out);
        if out.is_empty() {
            return Err(Fault::key("the state packs to no bytes, which would drop the key"));
        }
    }
    Ok(out.into_bytes())
}

fn batch_fault(error: BatchError) -> SlotFault {
    call_fault(error.to_string())
}

fn call_fault(message: String) -> SlotFault {
    SlotFault { slot: None, event: None, message }
}

fn slot_fault(place: usize, Fault { event, message }: Fault) -> SlotFault {
    SlotFault { slot: Some(place_u32(place)), event, message }
}

fn place_u32(place: usize) -> u32 {
    u32::try_from(place).expect("a call has less than 4 Gi slots")
}
