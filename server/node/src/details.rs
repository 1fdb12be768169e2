//! How many bytes of details are open at a time: from before they are opened until they are handed over to be sent.
//!
//! Invariant: no more than the budget is open, no reader has more than a share of it, and whoever asks for more waits.
//! Answers of a few entries have a part of their own, so that they do not wait for large ones.

use crate::{
    call_rate::{self, Key},
    limits,
    shares::{Shares, acquire},
};
use kith_core::may::Principal;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that one place of a budget stands for.
const PLACE_BYTES: usize = 1_024;
/// One reader's part of the budget: one in so many.
const SHARE: usize = 8;

/// What may be open.
pub(crate) struct DetailsBudget {
    few: Part,
    large: Part,
    open: Arc<AtomicUsize>,
}

/// A part of the budget with its shares.
struct Part {
    places: Arc<Semaphore>,
    shares: Shares<Key>,
}

/// Room for details of one answer, until it is dropped.
#[derive(Debug)]
pub(crate) struct HeldDetails {
    open: Arc<AtomicUsize>,
    bytes: usize,
    _places: [OwnedSemaphorePermit; 2],
}

impl Default for DetailsBudget {
    fn default() -> Self {
        let large_bytes = limits::DETAILS_OPEN_BYTES_MAX - limits::FEW_DETAILS_OPEN_BYTES_MAX;
        Self { few: Part::of(limits::FEW_DETAILS_OPEN_BYTES_MAX), large: Part::of(large_bytes), open: Arc::default() }
    }
}

impl DetailsBudget {
    /// Waits for room for so many bytes.
    pub(crate) async fn hold(&self, principal: &Principal, bytes: usize) -> HeldDetails {
        let part = if bytes <= limits::FEW_DETAILS_BYTES { &self.few } else { &self.large };
        let places = part.acquire(&call_rate::key(principal), bytes).await;
        self.open.fetch_add(bytes, Ordering::Relaxed);
        HeldDetails { open: Arc::clone(&self.open), bytes, _places: places }
    }

    /// Bytes that are open now.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

impl Part {
    fn of(bytes: usize) -> Self {
        let places = bytes / PLACE_BYTES;
        Self { places: Arc::new(Semaphore::new(places)), shares: Shares::of(places / SHARE) }
    }

    /// Room in a reader's share, and then in the whole.
    async fn acquire(&self, key: &Key, bytes: usize) -> [OwnedSemaphorePermit; 2] {
        let places = u32::try_from(bytes.div_ceil(PLACE_BYTES)).expect("an answer is smaller than its budget");
        let share = acquire(self.shares.find(key), places).await;
        [share, acquire(Arc::clone(&self.places), places).await]
    }
}

impl Drop for HeldDetails {
    fn drop(&mut self) {
        self.open.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{DETAILS_OPEN_BYTES_MAX, FEW_DETAILS_BYTES, READ_BYTES_MAX};
    use kith_core::{
        event::Role,
        may::{Credential, Reach},
    };
    use std::time::Duration;

    fn reader(number: usize) -> Principal {
        Principal {
            id: format!("person:p{number}").parse().unwrap(),
            reach: Reach::Network("north".parse().unwrap()),
            role: Role::Reader,
            person: None,
            organisation: None,
            credential: Credential::Program,
        }
    }

    /// A reader that takes an answer and is done with it a little later; gives the most that it saw open.
    async fn read(budget: Arc<DetailsBudget>, number: usize, bytes: usize) -> usize {
        let held = budget.hold(&reader(number), bytes).await;
        let open = budget.open();
        tokio::time::sleep(Duration::from_millis(10)).await;
        drop(held);
        open
    }

    #[tokio::test(start_paused = true)]
    async fn many_readers_of_large_answers_never_have_more_open_than_the_budget_and_all_are_answered() {
        let budget = Arc::new(DetailsBudget::default());
        let reading = |number: usize| tokio::spawn(read(Arc::clone(&budget), number % 40, READ_BYTES_MAX));
        let reading: Vec<_> = (0..400).map(reading).collect();
        let mut most = 0;
        for one in reading {
            most = most.max(one.await.unwrap());
        }
        assert!(most <= DETAILS_OPEN_BYTES_MAX, "{most} bytes were open");
        assert!(most > DETAILS_OPEN_BYTES_MAX / 2, "{most} bytes: the budget is used");
        assert_eq!(budget.open(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn one_reader_has_a_share_and_few_details_pass_by_large_ones() {
        let budget = Arc::new(DetailsBudget::default());
        let mut held = Vec::new();
        let soon = Duration::from_millis(1);
        while let Ok(more) = tokio::time::timeout(soon, budget.hold(&reader(0), READ_BYTES_MAX)).await {
            held.push(more);
        }
        assert!(budget.open() <= DETAILS_OPEN_BYTES_MAX / SHARE, "{} bytes of one reader", budget.open());
        for number in 1..100 {
            held.extend(tokio::time::timeout(soon, budget.hold(&reader(number), READ_BYTES_MAX)).await);
        }
        assert!(budget.open() <= DETAILS_OPEN_BYTES_MAX);
        let waits = tokio::time::timeout(soon, budget.hold(&reader(100), READ_BYTES_MAX)).await;
        assert!(waits.is_err(), "all of it is spent");
        let few = tokio::time::timeout(soon, budget.hold(&reader(0), FEW_DETAILS_BYTES)).await;
        few.expect("a few entries go on, of the same reader, too");
        held.clear();
        tokio::time::timeout(soon, budget.hold(&reader(100), READ_BYTES_MAX)).await.expect("there is room again");
    }
}
