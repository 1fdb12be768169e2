//! One place that many take in turn, each waiting only for a limited time.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// The place. Clones are handles to the same place.
#[derive(Clone, Default)]
pub(crate) struct OnePlace(Arc<Shared>);

#[derive(Default)]
struct Shared {
    is_taken: Mutex<bool>,
    freed: Condvar,
}

/// Holds the place until dropped.
pub(crate) struct Taken(Arc<Shared>);

impl OnePlace {
    /// Takes the place if it is free.
    pub(crate) fn try_take(&self) -> Option<Taken> {
        let mut is_taken = self.0.lock();
        (!std::mem::replace(&mut *is_taken, true)).then(|| Taken(Arc::clone(&self.0)))
    }

    /// Takes the place once it is free, or returns `None` after `time`.
    pub(crate) fn take_within(&self, time: Duration) -> Option<Taken> {
        let until = Instant::now() + time;
        let mut is_taken = self.0.lock();
        while *is_taken {
            let left = until.checked_duration_since(Instant::now())?;
            (is_taken, _) = self.0.freed.wait_timeout(is_taken, left).unwrap_or_else(PoisonError::into_inner);
        }
        *is_taken = true;
        Some(Taken(Arc::clone(&self.0)))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        *self.0.lock() = false;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_at_a_time_and_nobody_waits_longer_than_they_like() {
        let place = OnePlace::default();
        let taken = place.try_take().unwrap();
        assert!(place.try_take().is_none());
        assert!(place.take_within(Duration::from_millis(10)).is_none());
        let waiting = std::thread::spawn({
            let place = place.clone();
            move || place.take_within(Duration::from_mins(1)).is_some()
        });
        std::thread::sleep(Duration::from_millis(10));
        drop(taken);
        assert!(waiting.join().unwrap(), "it was free in time");
        assert!(place.try_take().is_some(), "and is free again");
    }
}
