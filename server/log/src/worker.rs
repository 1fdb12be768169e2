//! Work beside the calls: a thread, or, in a simulation, a task of the caller's runtime.

use std::{
    io,
    sync::{Mutex, PoisonError},
    thread::JoinHandle,
};
use tokio::sync::watch;

/// A handle to work that ends by itself.
pub(crate) struct Worker {
    /// None where it is a task.
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Closed when it has ended.
    ended: watch::Receiver<()>,
}

impl Worker {
    /// Starts a thread.
    pub(crate) fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let (running, ended) = watch::channel(());
        let run = move || {
            let _running = running;
            run();
        };
        let thread = std::thread::Builder::new().name(name.into()).spawn(run)?;
        Ok(Self { thread: Mutex::new(Some(thread)), ended })
    }

    /// Starts a task.
    #[cfg(feature = "faults")]
    pub(crate) fn task(run: impl Future<Output = ()> + Send + 'static) -> Self {
        let (running, ended) = watch::channel(());
        tokio::spawn(async move {
            let _running = running;
            run.await;
        });
        Self { thread: Mutex::default(), ended }
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&self) {
        let mut ended = self.ended.clone();
        // Only ever closed, never changed: an error says that it has ended.
        while ended.changed().await.is_ok() {}
    }

    /// Waits until its thread has exited. What it failed at it has told by then, also by a panic.
    pub(crate) fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(thread.map(JoinHandle::join));
    }
}
