//! The room that a call holds for its messages, and for how long.

use super::budget::Room;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The room of a call's messages. It is kept until the call is answered and the next message is asked for, or the body is
/// gone: the one message of most calls is at work until then, and of a stream of requests it is the one that is read.
#[derive(Default)]
pub(crate) struct Kept(Mutex<State>);

#[derive(Default)]
struct State {
    rooms: Vec<Room>,
    answered: bool,
    taken: bool,
}

/// Until it is dropped, its call is not answered.
pub(crate) struct UntilAnswered(Arc<Kept>);

impl Kept {
    /// Until the call is answered.
    pub(crate) fn until_answered(self: &Arc<Self>) -> UntilAnswered {
        UntilAnswered(Arc::clone(self))
    }

    /// Keeps the room of a message that comes.
    pub(crate) fn keep(&self, room: Room) {
        let mut state = self.state();
        state.taken = false;
        state.rooms.push(room);
    }

    /// Notes that what came was taken, and more is asked for.
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
