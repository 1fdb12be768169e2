//! The thread that signs what was committed, once a second: the writer never waits for it.
//!
//! Invariant: it has ended before the log's files are closed, and what was committed last is signed by then.

use crate::{checkpoints::CheckpointError, store::Store};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::watch;

/// Time between two rounds of signing.
const SIGN_EVERY: Duration = Duration::from_secs(1);

/// The thread, by its ends.
pub(crate) struct Signer {
    stop: mpsc::Sender<()>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Closed when it has ended.
    ended: watch::Receiver<()>,
}

impl Signer {
    /// Starts to sign what is committed to a store.
    pub(crate) fn start(store: Arc<Store>) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let (running, ended) = watch::channel(());
        let run = move || {
            let _running = running;
            run(&store, &stopped);
        };
        let thread = std::thread::Builder::new().name("kith-log-signer".into()).spawn(run)?;
        Ok(Self { stop, thread: Mutex::new(Some(thread)), ended })
    }

    /// Lets it sign once more and end.
    pub(crate) fn stop(&self) {
        // An error says that it has ended already.
        let _ = self.stop.send(());
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&self) {
        let mut ended = self.ended.clone();
        // Only ever closed, never changed: an error says that it has ended.
        while ended.changed().await.is_ok() {}
    }

    /// Waits until its thread is gone.
    pub(crate) fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // One that panicked signs nothing any more, which is all that it can do wrong.
        drop(thread.map(JoinHandle::join));
    }
}

fn run(store: &Store, stopped: &mpsc::Receiver<()>) {
    let mut failing = false;
    loop {
        let last = stopped.recv_timeout(SIGN_EVERY) != Err(mpsc::RecvTimeoutError::Timeout);
        let logs: Vec<_> = store.networks().values().cloned().collect();
        match store.checkpoints.sign_all(store, &logs) {
            Ok(()) => failing = false,
            Err(CheckpointError::RolledBack) => return,
            Err(error) if !failing => {
                tracing::error!(error = &error as &dyn std::error::Error, "nothing can be signed, trying again");
                failing = true;
            }
            Err(_) => {}
        }
        if last {
            return;
        }
    }
}
