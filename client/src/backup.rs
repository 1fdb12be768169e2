//! A backup of a server's log, read while the server goes on.
//!
//! Invariant: a backup that was cut off never looks like a whole one.

use crate::{client::Client, error::Error};
use kith_proto::v1;
use tonic::Streaming;

/// A backup on its way: the bytes of a file for `kithd restore`.
#[derive(Debug)]
pub struct BackupStream {
    messages: Streaming<v1::BackupResponse>,
    whole: bool,
}

impl Client {
    /// Begins a backup of the log of all networks. Needs an owner token of the whole server. It is never repeated by
    /// itself: after an error, begin anew.
    pub async fn backup(&self) -> Result<BackupStream, Error> {
        let mut admin = self.admin_streams();
        let messages = Self::within(self.timeouts.call, admin.backup(v1::BackupRequest {})).await?;
        Ok(BackupStream { messages: messages.into_inner(), whole: false })
    }
}

impl BackupStream {
    /// The next part. The last one has no bytes and names what is in the file; after it comes `None`.
    pub async fn next(&mut self) -> Result<Option<v1::BackupResponse>, Error> {
        match self.messages.message().await? {
            Some(message) => {
                self.whole = message.data.is_empty();
                Ok(Some(message))
            }
            None if self.whole => Ok(None),
            None => Err(Error::answer("the backup ends before its last part")),
        }
    }
}
