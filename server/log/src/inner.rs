//! What all handles of a log share: its store, the queue, and the threads that write, sign and erase.
//!
//! Invariant: the threads have ended once the last handle is dropped.

#[cfg(feature = "faults")]
use crate::blocking::in_place;
use crate::{
    erase::{again::Lost, eraser::Eraser},
    error::OpenError,
    store::{Edges, Store},
    worker::Worker,
    write::{
        queue::{Queue, Queued},
        signer::Signer,
        writer::Writer,
    },
};
use std::{io, sync::Arc};
use tokio::sync::mpsc;

/// The state that all handles share.
pub(crate) struct Inner {
    pub(crate) store: Arc<Store>,
    pub(crate) queue: Arc<Queue>,
    writer: Worker,
    signer: Signer,
    eraser: Eraser,
}

impl Inner {
    /// Starts the writer, the signer and the eraser, which begins with the erasures that the log lacks.
    pub(crate) fn start(store: Store, edges: Edges, lost: Vec<Lost>) -> Result<Self, OpenError> {
        let store = Arc::new(store);
        let (requests_max, bytes_max) = (store.config.queue_requests_max, store.config.queue_bytes_max);
        let (queue, requests) = Queue::new(requests_max, bytes_max, store.health.subscribe());
        let writer = Writer::new(store.clone(), edges);
        let no_thread = |source| OpenError::Io { path: store.config.data.clone(), source };
        let writer = start_writer(writer, requests).map_err(no_thread)?;
        let signer = Signer::start(store.clone()).map_err(no_thread)?;
        let queue = Arc::new(queue);
        let eraser = Eraser::start(store.clone(), queue.clone(), lost).map_err(no_thread)?;
        Ok(Self { store, queue, writer, signer, eraser })
    }

    /// Accepts no more requests, answers those that wait, ends the writer, and signs what it wrote last.
    pub(crate) async fn shutdown(&self) {
        self.eraser.stop();
        self.queue.close();
        self.eraser.worker().ended().await;
        self.writer.ended().await;
        self.signer.stop();
        self.signer.worker().ended().await;
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.eraser.stop();
        self.queue.close();
        self.eraser.worker().join();
        // A writer that panicked has already poisoned the log and logged it.
        self.writer.join();
        self.signer.stop();
        self.signer.worker().join();
    }
}

/// Starts the writer on a queue.
fn start_writer(writer: Writer, requests: mpsc::Receiver<Queued>) -> io::Result<Worker> {
    #[cfg(feature = "faults")]
    if in_place() {
        return Ok(Worker::task(writer.run_in_place(requests)));
    }
    Worker::thread("kith-log-writer", move || writer.run(requests))
}
