//! A limit on the bytes of something in memory at a time, shared by all principals.
//!
//! Invariant: no more than the budget is held, no principal holds more than a share of it, and whoever needs more
//! waits. Small items have a part of their own, so that they do not wait for large ones.

use super::{
    call_rate::Key,
    shares::{Shares, acquire},
};
use crate::limits::{BUDGET_SHARE, Sizes};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of one place of a budget.
const PLACE_BYTES: usize = 1_024;

impl Sizes {
    /// These sizes, increased if necessary so that an item of `largest` bytes fits into a share.
    pub(crate) fn with_room_for(self, largest: usize) -> Self {
        let large = (self.all - self.all_small).max(BUDGET_SHARE * largest.next_multiple_of(PLACE_BYTES));
        Self { all: self.all_small + large, ..self }
    }
}

/// A budget of bytes.
pub(crate) struct Budget {
    sizes: Sizes,
    small: Part,
    large: Part,
    held: Arc<AtomicUsize>,
}

/// A part of the budget with its shares.
struct Part {
    places: Arc<Semaphore>,
    shares: Shares<Key>,
}

/// Room for a number of bytes, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Room {
    held: Arc<AtomicUsize>,
    bytes: usize,
    places: [OwnedSemaphorePermit; 2],
}

impl Budget {
    /// A budget of these sizes. What is held in one piece has to fit into a principal's share, an eighth of its part.
    pub(crate) fn of(sizes: Sizes) -> Self {
        let (small, large) = (Part::of(sizes.all_small), Part::of(sizes.all - sizes.all_small));
        Self { sizes, small, large, held: Arc::default() }
    }

    /// Waits for room for `bytes`.
    pub(crate) async fn hold(&self, key: &Key, bytes: usize) -> Room {
        let places = self.part(bytes).acquire(key, places(bytes)).await;
        self.room(bytes, places)
    }

    /// Room for `bytes`, if available now.
    pub(crate) fn try_hold(&self, key: &Key, bytes: usize) -> Option<Room> {
        let places = self.part(bytes).try_acquire(key, places(bytes))?;
        Some(self.room(bytes, places))
    }

    /// The most bytes that can be held in one piece: a share of the large part.
    pub(crate) fn share(&self) -> usize {
        (self.sizes.all - self.sizes.all_small) / BUDGET_SHARE
    }

    /// Bytes of the large part that a principal could have now.
    pub(crate) fn free(&self, key: &Key) -> usize {
        self.large.free(key) * PLACE_BYTES
    }

    /// Whether an item of `bytes` is small.
    pub(crate) fn is_small(&self, bytes: usize) -> bool {
        bytes <= self.sizes.small
    }

    /// Bytes held now.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn part(&self, bytes: usize) -> &Part {
        if self.is_small(bytes) { &self.small } else { &self.large }
    }

    fn room(&self, bytes: usize, places: [OwnedSemaphorePermit; 2]) -> Room {
        self.held.fetch_add(bytes, Ordering::Relaxed);
        Room { held: Arc::clone(&self.held), bytes, places }
    }
}

/// Places that `bytes` take.
fn places(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(PLACE_BYTES)).expect("what is held fits into a share")
}

impl Part {
    fn of(bytes: usize) -> Self {
        let places = bytes / PLACE_BYTES;
        Self { places: Arc::new(Semaphore::new(places)), shares: Shares::of(places / BUDGET_SHARE) }
    }

    /// Waits for places in a principal's share, and then in the whole.
    async fn acquire(&self, key: &Key, places: u32) -> [OwnedSemaphorePermit; 2] {
        let share = acquire(self.shares.find(key), places).await;
        [share, acquire(Arc::clone(&self.places), places).await]
    }

    /// Places that a principal could have now.
    fn free(&self, key: &Key) -> usize {
        self.shares.find(key).available_permits().min(self.places.available_permits())
    }

    /// The same without waiting. Does not overtake those who wait: free places are theirs first.
    fn try_acquire(&self, key: &Key, places: u32) -> Option<[OwnedSemaphorePermit; 2]> {
        let share = self.shares.find(key).try_acquire_many_owned(places).ok()?;
        Some([share, Arc::clone(&self.places).try_acquire_many_owned(places).ok()?])
    }
}

impl Room {
    /// Bytes of this room.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives back all but `bytes`.
    pub(crate) fn shrink(&mut self, bytes: usize) {
        if bytes >= self.bytes {
            return;
        }
        let surplus = places(self.bytes) - places(bytes);
        for held in &mut self.places {
            drop(held.split(surplus as usize));
        }
        self.held.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
        self.bytes = bytes;
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SIZES: Sizes = Sizes { all: 64 * MIB, all_small: 8 * MIB, small: 128 * 1_024 };
    const MIB: usize = 1_024 * 1_024;
    const LARGE: usize = 2 * MIB;

    fn key(number: usize) -> Key {
        (Some("north".parse().unwrap()), format!("person:p{number}").parse().unwrap())
    }

    /// Holds something large for a short while; returns the most bytes that it saw held.
    async fn use_large(budget: Arc<Budget>, number: usize) -> usize {
        let room = budget.hold(&key(number), LARGE).await;
        let held = budget.held();
        tokio::time::sleep(Duration::from_millis(10)).await;
        drop(room);
        held
    }

    #[tokio::test(start_paused = true)]
    async fn many_who_ask_for_much_never_hold_more_than_the_budget_and_all_have_their_turn() {
        let budget = Arc::new(Budget::of(SIZES));
        let using = |number: usize| tokio::spawn(use_large(Arc::clone(&budget), number % 40));
        let using: Vec<_> = (0..400).map(using).collect();
        let mut most = 0;
        for one in using {
            most = most.max(one.await.unwrap());
        }
        assert!(most <= SIZES.all, "{most} bytes were held");
        assert!(most > SIZES.all / 2, "{most} bytes: the budget is used");
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn one_principal_has_a_share_and_what_is_small_passes_by_what_is_large() {
        let budget = Budget::of(SIZES);
        let mut rooms = Vec::new();
        while let Some(room) = budget.try_hold(&key(0), LARGE) {
            rooms.push(room);
        }
        assert!(budget.held() <= SIZES.all / BUDGET_SHARE, "{} bytes of one", budget.held());
        rooms.extend((1..100).filter_map(|number| budget.try_hold(&key(number), LARGE)));
        assert!(budget.held() <= SIZES.all);
        let soon = Duration::from_millis(1);
        let waits = tokio::time::timeout(soon, budget.hold(&key(100), LARGE)).await;
        assert!(waits.is_err(), "all of it is spent");
        let small = tokio::time::timeout(soon, budget.hold(&key(0), SIZES.small)).await;
        small.expect("what is small goes on, of the same principal, too");
        rooms.clear();
        tokio::time::timeout(soon, budget.hold(&key(100), LARGE)).await.expect("there is room again");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_not_passed_by() {
        let budget = Arc::new(Budget::of(SIZES));
        let share = budget.hold(&key(0), SIZES.all / BUDGET_SHARE - MIB).await;
        let waits = tokio::spawn(use_large(Arc::clone(&budget), 0));
        tokio::time::sleep(Duration::from_millis(1)).await;
        drop(share);
        assert!(budget.try_hold(&key(0), SIZES.all / BUDGET_SHARE - MIB).is_none());
        waits.await.unwrap();
        assert!(budget.try_hold(&key(0), SIZES.all / BUDGET_SHARE - MIB).is_some());
    }
}
