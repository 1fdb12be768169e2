//! Following: continuous syncing, across broken connections.
//!
//! Invariant: on every new connection the server is checked again before anything is sent or applied.

use super::{
    Inner, SyncError,
    events::{Connection, Happening},
    sync::{SyncReport, ended},
};
use crate::{client::Client, retry::delay};
use futures_util::StreamExt;
use std::{convert::Infallible, time::Duration};
use tokio::sync::watch;

impl Inner {
    pub(super) async fn follow(&self, client: &Client) -> SyncError {
        let Ok(_alone) = self.syncing.try_lock() else { return SyncError::Running };
        let mut failed = 0;
        loop {
            let Err(error) = self.follow_once(client, &mut failed).await;
            let Err(error) = self.look_after_scope(client, error).await else { continue };
            self.note_failure(&error);
            if !error.is_retryable() {
                return error;
            }
            if let SyncError::Call(error) = &error {
                self.tell(Happening::Connection(Connection::Offline(error.clone())));
            }
            #[cfg(feature = "faults")]
            self.wait_for_something_recorded().await;
            tokio::time::sleep(self.pause(failed, &error)).await;
            failed += 1;
        }
    }

    fn pause(&self, failed: u32, error: &SyncError) -> Duration {
        let asked = match error {
            SyncError::Call(error) => error.retry_after(),
            SyncError::Alarm(_) | SyncError::Store(_) | SyncError::ScopeLost { .. } | SyncError::Running => None,
        };
        delay(self.options.retry, failed, asked, self.environment.fraction())
    }

    /// Syncs continuously until something fails.
    async fn follow_once(&self, client: &Client, failed: &mut u32) -> Result<Infallible, SyncError> {
        let mut recorded = self.outbox_moved.subscribe();
        recorded.borrow_and_update();
        let synced = self.sync_alone(client).await?;
        *failed = 0;
        self.tell(Happening::Connection(Connection::Online));
        let mut waiting = synced.waiting;
        self.note_success(synced);
        let mut pulling = self.begin_pull(client)?;
        let mut failed_sends = 0;
        loop {
            let mut report = SyncReport::default();
            let pause = delay(self.options.retry, failed_sends, None, self.environment.fraction());
            tokio::select! {
                () = wake_up(&mut recorded, waiting > 0, pause) => {
                    // The connection may be new, and its other end a different server.
                    self.check_server(client, &mut report).await?;
                    if report.reset.is_some() {
                        return Err(SyncError::Call(ended()));
                    }
                    self.push(client, &mut report).await?;
                    waiting = report.waiting;
                    failed_sends = if waiting > 0 { failed_sends + 1 } else { 0 };
                }
                update = pulling.updates.next() => {
                    let update = update.ok_or_else(|| SyncError::Call(ended()))??;
                    self.take_update(client, &mut pulling, &update, None, &mut report).await?;
                    waiting = self.waiting_count()?;
                    self.note_contact()?;
                }
            }
        }
    }
}

/// Waits until something is recorded, or until it is time to retry waiting events.
async fn wake_up(recorded: &mut watch::Receiver<u64>, waits: bool, pause: Duration) {
    tokio::select! {
        // The replica holds the sender for as long as this runs.
        _ = recorded.changed() => {}
        () = tokio::time::sleep(pause), if waits => {}
    }
}
