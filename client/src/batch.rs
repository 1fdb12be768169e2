//! Packs events into messages that a server accepts: never more events or bytes than an append may have.

use kith_core::limits::{APPEND_BYTES_MAX, APPEND_EVENTS_MAX};

/// Collects items, one per event, and returns them in full messages.
#[derive(Debug)]
pub struct Batcher<T> {
    items: Vec<T>,
    size_bytes: usize,
}

impl<T> Default for Batcher<T> {
    fn default() -> Self {
        Self { items: Vec::new(), size_bytes: 0 }
    }
}

impl<T> Batcher<T> {
    /// Adds an item for an event of this size, as given by [`crate::NewEvent::size_bytes`]. Returns the finished
    /// message if the event no longer fits into it.
    pub fn push(&mut self, item: T, size_bytes: usize) -> Option<Vec<T>> {
        let full = self.items.len() == APPEND_EVENTS_MAX || self.size_bytes + size_bytes > APPEND_BYTES_MAX;
        let batch = if full { self.take() } else { None };
        self.size_bytes += size_bytes;
        self.items.push(item);
        batch
    }

    /// Returns the items collected so far; `None` if there are none.
    pub fn take(&mut self) -> Option<Vec<T>> {
        self.size_bytes = 0;
        let items = std::mem::take(&mut self.items);
        (!items.is_empty()).then_some(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::{decide::check_append_size, limits::EVENT_BYTES_MAX};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn messages_are_within_limits_and_lose_nothing(
            sizes in proptest::collection::vec((1..EVENT_BYTES_MAX, 1_usize..900), 1..12),
        ) {
            let mut batcher = Batcher::default();
            let sizes: Vec<_> = sizes.into_iter().flat_map(|(size, count)| std::iter::repeat_n(size, count)).collect();
            let mut batches: Vec<_> = sizes.iter().filter_map(|&size| batcher.push(size, size)).collect();
            batches.extend(batcher.take());
            prop_assert_eq!(batches.concat(), sizes);
            for batch in batches {
                prop_assert_eq!(check_append_size(batch.len(), batch.iter().sum()), Ok(()));
            }
        }
    }

    #[test]
    fn nothing_is_no_message() {
        assert_eq!(Batcher::<u8>::default().take(), None);
    }
}
