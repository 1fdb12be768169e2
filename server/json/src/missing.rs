//! What records leave out.

use kith_core::{
    event::Event,
    id::EventId,
    limits::{DETAIL_SALT_BYTES, EVENT_SALT_BYTES},
};

/// Where ids and salts come from that a record leaves out.
pub trait Missing {
    /// An id for an event, whose people may be put into another order where that says nothing.
    fn id(&mut self, event: &mut Event) -> EventId;

    /// The salt of an event, as hard to guess as a random one.
    fn salt(&mut self, id: &EventId) -> [u8; EVENT_SALT_BYTES];

    /// The salt of an event's detail, counted from 0, as hard to guess as a random one.
    fn detail_salt(&mut self, id: &EventId, index: usize) -> [u8; DETAIL_SALT_BYTES];
}
