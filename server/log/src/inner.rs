//! What all handles of a log share: its store, the queue, and the threads that write, sign and erase.
//!
//! Invariant: the threads have ended once the last handle is dropped.

use crate::{
    blocking::in_place,
    erase::{again::Lost, eraser::Eraser},
    error::OpenError,
    store::{Edges, Store},
    write::{
        queue::{Queue, Queued},
        signer::Signer,
        writer::Writer,
    },
};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};
use tokio::sync::{mpsc, watch};

/// The state that all handles share.
pub(crate) struct Inner {
    pub(crate) store: Arc<Store>,
    pub(crate) queue: Arc<Queue>,
    /// None where it is a task.
    writer: Mutex<Option<JoinHandle<()>>>,
    /// Closed when the writer has ended.
    ended: watch::Receiver<()>,
    signer: Signer,
    eraser: Eraser,
}

impl Inner {
    /// Starts the writer, the signer and the eraser, which begins with the erasures that the log lacks.
    pub(crate) fn start(store: Store, edges: Edges, lost: Vec<Lost>) -> Result<Self, OpenError> {
        let store = Arc::new(store);
        let (requests_max, bytes_max) = (store.config.queue_requests_max, store.config.queue_bytes_max);
        let (queue, requests) = Queue::new(requests_max, bytes_max, store.health.subscribe());
        let (running, ended) = watch::channel(());
        let writer = Writer::new(store.clone(), edges);
        let no_thread = |source| OpenError::Io { path: store.config.data.clone(), source };
        let writer = start_writer(writer, requests, running).map_err(no_thread)?;
        let signer = Signer::start(store.clone()).map_err(no_thread)?;
        let queue = Arc::new(queue);
        let eraser = Eraser::start(store.clone(), queue.clone(), lost).map_err(no_thread)?;
        Ok(Self { store, queue, writer: Mutex::new(writer), ended, signer, eraser })
    }

    /// Accepts no more requests, answers those that wait, ends the writer, and signs what it wrote last.
    pub(crate) async fn shutdown(&self) {
        self.eraser.stop();
        self.queue.close();
        self.eraser.ended().await;
        let mut ended = self.ended.clone();
        // Only ever closed, never changed: an error says that the writer has ended.
        while ended.changed().await.is_ok() {}
        self.signer.stop();
        self.signer.ended().await;
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.eraser.stop();
        self.queue.close();
        self.eraser.join();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A writer that panicked has already poisoned the log and logged it.
        drop(writer.map(JoinHandle::join));
        self.signer.stop();
        self.signer.join();
    }
}

/// Starts the writer on a queue; `running` is closed when it has ended. Returns its thread, if it has one.
fn start_writer(
    writer: Writer,
    requests: mpsc::Receiver<Queued>,
    running: watch::Sender<()>,
) -> io::Result<Option<JoinHandle<()>>> {
    if in_place() {
        #[cfg(feature = "faults")]
        tokio::spawn(async move {
            let _running = running;
            writer.run_in_place(requests).await;
        });
        return Ok(None);
    }
    let run = move || {
        let _running = running;
        writer.run(requests);
    };
    std::thread::Builder::new().name("kith-log-writer".into()).spawn(run).map(Some)
}
