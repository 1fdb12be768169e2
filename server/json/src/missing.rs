//! Ids and salts that records leave out.

use kith_core::{
    event::Event,
    id::EventId,
    limits::{DETAIL_SALT_BYTES, EVENT_SALT_BYTES},
};

/// Provides the ids and salts that a record leaves out.
pub trait Missing {
    /// An id for an event. May reorder the event's people where their order has no meaning.
    fn id(&mut self, event: &mut Event) -> EventId;

    /// The salt of an event, as hard to guess as a random one.
    fn salt(&mut self, id: &EventId) -> [u8; EVENT_SALT_BYTES];

    /// The salt of an event's detail, counted from 0, as hard to guess as a random one.
    fn detail_salt(&mut self, id: &EventId, index: usize) -> [u8; DETAIL_SALT_BYTES];
}
