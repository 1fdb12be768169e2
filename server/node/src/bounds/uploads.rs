//! Uploads of components: few at a time, one for each principal, kept on disk and not in memory.
//!
//! Invariant: a waiting piece takes no memory, and files on disk have no name, so that they vanish with their uploads.

use super::call_rate::{Key, key};
use crate::limits::UPLOADS_MAX;
use bytes::Bytes;
use kith_core::may::Principal;
use kith_log::blocking;
use std::{
    collections::HashSet,
    fs::File,
    io::{self, Read, Seek, Write},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Why an upload failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    /// The principal is already uploading.
    #[error("another upload of this token is under way: wait for its end")]
    UnderWay,
    /// All places are taken.
    #[error("too many uploads are under way: try again shortly")]
    TooMany,
    /// The file could not be created, written or read.
    #[error("the file of the upload: {0}")]
    File(#[from] io::Error),
}

/// The uploads of a server.
pub(crate) struct Uploads {
    folder: PathBuf,
    busy: Busy,
    /// Held by the upload that is in memory.
    opened: Arc<Semaphore>,
}

/// The principals that are uploading now.
type Busy = Arc<Mutex<HashSet<Key>>>;

/// One upload, in a file without a name.
pub(crate) struct Upload {
    file: Option<File>,
    bytes: usize,
    opened: Arc<Semaphore>,
    place: Place,
}

/// The place of a principal, returned when dropped.
struct Place {
    key: Key,
    busy: Busy,
}

/// An uploaded component in memory, the only one on the server.
pub(crate) struct Opened {
    pub(crate) component: Bytes,
    _turn: OwnedSemaphorePermit,
    _place: Place,
}

impl Uploads {
    /// Uploads that are kept in a folder.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, busy: Busy::default(), opened: Arc::new(Semaphore::new(1)) }
    }

    /// Starts an upload, if the principal has none and a place is free.
    pub(crate) async fn begin(&self, principal: &Principal) -> Result<Upload, UploadError> {
        let place = self.take_place(key(principal))?;
        let folder = self.folder.clone();
        let file = blocking(move || tempfile::tempfile_in(folder)).await?;
        Ok(Upload { file: Some(file), bytes: 0, opened: self.opened.clone(), place })
    }

    fn take_place(&self, key: Key) -> Result<Place, UploadError> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if busy.contains(&key) {
            return Err(UploadError::UnderWay);
        }
        if busy.len() >= UPLOADS_MAX {
            return Err(UploadError::TooMany);
        }
        busy.insert(key.clone());
        Ok(Place { key, busy: self.busy.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl Upload {
    /// Bytes received so far.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends a piece.
    pub(crate) async fn push(&mut self, piece: Bytes) -> Result<(), UploadError> {
        let mut file = self.file.take().expect("it is put back unless a write failed, which ends the upload");
        self.bytes += piece.len();
        let written = blocking(move || file.write_all(&piece).map(|()| file)).await;
        self.file = Some(written?);
        Ok(())
    }

    /// Reads the upload into memory, once no other one is there.
    pub(crate) async fn open(self) -> Result<Opened, UploadError> {
        let turn = self.opened.acquire_owned().await.expect("the semaphore is never closed");
        let (file, bytes) = (self.file.expect("no write failed"), self.bytes);
        let read = blocking(move || read_all(file, bytes)).await?;
        Ok(Opened { component: read.into(), _turn: turn, _place: self.place })
    }
}

fn read_all(mut file: File, bytes: usize) -> io::Result<Vec<u8>> {
    let mut read = Vec::with_capacity(bytes);
    file.rewind()?;
    file.read_to_end(&mut read)?;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::{
        event::Role,
        may::{Credential, Reach},
    };

    fn principal(id: &str) -> Principal {
        Principal {
            id: id.parse().unwrap(),
            credential: Credential::Program,
            reach: Reach::Server,
            role: Role::Analyst,
            person: None,
            organisation: None,
        }
    }

    #[tokio::test]
    async fn a_principal_has_one_upload_and_a_server_a_few() {
        let folder = tempfile::tempdir().unwrap();
        let uploads = Uploads::new(folder.path().to_owned());
        let first = uploads.begin(&principal("person:p0")).await.unwrap();
        assert!(matches!(uploads.begin(&principal("person:p0")).await, Err(UploadError::UnderWay)));
        let mut others = Vec::new();
        for number in 1..UPLOADS_MAX {
            others.push(uploads.begin(&principal(&format!("person:p{number}"))).await.unwrap());
        }
        assert!(matches!(uploads.begin(&principal("person:ben")).await, Err(UploadError::TooMany)));
        drop(first);
        uploads.begin(&principal("person:ben")).await.unwrap();
    }

    #[tokio::test]
    async fn pieces_are_read_back_from_a_file_that_has_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let uploads = Uploads::new(folder.path().to_owned());
        let mut upload = uploads.begin(&principal("person:amina")).await.unwrap();
        for piece in ["one ", "two"] {
            upload.push(piece.into()).await.unwrap();
        }
        assert_eq!((upload.bytes(), folder.path().read_dir().unwrap().count()), (7, 0));
        assert_eq!(upload.open().await.unwrap().component, "one two");
    }
}
