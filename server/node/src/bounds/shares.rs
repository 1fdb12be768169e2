//! Shares something by giving each key the same number of places.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError, Weak},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The same number of places for each key; a key is kept while its places are in use.
pub(crate) struct Shares<K> {
    places: usize,
    semaphores: Mutex<HashMap<K, Weak<Semaphore>>>,
}

impl<K: Hash + Eq + Clone> Shares<K> {
    /// `places` for each key.
    pub(crate) fn of(places: usize) -> Self {
        Self { places, semaphores: Mutex::default() }
    }

    /// The places of a key.
    pub(crate) fn find(&self, key: &K) -> Arc<Semaphore> {
        let mut semaphores = self.semaphores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = semaphores.get(key).and_then(Weak::upgrade) {
            return known;
        }
        semaphores.retain(|_, semaphore| semaphore.strong_count() > 0);
        let semaphore = Arc::new(Semaphore::new(self.places));
        semaphores.insert(key.clone(), Arc::downgrade(&semaphore));
        semaphore
    }
}

/// Waits for places, first come, first served.
pub(crate) async fn acquire(semaphore: Arc<Semaphore>, places: u32) -> OwnedSemaphorePermit {
    semaphore.acquire_many_owned(places).await.expect("nobody closes it")
}
