//! Room and time limits for one principal's outgoing streams.

use super::{answers::Answers, budget::Room, call_rate::Key};
use std::{sync::Arc, time::Duration};

/// The budget for a stream's messages, and how long its reader may take for each.
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

    /// How long a reader may take for a message.
    pub(crate) fn stall(&self) -> Duration {
        self.stall
    }
}
