//! The room that a call holds for its messages, and how long it is held.

use super::budget::Room;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The room of a call's messages. It is kept until the call is answered and the next message is asked for, or until the
/// body is dropped: the single message of most calls is in use until then, and in a stream of requests it is the one
/// read.
#[derive(Default)]
pub(crate) struct Kept(Mutex<State>);

#[derive(Default)]
struct State {
    rooms: Vec<Room>,
    answered: bool,
    taken: bool,
}

/// Marks a call as unanswered until it is dropped.
pub(crate) struct UntilAnswered(Arc<Kept>);

impl Kept {
    /// Marks the call as unanswered; drop the result once it is answered.
    pub(crate) fn until_answered(self: &Arc<Self>) -> UntilAnswered {
        UntilAnswered(Arc::clone(self))
    }

    /// Keeps the room of an arriving message.
    pub(crate) fn keep(&self, room: Room) {
        let mut state = self.state();
        state.taken = false;
        state.rooms.push(room);
    }

    /// Notes that what arrived was consumed and more is wanted.
    pub(crate) fn take(&self) {
        let mut state = self.state();
        state.taken = true;
        state.let_go();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn let_go(&mut self) {
        if self.answered && self.taken {
            self.rooms.clear();
        }
    }
}

impl Drop for UntilAnswered {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.answered = true;
        state.let_go();
    }
}
