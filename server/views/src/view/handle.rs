//! The handle through which a view is queried.
//!
//! Queries read a snapshot of the file and never wait for the thread.

use super::{
    follower::Follower,
    following::FollowError,
    shared::{Shared, ViewCursor},
    thread,
};
use crate::share::cancel::Cancel;
use kith_core::position::Position;
use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    thread::JoinHandle,
};
use tokio::sync::watch;

/// The view stopped before it reached a position; its status says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the view stopped")]
pub struct ViewStopped;

/// A view that follows a log. Dropping it stops the thread; the file stays.
///
/// All methods except `wait_for`, `cursor` and `cursor_watch` block on the disk and the plugin: call them where
/// blocking is allowed.
pub struct ViewHandle {
    pub(crate) shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl ViewHandle {
    /// Starts the thread.
    pub(crate) fn start(
        follower: Follower,
        shared: Arc<Shared>,
        head: watch::Receiver<Position>,
    ) -> std::io::Result<Self> {
        let thread = thread::start(follower, &shared, head)?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Resumes a view that was stopped or held. Does nothing if it follows the log. Blocks on the disk.
    pub fn resume(&self, head: watch::Receiver<Position>) -> Result<(), FollowError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.is_none() {
            let follower = Follower::open(Arc::clone(&self.shared))?;
            *self.shared.stop() = Cancel::default();
            *thread = Some(thread::start(follower, &self.shared, head).map_err(FollowError::Thread)?);
        }
        Ok(())
    }

    /// Stops the view and deletes its file. It can still be queried through its handles; it can only be opened again
    /// once all handles are dropped.
    pub fn delete(&self) -> std::io::Result<()> {
        self.stop();
        std::fs::remove_file(self.shared.room.file())
    }

    /// A handle to a view that does not follow, or whose follower is run by somebody else.
    pub(crate) fn without_thread(shared: Arc<Shared>) -> Self {
        Self { shared, thread: Mutex::default() }
    }

    /// How far the view has progressed.
    pub fn cursor(&self) -> ViewCursor {
        self.shared.cursor()
    }

    /// Changes whenever a batch is committed or the day changes.
    pub fn cursor_watch(&self) -> watch::Receiver<ViewCursor> {
        self.shared.cursor.subscribe()
    }

    /// Waits until the view has reached a position and its rows are as of today; or as of yesterday, while making those of
    /// today takes a while. The view skips its pauses while somebody waits.
    pub async fn wait_for(&self, position: Position) -> Result<ViewCursor, ViewStopped> {
        let mut cursor = self.cursor_watch();
        self.shared.wanted.fetch_max(position.get(), Ordering::AcqRel);
        self.unpark();
        loop {
            let now = *cursor.borrow_and_update();
            if self.shared.condition().stopped.is_some() {
                return Err(ViewStopped);
            }
            if self.shared.is_recent(now) && now.position >= position {
                return Ok(now);
            }
            if self.shared.is_stopping() {
                return Err(ViewStopped);
            }
            cursor.changed().await.map_err(|_| ViewStopped)?;
        }
    }

    fn unpark(&self) {
        if let Some(thread) = &*self.thread.lock().unwrap_or_else(PoisonError::into_inner) {
            thread.thread().unpark();
        }
    }

    /// Stops the thread and waits for it. A running call of the plugin is interrupted, and with it the batch, which is
    /// processed again when the view resumes. The view can still be queried.
    pub fn stop(&self) {
        self.shared.stop().cancel();
        // Wakes everybody who waits for the cursor.
        self.shared.cursor.send_modify(|_| {});
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!(view = self.shared.name(), "view thread panicked");
            }
        }
    }
}

impl Drop for ViewHandle {
    fn drop(&mut self) {
        self.stop();
    }
}
