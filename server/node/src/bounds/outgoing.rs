//! Room and time limits for one principal's outgoing answers and streams.

use super::{answers::Answers, budget::Room, call_rate::Key};
use std::{sync::Arc, time::Duration};

/// The budget for what is sent to a principal, and how long a reader may take for each message of it.
#[derive(Clone)]
pub(crate) struct Outgoing {
    answers: Arc<Answers>,
    key: Key,
    stall: Duration,
}

impl Outgoing {
    /// The limits of a principal whose readers may take up to `stall` for a message.
    pub(crate) fn of(answers: Arc<Answers>, key: Key, stall: Duration) -> Self {
        Self { answers, key, stall }
    }

    /// Room for a message of up to `most` bytes; `None` if little is free, and the message has to be small.
    pub(crate) fn try_hold(&self, most: usize) -> Option<Room> {
        self.answers.try_hold_part(&self.key, most)
    }

    /// Waits for room for a message of `bytes` that cannot be divided.
    pub(crate) async fn hold(&self, bytes: usize) -> Option<Room> {
        self.answers.hold_whole(&self.key, bytes).await
    }

    /// Room for a piece that the transport has; `None` if the piece has to be small.
    pub(crate) fn try_hold_piece(&self, bytes: usize) -> Option<Room> {
        self.answers.try_hold_piece(&self.key, bytes)
    }

    /// How long a reader may take for a message.
    pub(crate) fn stall(&self) -> Duration {
        self.stall
    }
}
