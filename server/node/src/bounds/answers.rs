//! Outgoing answers and messages of streams.
//!
//! Invariant: apart from small ones, which are counted with their calls (`calls.rs`), those in memory are within a
//! budget of which each principal has a share.

use super::{
    budget::{Budget, Room},
    call_rate::Key,
    counted::Counted,
};
use crate::limits::{self, Limits};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// An answer found no room: too many others are waiting, or it waited too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "too much of what this server answers is not taken: read the answers to other calls, or ask for less at a time"
)]
pub(crate) struct NotTaken;

/// The budget for outgoing answers.
pub(crate) struct Answers {
    budget: Budget,
    pieces: Budget,
    waiting_of: Arc<Counted<Key>>,
    waiting: Semaphore,
}

impl Answers {
    /// The budget that these limits set.
    pub(crate) fn of(limits: &Limits) -> Self {
        Self {
            budget: Budget::of(limits::ANSWERS.with_room_for(limits.response_bytes_max as usize)),
            pieces: Budget::of(limits::ANSWER_PIECES),
            waiting_of: Counted::up_to(limits::ANSWERS_WAITING_PER_PRINCIPAL_MAX),
            waiting: Semaphore::new(limits::ANSWERS_WAITING_MAX),
        }
    }

    /// Waits a short while for room for a finished answer, unless too many are waiting. A small one needs no room.
    pub(crate) async fn hold(&self, key: &Key, bytes: usize) -> Result<Option<Room>, NotTaken> {
        if self.budget.is_small(bytes) {
            return Ok(None);
        }
        if let Some(room) = self.budget.try_hold(key, bytes) {
            return Ok(Some(room));
        }
        let _mine = self.waiting_of.hold(key).ok_or(NotTaken)?;
        let _place = self.waiting.try_acquire().map_err(|_| NotTaken)?;
        let room = tokio::time::timeout(limits::ANSWER_WAIT, self.budget.hold(key, bytes)).await;
        room.map(Some).map_err(|_| NotTaken)
    }

    /// Room for a part of a stream that is not made yet: as much as is available, up to `most` and a sixteenth of what is
    /// free, so that the next ones find some too; half of a share is left to answers. `None` if that would be small, for
    /// which there is always room.
    pub(crate) fn try_hold_part(&self, key: &Key, most: usize) -> Option<Room> {
        if self.budget.is_small(most) {
            return None;
        }
        let free = self.budget.free(key).saturating_sub(self.budget.share() / 2);
        let bytes = most.min(free / 16);
        if self.budget.is_small(bytes) { None } else { self.budget.try_hold(key, bytes) }
    }

    /// Waits for room, however long it takes: for a part of a stream that cannot be smaller and is not made yet, or for
    /// the answer to a call that recorded something, which is about as large as its request, which holds room as well.
    pub(crate) async fn hold_whole(&self, key: &Key, bytes: usize) -> Option<Room> {
        if self.budget.is_small(bytes) {
            return None;
        }
        Some(self.budget.hold(key, bytes.min(self.budget.share())).await)
    }

    /// Room for a piece for as long as the transport has it. None if the piece is small, or if the transport has too many
    /// large ones; it must be small then.
    pub(crate) fn try_hold_piece(&self, key: &Key, bytes: usize) -> Option<Room> {
        if self.pieces.is_small(bytes) { None } else { self.pieces.try_hold(key, bytes) }
    }

    /// Bytes held now, apart from pieces.
    pub(crate) fn held(&self) -> usize {
        self.budget.held()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::ANSWER_PIECE_BYTES;

    const LARGE: usize = 2 * 1024 * 1024;
    const PART: usize = 256 * 1024;

    fn key(number: usize) -> Key {
        (None, format!("person:p{number}").parse().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_nobody_takes_fill_a_share_and_others_go_on() {
        let answers = Answers::of(&Limits::default());
        let mut held = Vec::new();
        while let Ok(room) = answers.hold(&key(0), LARGE).await {
            held.push(room);
        }
        assert!(answers.held() <= limits::ANSWERS.all / 8, "{} bytes", answers.held());
        assert!(answers.hold(&key(0), ANSWER_PIECE_BYTES).await.is_ok_and(|room| room.is_none()), "small ones go on");
        answers.hold(&key(1), LARGE).await.expect("nobody else pays");
    }

    #[tokio::test(start_paused = true)]
    async fn few_wait_and_the_others_are_told_at_once() {
        let answers = Arc::new(Answers::of(&Limits::default()));
        let untaken: Vec<_> = std::iter::from_fn(|| answers.budget.try_hold(&key(0), LARGE)).collect();
        let hold = || {
            let answers = Arc::clone(&answers);
            tokio::spawn(async move { answers.hold(&key(0), LARGE).await.map(|_| ()) })
        };
        let waiting: Vec<_> = (0..limits::ANSWERS_WAITING_PER_PRINCIPAL_MAX).map(|_| hold()).collect();
        tokio::time::sleep(limits::ANSWER_WAIT / 10).await;
        assert_eq!(hold().await.unwrap(), Err(NotTaken));
        drop(untaken);
        for one in waiting {
            one.await.unwrap().expect("it has its turn");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn parts_of_streams_become_smaller_and_never_wait() {
        let answers = Answers::of(&Limits::default());
        let parts: Vec<_> = (0..1_000).filter_map(|_| answers.try_hold_part(&key(0), PART)).collect();
        let sizes: Vec<_> = parts.iter().map(Room::bytes).collect();
        assert!(sizes.len() > 16 && sizes[..8].iter().all(|bytes| *bytes == PART), "{sizes:?}");
        assert!(sizes.is_sorted_by(|one, next| one >= next), "{sizes:?}");
        assert!(answers.held() <= limits::ANSWERS.all / 16);
        answers.hold(&key(0), LARGE).await.expect("half of a share is left to answers");
        let one_entry = 20 * 1024;
        answers.hold_whole(&key(0), one_entry).await.expect("what cannot be smaller finds room");
    }
}
