//! The thread that completes erasures: at every start, and whenever somebody is to be erased.
//!
//! Invariant: it ends before the log's files are closed; what it has not completed then goes on at the next start. It
//! works a tenth of the time at most: while the key file is written anew nobody can make a key, and one network's erasures
//! must not keep the others from recording.

use super::{again::Lost, steps::erase_all};
#[cfg(feature = "faults")]
use crate::blocking::in_place;
use crate::{limits, store::Store, worker::Worker, write::queue::Queue};
use std::{io, sync::Arc};
use tokio::{sync::watch, time::Instant};

/// A handle to the thread.
pub(crate) struct Eraser {
    stop: watch::Sender<bool>,
    worker: Worker,
}

impl Eraser {
    /// Starts the eraser of a store.
    pub(crate) fn start(store: Arc<Store>, queue: Arc<Queue>, lost: Vec<Lost>) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let erasing = Erasing { store, queue, lost };
        #[cfg(feature = "faults")]
        if in_place() {
            return Ok(Self { stop, worker: Worker::task(erasing.run(stopped)) });
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        // Erasures that it does not complete are pending, and the next start goes on with them.
        let worker = Worker::thread("kith-log-eraser", move || runtime.block_on(erasing.run(stopped)))?;
        Ok(Self { stop, worker })
    }

    /// Makes it end at its next step.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// The thread.
    pub(crate) fn worker(&self) -> &Worker {
        &self.worker
    }
}

/// What it erases from.
struct Erasing {
    store: Arc<Store>,
    queue: Arc<Queue>,
    lost: Vec<Lost>,
}

impl Erasing {
    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        tokio::select! {
            biased;
            // It is changed once, and an error says that the log is gone.
            _ = stopped.changed() => {}
            () = self.erase_for_ever() => {}
        }
    }

    async fn erase_for_ever(&mut self) {
        let mut pause = limits::ERASE_RETRY_MIN;
        loop {
            let begun = Instant::now();
            match erase_all(&self.store, &self.queue, &mut self.lost).await {
                Ok(()) => {
                    pause = limits::ERASE_RETRY_MIN;
                    tokio::time::sleep(begun.elapsed() * limits::ERASE_REST_TIMES).await;
                    self.store.erasing.notified().await;
                }
                Err(error) => {
                    if pause == limits::ERASE_RETRY_MIN {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(error, "an erasure cannot go on, trying again");
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(limits::ERASE_RETRY_MAX);
                }
            }
        }
    }
}
