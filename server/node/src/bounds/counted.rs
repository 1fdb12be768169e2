//! Counts how many of something each holder has at a time, up to a limit.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Counts what is held by each key. Keys that hold nothing are forgotten.
pub(crate) struct Counted<K> {
    held: Mutex<HashMap<K, usize>>,
    max: usize,
}

/// One held item, counted until it is dropped.
pub(crate) struct Held<K: Hash + Eq> {
    counted: Arc<Counted<K>>,
    key: K,
}

impl<K: Hash + Eq + Clone> Counted<K> {
    /// At most `max` for each key.
    pub(crate) fn up_to(max: usize) -> Arc<Self> {
        Arc::new(Self { held: Mutex::default(), max })
    }

    /// The most that a key may hold.
    pub(crate) fn max(&self) -> usize {
        self.max
    }

    /// Counts one more for a key, unless it holds the maximum.
    pub(crate) fn hold(self: &Arc<Self>, key: &K) -> Option<Held<K>> {
        let mut held = self.held();
        let count = held.entry(key.clone()).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Held { counted: Arc::clone(self), key: key.clone() })
    }
}

impl<K> Counted<K> {
    fn held(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq> Held<K> {
    /// The key that holds it.
    pub(crate) fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Hash + Eq> Drop for Held<K> {
    fn drop(&mut self) {
        let mut held = self.counted.held();
        if let Some(count) = held.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_holds_up_to_the_limit_and_is_forgotten_after() {
        let counted = Counted::up_to(2);
        let held = [counted.hold(&"a").unwrap(), counted.hold(&"a").unwrap()];
        assert!(counted.hold(&"a").is_none());
        let other = counted.hold(&"b").unwrap();
        drop(held);
        counted.hold(&"a").unwrap();
        drop(other);
        assert!(counted.held().is_empty());
    }
}
