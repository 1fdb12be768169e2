//! The way out of one principal's streams.

use super::{answers::Answers, budget::Room, call_rate::Key};
use std::{sync::Arc, time::Duration};

/// Where a stream's messages find room, and how long its reader may take for each.
#[derive(Clone)]
pub(crate) struct Outgoing {
    answers: Arc<Answers>,
    key: Key,
    stall: Duration,
}

impl Outgoing {
    /// The way of a principal, whose readers may take so long for a message.
    pub(crate) fn of(answers: Arc<Answers>, key: Key, stall: Duration) -> Self {
        Self { answers, key, stall }
    }

    /// Room for a message of up to so many bytes; none if there is little, and it has to be small.
    pub(crate) fn try_hold(&self, most: usize) -> Option<Room> {
        self.answers.try_hold_part(&self.key, most)
    }

    /// Waits for room for a message of so many bytes, which has to be whole.
    pub(crate) async fn hold(&self, bytes: usize) -> Option<Room> {
        self.answers.hold_whole(&self.key, bytes).await
    }

    /// How long a reader may take for a message.
    pub(crate) fn stall(&self) -> Duration {
        self.stall
    }
}
