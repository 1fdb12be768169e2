//! Reads that wait for the disk, on threads that everybody shares.
//!
//! Invariant: no network uses all of these threads and no principal all of its network's; a read that waits for a place
//! occupies no thread.

use super::{
    call_rate::Key,
    shares::{Shares, acquire},
};
use crate::limits;
use kith_core::id::NetworkName;
use kith_log::blocking;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The shares of networks and principals in the threads.
pub(crate) struct ReadShares {
    networks: Shares<NetworkName>,
    principals: Shares<Key>,
}

impl Default for ReadShares {
    fn default() -> Self {
        Self {
            networks: Shares::of(limits::DISK_THREADS_PER_NETWORK),
            principals: Shares::of(limits::DISK_THREADS_PER_PRINCIPAL),
        }
    }
}

impl ReadShares {
    /// The share of a principal in a network.
    pub(crate) fn find(&self, principal: &Key, network: &NetworkName) -> Reads {
        Reads { of_principal: self.principals.find(principal), of_network: self.networks.find(network) }
    }
}

/// The reads of one principal in one network.
pub(crate) struct Reads {
    of_principal: Arc<Semaphore>,
    of_network: Arc<Semaphore>,
}

impl Reads {
    /// Runs a read on one of the threads once a place is free.
    pub(crate) async fn run<T: Send + 'static>(&self, read: impl FnOnce() -> T + Send + 'static) -> T {
        let of_principal = acquire(Arc::clone(&self.of_principal), 1).await;
        let places = [of_principal, acquire(Arc::clone(&self.of_network), 1).await];
        blocking(move || {
            let value = read();
            drop(places);
            value
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::mpsc, time::Duration};

    fn reads(shares: &ReadShares, network: &str, id: &str) -> Arc<Reads> {
        let network: NetworkName = network.parse().unwrap();
        Arc::new(shares.find(&(Some(network.clone()), id.parse().unwrap()), &network))
    }

    /// Starts more reads than there are threads; they end when the sender is dropped.
    fn begin_many(reads: &Arc<Reads>) -> mpsc::Sender<()> {
        let (end, ended) = mpsc::channel::<()>();
        let ended = Arc::new(std::sync::Mutex::new(ended));
        for _ in 0..2 * limits::DISK_THREADS {
            let (reads, ended) = (Arc::clone(reads), Arc::clone(&ended));
            tokio::spawn(async move { reads.run(move || ended.lock().unwrap().recv().is_ok()).await });
        }
        end
    }

    #[test]
    fn reads_of_one_principal_and_of_one_network_leave_threads_to_others() {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().max_blocking_threads(limits::DISK_THREADS).build().unwrap();
        runtime.block_on(async {
            let shares = ReadShares::default();
            let soon = Duration::from_secs(5);
            let _of_amina = begin_many(&reads(&shares, "north", "person:amina"));
            let ben = reads(&shares, "north", "person:ben");
            tokio::time::timeout(soon, ben.run(|| ())).await.expect("another principal reads");
            let _of_others: Vec<_> = (0..limits::DISK_THREADS_PER_NETWORK)
                .map(|number| begin_many(&reads(&shares, "north", &format!("person:p{number}"))))
                .collect();
            let south = reads(&shares, "south", "person:chidi");
            tokio::time::timeout(soon, south.run(|| ())).await.expect("another network reads");
        });
    }
}
