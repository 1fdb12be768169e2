//! Work that may be slow, on a few threads of its own: reports, rows as of other days and positions, explanations,
//! digests, comparisons. What everybody needs, such as heads, appends and names, never waits for it.
//!
//! Invariant: no network uses all threads and no principal all of its network's; a call that waits for a place occupies
//! no thread; work whose callers are gone ends.

use super::{
    call_rate::{self, Key},
    counted::{Counted, Held},
    shares::{Shares, acquire},
};
use crate::limits;
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use kith_core::{id::NetworkName, may::Principal};
use kith_views::Cancel;
use std::{
    collections::HashMap,
    hash::Hash,
    io,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, Mutex, PoisonError, mpsc},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// The maximum number of slow calls are running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many slow calls are running, {max} ({limit}): try again when some are done")]
pub(crate) struct TooManySlowCalls {
    /// The name of the limit.
    pub(crate) limit: &'static str,
    /// The maximum.
    pub(crate) max: usize,
}

/// A unit of work for a thread.
type Job = Box<dyn FnOnce() + Send>;

/// The threads, and the shares of networks and principals in them.
pub(crate) struct SlowWork(Arc<Parts>);

struct Parts {
    calls: Arc<Counted<()>>,
    calls_in_network: Arc<Counted<NetworkName>>,
    calls_of_principal: Arc<Counted<Key>>,
    threads: Arc<Semaphore>,
    networks: Shares<NetworkName>,
    principals: Shares<Key>,
    /// `None` in a simulation, which works on the calling thread.
    jobs: Option<mpsc::Sender<Job>>,
}

impl SlowWork {
    /// Starts the threads.
    pub(crate) fn start() -> io::Result<Self> {
        let jobs = if kith_log::works_in_place() { None } else { Some(start_threads()?) };
        Ok(Self(Arc::new(Parts {
            calls: Counted::up_to(limits::SLOW_CALLS_MAX),
            calls_in_network: Counted::up_to(limits::SLOW_CALLS_PER_NETWORK_MAX),
            calls_of_principal: Counted::up_to(limits::SLOW_CALLS_PER_PRINCIPAL_MAX),
            threads: Arc::new(Semaphore::new(limits::SLOW_THREADS)),
            networks: Shares::of(limits::SLOW_THREADS_PER_NETWORK),
            principals: Shares::of(limits::SLOW_THREADS_PER_PRINCIPAL),
            jobs,
        })))
    }

    /// Admits a call, or refuses it because too many are running.
    pub(crate) fn begin(&self, principal: &Principal, network: &NetworkName) -> Result<SlowCall, TooManySlowCalls> {
        let (parts, key) = (&self.0, call_rate::key(principal));
        let of_principal = hold(&parts.calls_of_principal, &key, "slow_calls_per_principal_max")?;
        let in_network = hold(&parts.calls_in_network, network, "slow_calls_per_network_max")?;
        let call = hold(&parts.calls, &(), "slow_calls_max")?;
        Ok(SlowCall(Arc::new(Counts { parts: Arc::clone(parts), of_principal, in_network, _call: call })))
    }
}

fn hold<K: Hash + Eq + Clone>(
    counted: &Arc<Counted<K>>,
    key: &K,
    limit: &'static str,
) -> Result<Held<K>, TooManySlowCalls> {
    counted.hold(key).ok_or_else(|| TooManySlowCalls { limit, max: counted.max() })
}

/// A call that may be slow, counted until it and all of its work have ended.
#[derive(Clone)]
pub(crate) struct SlowCall(Arc<Counts>);

struct Counts {
    parts: Arc<Parts>,
    of_principal: Held<Key>,
    in_network: Held<NetworkName>,
    _call: Held<()>,
}

impl SlowCall {
    /// Runs work on one of the threads once a place is free. Dropping the future cancels the work.
    pub(crate) async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Cancel) -> T + Send + 'static) -> T {
        let cancel = Cancel::default();
        let Some(jobs) = &self.0.parts.jobs else { return work(&cancel) };
        let place = self.place().await;
        let _ends = CancelOnDrop(cancel.clone());
        let (done, result) = oneshot::channel();
        let counted = self.clone();
        let job = move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| work(&cancel)));
            drop((place, counted));
            // The caller may be gone.
            let _ = done.send(outcome);
        };
        jobs.send(Box::new(job)).expect("the threads live as long as this");
        match result.await.expect("every job sends its outcome") {
            Ok(value) => value,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Waits for a thread in the principal's share, in the network's, and overall.
    async fn place(&self) -> [OwnedSemaphorePermit; 3] {
        let parts = &self.0.parts;
        let of_principal = acquire(parts.principals.find(self.0.of_principal.key()), 1).await;
        let of_network = acquire(parts.networks.find(self.0.in_network.key()), 1).await;
        [of_principal, of_network, acquire(Arc::clone(&parts.threads), 1).await]
    }
}

/// Cancels the work when dropped.
struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

/// Results that are computed once for all callers that wait for them. A result that nobody waits for any more is
/// abandoned.
pub(crate) struct Flights<K, T: Clone>(Mutex<HashMap<K, WeakShared<BoxFuture<'static, T>>>>);

impl<K, T: Clone> Default for Flights<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq, T: Clone> Flights<K, T> {
    /// Joins the computation under way for this key, or starts one.
    pub(crate) fn join<F>(&self, key: K, make: impl FnOnce() -> F) -> Shared<BoxFuture<'static, T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut flying = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = flying.get(&key).and_then(WeakShared::upgrade) {
            return known;
        }
        flying.retain(|_, flight| flight.upgrade().is_some());
        let begun = make().boxed().shared();
        flying.extend(begun.downgrade().map(|weak| (key, weak)));
        begun
    }
}

