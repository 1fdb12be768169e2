//! Incoming requests: a message is read only when there is room for it.
//!
//! Invariant: the messages in memory, each from its first byte until its call is answered, are within a budget of which
//! each principal has a share. While a caller waits for room nothing is read from it, so HTTP/2 keeps the rest with the
//! caller. What a connection itself buffers is bounded by its window (`limits::CONNECTION_WINDOW_BYTES`).

use super::{
    budget::{Budget, Room},
    call_rate::Key,
    counted::Counted,
};
use crate::limits::{self, Limits};
use std::{sync::Arc, time::Duration};

/// Bytes before each message: whether it is compressed, and its length.
pub(crate) const MESSAGE_HEAD_BYTES: usize = 5;

/// A message found no room: too many of the same principal are waiting, or it waited too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this token is sending too much at a time: wait for answers, or send less")]
pub(crate) struct NoRoom;

/// The budget for incoming requests.
pub(crate) struct Requests {
    budget: Budget,
    waiting: Arc<Counted<Key>>,
    message_bytes_max: usize,
    stall: Duration,
}

impl Requests {
    /// The budget that these limits set.
    pub(crate) fn of(limits: &Limits) -> Self {
        let message_bytes_max = limits.request_bytes_max as usize;
        Self {
            budget: Budget::of(limits::REQUESTS.with_room_for(message_bytes_max + MESSAGE_HEAD_BYTES)),
            waiting: Counted::up_to(limits::REQUESTS_WAITING_MAX),
            message_bytes_max,
            stall: limits.stall(),
        }
    }

    /// Room for a message, if available now.
    pub(crate) fn try_hold(&self, key: &Key, bytes: usize) -> Option<Room> {
        self.budget.try_hold(key, bytes)
    }

    /// Waits for room for a message for a limited time, unless too many of the same principal are waiting.
    pub(crate) async fn hold(&self, key: &Key, bytes: usize) -> Result<Room, NoRoom> {
        let _waiting = if self.budget.is_small(bytes) { None } else { Some(self.waiting.hold(key).ok_or(NoRoom)?) };
        tokio::time::timeout(self.stall, self.budget.hold(key, bytes)).await.map_err(|_| NoRoom)
    }

    /// Bytes of the largest message that can have room; the decoder refuses larger ones.
    pub(crate) fn message_bytes_max(&self) -> usize {
        self.message_bytes_max
    }

    /// How long a message may take to arrive.
    pub(crate) fn stall(&self) -> Duration {
        self.stall
    }

    /// Bytes held now.
    pub(crate) fn held(&self) -> usize {
        self.budget.held()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_message_that_may_be_has_room() {
        for request_bytes_max in [1024 * 1024, 2 * 1024 * 1024, 64 * 1024 * 1024] {
            let requests = Requests::of(&Limits { request_bytes_max, ..Limits::default() });
            let key = (None, "person:amina".parse().unwrap());
            requests.try_hold(&key, request_bytes_max as usize + MESSAGE_HEAD_BYTES).expect("it has room");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_large_messages_wait_and_more_are_told_to_come_again() {
        let requests = Arc::new(Requests::of(&Limits::default()));
        let key: Key = (None, "person:amina".parse().unwrap());
        let large = 2 * 1024 * 1024;
        let rooms: Vec<_> = std::iter::from_fn(|| requests.try_hold(&key, large)).collect();
        let hold = || {
            let (requests, key) = (Arc::clone(&requests), key.clone());
            tokio::spawn(async move { requests.hold(&key, large).await })
        };
        let waiting: Vec<_> = (0..limits::REQUESTS_WAITING_MAX).map(|_| hold()).collect();
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(hold().await.unwrap().unwrap_err(), NoRoom);
        requests.hold(&key, 1_000).await.expect("what is small has room of its own");
        drop(rooms);
        for one in waiting {
            drop(one.await.unwrap().expect("it has its turn"));
        }
        let _rooms: Vec<_> = std::iter::from_fn(|| requests.try_hold(&key, large)).collect();
        assert_eq!(hold().await.unwrap().unwrap_err(), NoRoom, "nobody waits for ever");
    }
}
