//! The queue: bounded, emptied before the end, closed afterwards.

use crate::support::*;
use kith_core::{position::Position, timestamp::Timestamp};
use kith_log::{AppendError, Clock, CreateNetworkError, Health, Log, Unavailable};
use std::{
    future::{poll_fn, ready},
    pin::Pin,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    task::Poll,
};

/// A gate in the clock: while it is shut, the clock blocks, and with it the writer.
#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
    now: AtomicI64,
}

#[derive(Default)]
struct GateState {
    shut: bool,
    /// Whether the writer waits at the gate.
    reached: bool,
}

impl Gate {
    fn shut(&self) {
        self.state.lock().unwrap().shut = true;
    }

    fn open(&self) {
        self.state.lock().unwrap().shut = false;
        self.changed.notify_all();
    }

    fn pass(&self) -> Timestamp {
        let mut state = self.state.lock().unwrap();
        state.reached = state.shut;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |state| state.shut).unwrap());
        Timestamp::from_millis(START_MS + self.now.fetch_add(1, Ordering::Relaxed))
    }

    fn wait_until_reached(&self) {
        drop(self.changed.wait_while(self.state.lock().unwrap(), |state| !state.reached).unwrap());
    }
}

struct Stalled {
    place: Place,
    gate: Arc<Gate>,
}

impl Stalled {
    fn new(change: impl FnOnce(&mut kith_log::Config)) -> Self {
        let mut place = Place::new();
        change(&mut place.config);
        Self { place, gate: Arc::default() }
    }

    /// Opens the log and creates a network. Afterwards the writer is blocked with one request.
    async fn open(&self) -> (Log, kith_log::Network, Waiting) {
        let gate = self.gate.clone();
        let clock: Clock = Arc::new(move || gate.pass());
        let log = Log::open(&self.place.config, clock).unwrap();
        let network = north(&log).await;
        self.gate.shut();
        let waiting = submit([append_one(network.clone(), 900)]).await;
        self.gate.wait_until_reached();
        (log, network, waiting)
    }
}

/// Appends that are under way or refused.
type Waiting = Vec<Pin<Box<dyn Future<Output = Result<Position, AppendError>> + Send>>>;

/// Polls every future once, so that its request is queued or refused.
async fn submit<T: Send + 'static>(
    futures: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<Pin<Box<dyn Future<Output = T> + Send>>> {
    let mut waiting = Vec::new();
    for future in futures {
        let mut future: Pin<Box<dyn Future<Output = T> + Send>> = Box::pin(future);
        let now = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        waiting.push(match now {
            Poll::Ready(done) => Box::pin(ready(done)),
            Poll::Pending => future,
        });
    }
    waiting
}

async fn append_one(network: kith_log::Network, number: u64) -> Result<Position, AppendError> {
    let outcomes = network.append(command(vec![joins(number, &format!("p{number}"))])).await?;
    Ok(accepted(outcomes[0]))
}

/// How many are done and how many were refused because the log is busy.
async fn counts(waiting: Waiting) -> (usize, usize) {
    let (mut done, mut busy) = (0, 0);
    for future in waiting {
        match future.await {
            Ok(_) => done += 1,
            Err(AppendError::Unavailable(Unavailable::Busy { retry_after })) if !retry_after.is_zero() => busy += 1,
            Err(error) => panic!("{error}"),
        }
    }
    (done, busy)
}

#[tokio::test]
async fn a_full_queue_says_busy_and_loses_nothing() {
    let stalled = Stalled::new(|config| config.queue_requests_max = 4);
    let (log, network, first) = stalled.open().await;
    let waiting = submit((1..=20).map(|number| append_one(network.clone(), number))).await;
    assert_eq!(log.measures().queue_requests, 4);
    stalled.gate.open();
    assert_eq!(counts(first).await, (1, 0));
    assert_eq!(counts(waiting).await, (4, 16));
    assert_eq!(network.head().get(), 5);
    assert_eq!(log.measures().entry_count, 5);
    assert!(append_one(network, 100).await.is_ok());
}

#[tokio::test]
async fn a_queue_full_of_bytes_says_busy() {
    let (one, first) = (joins(1, "p1").size_bytes(), joins(900, "p900").size_bytes());
    let stalled = Stalled::new(|config| config.queue_bytes_max = first + 2 * one);
    let (_log, network, first) = stalled.open().await;
    let waiting = submit((1..=9).map(|number| append_one(network.clone(), number))).await;
    stalled.gate.open();
    assert_eq!(counts(first).await, (1, 0));
    assert_eq!(counts(waiting).await, (2, 7));
    let large = (200..300).map(|number| joins(number, &format!("p{number}"))).collect();
    assert_eq!(append(&network, large).await.len(), 100, "a request larger than the queue has it to itself");
}

#[tokio::test]
async fn what_waits_is_answered_before_the_end() {
    let stalled = Stalled::new(|_| ());
    let (log, network, first) = stalled.open().await;
    let waiting = submit((1..=20).map(|number| append_one(network.clone(), number))).await;
    let ended = submit([{
        let log = log.clone();
        async move { log.shutdown().await }
    }])
    .await;
    let late = append_one(network.clone(), 50).await;
    assert!(matches!(late, Err(AppendError::Unavailable(Unavailable::ShuttingDown))), "{late:?}");
    stalled.gate.open();
    assert_eq!(counts(first).await, (1, 0));
    assert_eq!(counts(waiting).await, (20, 0));
    for ended in ended {
        ended.await;
    }
    log.shutdown().await;
    let made = log.create_network(&"south".parse().unwrap()).await;
    assert!(matches!(made, Err(CreateNetworkError::Unavailable(Unavailable::ShuttingDown))));
    assert_eq!(network.history().read(Position::ZERO, END, ALL).unwrap().len(), 21, "reads go on");
    assert_eq!(*log.health().borrow(), Health::Serving);
}

#[tokio::test]
async fn a_caller_who_goes_away_disturbs_nobody() {
    let stalled = Stalled::new(|_| ());
    let (_log, network, first) = stalled.open().await;
    let waiting = submit((1..=3).map(|number| append_one(network.clone(), number))).await;
    drop((first, waiting));
    stalled.gate.open();
    assert_eq!(append_one(network, 4).await.unwrap().get(), 5);
}