fn start_threads() -> io::Result<mpsc::Sender<Job>> {
    let (sender, jobs) = mpsc::channel();
    let jobs = Arc::new(Mutex::new(jobs));
    for number in 0..limits::SLOW_THREADS {
        let jobs = Arc::clone(&jobs);
        std::thread::Builder::new().name(format!("kith-slow-{number}")).spawn(move || {
            let_others_run_first();
            while let Some(job) = next(&jobs) {
                job();
            }
        })?;
    }
    Ok(sender)
}

fn next(jobs: &Mutex<mpsc::Receiver<Job>>) -> Option<Job> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// Lowers the priority of this thread, so that appends and reads do not wait for it.
#[cfg(target_os = "linux")]
fn let_others_run_first() {
    /// A ninth of the processor time of a thread with the usual priority, if both want all of it.
    const NICENESS: i32 = 10;
    // On Linux this affects only the calling thread. Where a sandbox forbids it, everything runs as before.
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::debug!(%error, "the priority of a thread for slow work could not be lowered");
    }
}

#[cfg(not(target_os = "linux"))]
fn let_others_run_first() {}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::{
        event::Role,
        may::{Credential, Reach},
    };
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        time::{Duration, Instant},
    };

    fn principal(network: &str, id: &str) -> (Principal, NetworkName) {
        let network: NetworkName = network.parse().unwrap();
        let principal = Principal {
            id: id.parse().unwrap(),
            reach: Reach::Network(network.clone()),
            role: Role::Reader,
            person: None,
            organisation: None,
            credential: Credential::Program,
        };
        (principal, network)
    }

    fn begin(slow: &SlowWork, (principal, network): &(Principal, NetworkName)) -> Result<SlowCall, TooManySlowCalls> {
        slow.begin(principal, network)
    }

    /// Works until nobody waits any more.
    fn endless(cancel: &Cancel) {
        while !cancel.is_cancelled() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[tokio::test]
    async fn work_that_does_not_end_in_one_network_leaves_threads_to_another() {
        let slow = SlowWork::start().unwrap();
        let mut running = Vec::new();
        for number in 0..8 {
            let call = begin(&slow, &principal("north", &format!("person:p{number}"))).unwrap();
            running.push(tokio::spawn(async move { call.run(endless).await }));
        }
        let begun = Instant::now();
        let south = begin(&slow, &principal("south", "person:amina")).unwrap();
        assert_eq!(south.run(|_| 7).await, 7);
        assert!(begun.elapsed() < Duration::from_secs(1));
        running.iter().for_each(tokio::task::JoinHandle::abort);
        let north = begin(&slow, &principal("north", "person:ben")).unwrap();
        let free = tokio::time::timeout(Duration::from_secs(5), north.run(|_| ()));
        free.await.expect("who leaves ends the work");
    }

    #[tokio::test]
    async fn a_principal_has_so_many_slow_calls_at_a_time_and_nobody_else_pays() {
        let slow = SlowWork::start().unwrap();
        let amina = principal("north", "person:amina");
        let calls: Vec<_> = (0..limits::SLOW_CALLS_PER_PRINCIPAL_MAX).map(|_| begin(&slow, &amina).unwrap()).collect();
        let refused = begin(&slow, &amina).err().unwrap();
        assert_eq!(refused.limit, "slow_calls_per_principal_max");
        begin(&slow, &principal("north", "person:ben")).unwrap();
        drop(calls);
        begin(&slow, &amina).unwrap();
    }

    #[tokio::test]
    async fn who_asks_for_the_same_waits_for_the_same_and_the_last_to_leave_ends_it() {
        let (slow, flights) = (SlowWork::start().unwrap(), Flights::default());
        let made = Arc::new(AtomicUsize::new(0));
        let ended = Arc::new(AtomicUsize::new(0));
        let ask = |who: &str| {
            let call = begin(&slow, &principal("north", who)).unwrap();
            let (made, ended) = (Arc::clone(&made), Arc::clone(&ended));
            flights.join("bridges", move || async move {
                let work = move |cancel: &Cancel| {
                    made.fetch_add(1, Ordering::SeqCst);
                    endless(cancel);
                    ended.fetch_add(1, Ordering::SeqCst);
                };
                call.run(work).await;
            })
        };
        let (first, second) = (tokio::spawn(ask("person:amina")), tokio::spawn(ask("person:ben")));
        while made.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        first.abort();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!((made.load(Ordering::SeqCst), ended.load(Ordering::SeqCst)), (1, 0), "one is still asking");
        second.abort();
        let gone = async {
            while ended.load(Ordering::SeqCst) == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), gone).await.expect("the last one ends it");
    }

    #[tokio::test]
    #[should_panic(expected = "as the work does")]
    async fn a_panic_is_the_callers() {
        let slow = SlowWork::start().unwrap();
        let call = begin(&slow, &principal("north", "person:amina")).unwrap();
        call.run(|_| panic!("as the work does")).await;
    }
}
