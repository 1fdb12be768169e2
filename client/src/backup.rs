//! A backup of a server's log, read while the server keeps running.
//!
//! Invariant: a backup that was cut off or changed in transit never passes for a complete one.

use crate::{client::Client, error::Error};
use kith_core::{backup::BackupVerifier, checkpoint::PublicKey};
use kith_proto::v1;
use tonic::Streaming;

/// A backup in progress: the bytes of a file for `kithd restore`.
#[derive(Debug)]
pub struct BackupStream {
    messages: Streaming<v1::BackupResponse>,
    verifier: BackupVerifier,
    signed_by: Option<PublicKey>,
}

impl Client {
    /// Starts a backup of the logs of all networks. Needs an owner token for the whole server. It is never retried
    /// automatically: after an error, start again.
    pub async fn backup(&self) -> Result<BackupStream, Error> {
        let mut admin = self.admin_streams();
        let messages = Self::within(self.timeouts.call, admin.backup(v1::BackupRequest {})).await?;
        Ok(BackupStream { messages: messages.into_inner(), verifier: BackupVerifier::default(), signed_by: None })
    }
}

impl BackupStream {
    /// The next part. The last part has no bytes and lists the contents of the file; when it arrives, the file's digest
    /// and signature have been verified. After it comes `None`.
    pub async fn next(&mut self) -> Result<Option<v1::BackupResponse>, Error> {
        match self.messages.message().await? {
            Some(_) if self.signed_by.is_some() => Err(Error::answer("the backup goes on after its last part")),
            Some(message) => {
                self.verifier.update(&message.data);
                if message.data.is_empty() {
                    let verified = std::mem::take(&mut self.verifier).finish();
                    self.signed_by = Some(verified.map_err(Error::unverified)?);
                }
                Ok(Some(message))
            }
            None if self.signed_by.is_some() => Ok(None),
            None => Err(Error::answer("the backup ends before its last part")),
        }
    }

    /// The key that signed the file, once its last part has arrived. It is the key that signs the server's checkpoints,
    /// so a caller who knows that key can compare them.
    pub fn signed_by(&self) -> Option<PublicKey> {
        self.signed_by
    }
}
