//! Portions of a shared amount of memory: large while there are few, small when there are many.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The shared memory. Clones share the same memory.
#[derive(Clone)]
pub(crate) struct Portions(Arc<Shared>);

struct Shared {
    whole: usize,
    least: usize,
    most: usize,
    used: AtomicUsize,
}

/// A portion, returned when dropped.
pub(crate) struct Portion {
    bytes: usize,
    shared: Arc<Shared>,
}

impl Portions {
    /// Portions of `least` to `most` bytes. What all portions have beyond `least` never exceeds `whole`, however many
    /// there are.
    pub(crate) fn of(whole: usize, least: usize, most: usize) -> Self {
        Self(Arc::new(Shared { whole, least, most, used: AtomicUsize::new(0) }))
    }

    /// Takes a quarter of what is left, within the bounds.
    pub(crate) fn take(&self) -> Portion {
        let Shared { whole, least, most, used } = &*self.0;
        let portion = |used: usize| (whole.saturating_sub(used) / 4).min(*most).max(*least);
        let used = used.update(Ordering::Relaxed, Ordering::Relaxed, |used| used + portion(used));
        Portion { bytes: portion(used), shared: Arc::clone(&self.0) }
    }
}

impl Portion {
    /// Size in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Portion {
    fn drop(&mut self) {
        self.shared.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_portions_are_large_and_many_are_small() {
        let portions = Portions::of(10_000, 10, 1_000);
        let one = portions.take();
        assert_eq!(one.bytes(), 1_000);
        let many: Vec<Portion> = (0..1_000).map(|_| portions.take()).collect();
        let all: usize = many.iter().map(Portion::bytes).sum();
        assert!(all <= 10_000 + many.len() * 10, "{all}");
        assert_eq!(many.last().unwrap().bytes(), 10);
        drop((one, many));
        assert_eq!(portions.take().bytes(), 1_000, "they are given back");
    }
}
