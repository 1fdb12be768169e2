//! The state of two people: their meetings, and what followed each of them.

use kith_plugin_sdk::{Malformed, Packer, Position, StateBytes, Unpacker};

/// Meetings kept of a pair: as many as the rows that a key may have.
pub(crate) const KEPT_MAX: usize = 1000;

/// A meeting of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Meeting {
    pub(crate) position: Position,
    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) at: i64,
    /// The first contact that happened later: its position and time.
    pub(crate) followed_up: Option<(Position, i64)>,
}

/// The meetings of two people in fold order. Only the last ones, all at the same time, can be open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meetings(Vec<Meeting>);

impl Meetings {
    /// Adds a contact, which follows up every open meeting before it.
    pub(crate) fn follow_up(&mut self, position: Position, at: i64) {
        let open = self.0.iter_mut().rev().take_while(|meeting| meeting.followed_up.is_none());
        for meeting in open.filter(|meeting| meeting.at < at) {
            meeting.followed_up = Some((position, at));
        }
    }

    /// Adds a meeting, at the time of the last one or later.
    pub(crate) fn meet(&mut self, position: Position, at: i64) {
        if self.0.len() == KEPT_MAX {
            self.0.remove(0);
        }
        self.0.push(Meeting { position, at, followed_up: None });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Meeting> {
        self.0.iter()
    }
}

/// For each meeting: position, milliseconds since the one before (for the first: since 1970), then 0
/// if it is open, else the milliseconds to the follow-up and its position.
impl StateBytes for Meetings {
    fn pack(&self, out: &mut Packer) {
        let mut before = None;
        for meeting in &self.0 {
            out.put_varint(meeting.position.0);
            match before {
                None => out.put_signed(meeting.at),
                Some(before) => out.put_varint(meeting.at.wrapping_sub(before).cast_unsigned()),
            }
            before = Some(meeting.at);
            let Some((position, at)) = meeting.followed_up else {
                out.put_varint(0);
                continue;
            };
            out.put_varint(at.wrapping_sub(meeting.at).cast_unsigned());
            out.put_varint(position.0);
        }
    }

    fn unpack(from: &mut Unpacker<'_>) -> Result<Self, Malformed> {
        let mut meetings = Vec::new();
        let mut before = None;
        while !from.is_empty() {
            let position = Position(from.take_varint()?);
            let at = match before {
                None => from.take_signed()?,
                Some(before) => take_later(from, before)?,
            };
            before = Some(at);
            let later = take_later(from, at)?;
            let followed_up = if later > at { Some((Position(from.take_varint()?), later)) } else { None };
            meetings.push(Meeting { position, at, followed_up });
        }
        Ok(Self(meetings))
    }
}

fn take_later(from: &mut Unpacker<'_>, before: i64) -> Result<i64, Malformed> {
    before.checked_add_unsigned(from.take_varint()?).ok_or(Malformed)
}
