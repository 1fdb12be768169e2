//! The thread that signs committed heads once a second; the writer never waits for it.
//!
//! Invariant: it ends before the log's files are closed, after signing what was committed last.

use crate::{blocking::in_place, sign::checkpoints::CheckpointError, store::Store};
use std::{
    io,
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::watch;

/// Time between two rounds of signing.
const SIGN_EVERY: Duration = Duration::from_secs(1);

/// A handle to the thread.
pub(crate) struct Signer {
    stop: mpsc::Sender<()>,
    /// None where it is a task.
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Closed when it has ended.
    ended: watch::Receiver<()>,
}

impl Signer {
    /// Starts the signer of a store.
    pub(crate) fn start(store: Arc<Store>) -> io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let (running, ended) = watch::channel(());
        let mut signing = Signing { store, failing: false };
        if in_place() {
            #[cfg(feature = "faults")]
            tokio::spawn(async move {
                let _running = running;
                signing.run_in_place(&Mutex::new(stopped)).await;
            });
            return Ok(Self { stop, thread: Mutex::default(), ended });
        }
        let run = move || {
            let _running = running;
            signing.run(&stopped);
        };
        let thread = std::thread::Builder::new().name("kith-log-signer".into()).spawn(run)?;
        Ok(Self { stop, thread: Mutex::new(Some(thread)), ended })
    }

    /// Makes it sign once more and end.
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

    /// Waits until its thread has exited.
    pub(crate) fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // If it panicked, it only failed to sign, so there is nothing else to do.
        drop(thread.map(JoinHandle::join));
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
