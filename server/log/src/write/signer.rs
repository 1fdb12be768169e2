//! The thread that signs committed heads once a second; the writer never waits for it.
//!
//! Invariant: it ends before the log's files are closed, after signing what was committed last.

#[cfg(feature = "faults")]
use crate::blocking::in_place;
use crate::{sign::checkpoints::CheckpointError, store::Store, worker::Worker};
#[cfg(feature = "faults")]
use std::sync::{Mutex, PoisonError};
use std::{
    io,
    ops::ControlFlow,
    sync::{Arc, mpsc},
    time::Duration,
};

/// Time between two rounds of signing.
const SIGN_EVERY: Duration = Duration::from_secs(1);

/// A handle to the thread.
pub(crate) struct Signer {
    stop: mpsc::Sender<()>,
    worker: Worker,
}

impl Signer {
    /// Starts the signer of a store.
    pub(crate) fn start(store: Arc<Store>) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let mut signing = Signing { store, failing: false };
        #[cfg(feature = "faults")]
        if in_place() {
            let stopped = Mutex::new(stopped);
            let worker = Worker::task(async move { signing.run_in_place(&stopped).await });
            return Ok(Self { stop, worker });
        }
        // If it panics, it only failed to sign, so there is nothing else to do.
        let worker = Worker::thread("kith-log-signer", move || signing.run(&stopped))?;
        Ok(Self { stop, worker })
    }

    /// Makes it sign once more and end.
    pub(crate) fn stop(&self) {
        // An error says that it has ended already.
        let _ = self.stop.send(());
    }

    /// The thread.
    pub(crate) fn worker(&self) -> &Worker {
        &self.worker
    }
}

/// What to sign, and whether the last attempt failed.
struct Signing {
    store: Arc<Store>,
    failing: bool,
}

impl Signing {
    fn run(&mut self, stopped: &mpsc::Receiver<()>) {
        loop {
            let last = stopped.recv_timeout(SIGN_EVERY) != Err(mpsc::RecvTimeoutError::Timeout);
            if self.sign().is_break() || last {
                return;
            }
        }
    }

    /// Like `run`, as a task of the caller's runtime, in its time.
    #[cfg(feature = "faults")]
    async fn run_in_place(&mut self, stopped: &Mutex<mpsc::Receiver<()>>) {
        loop {
            tokio::time::sleep(SIGN_EVERY).await;
            let heard = stopped.lock().unwrap_or_else(PoisonError::into_inner).try_recv();
            if self.sign().is_break() || heard != Err(mpsc::TryRecvError::Empty) {
                return;
            }
        }
    }

    /// Signs the heads that have moved.
    fn sign(&mut self) -> ControlFlow<()> {
        let logs: Vec<_> = self.store.networks().values().cloned().collect();
        match self.store.sign_all(&logs) {
            Ok(()) => self.failing = false,
            Err(CheckpointError::RolledBack) => return ControlFlow::Break(()),
            Err(error) if !self.failing => {
                tracing::error!(error = &error as &dyn std::error::Error, "checkpoints cannot be signed, trying again");
                self.failing = true;
            }
            Err(_) => {}
        }
        ControlFlow::Continue(())
    }
}
