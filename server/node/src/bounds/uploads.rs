//! Components on their way to this server: few at a time, one for each principal, on disk and not in memory.
//!
//! Invariant: a piece that waits takes no memory, and what is on disk has no name, so that it goes with its upload.

use super::call_rate::{Key, key};
use crate::{blocking, grpc::Failure, limits::UPLOADS_MAX};
use bytes::Bytes;
use kith_core::may::Principal;
use kith_proto::v1::ErrorReason;
use std::{
    collections::HashSet,
    fs::File,
    io::{self, Read, Seek, Write},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// When to try again while others upload.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The uploads of a server.
pub(crate) struct Uploads {
    folder: PathBuf,
    busy: Busy,
    /// Held by the upload whose bytes are in memory.
    opened: Arc<Semaphore>,
}

/// Who uploads now.
type Busy = Arc<Mutex<HashSet<Key>>>;

/// One upload, in a file without a name.
pub(crate) struct Upload {
    file: Option<File>,
    bytes: usize,
    opened: Arc<Semaphore>,
    place: Place,
}

/// The place of a principal, given back at the end.
struct Place {
    key: Key,
    busy: Busy,
}

/// What was uploaded, as the only one of the server.
pub(crate) struct Opened {
    pub(crate) component: Bytes,
    _turn: OwnedSemaphorePermit,
    _place: Place,
}

impl Uploads {
    /// Uploads to a folder.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, busy: Busy::default(), opened: Arc::new(Semaphore::new(1)) }
    }

    /// Begins an upload, if the principal has none and there is a place.
    pub(crate) async fn begin(&self, principal: &Principal) -> Result<Upload, Failure> {
        let place = self.take_place(key(principal))?;
        let folder = self.folder.clone();
        let file = blocking(move || tempfile::tempfile_in(folder)).await.map_err(|error| Failure::internal(&error))?;
        Ok(Upload { file: Some(file), bytes: 0, opened: self.opened.clone(), place })
    }

    fn take_place(&self, key: Key) -> Result<Place, Failure> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = |message: &str, limit: &str| {
            let failure = Failure::because(ErrorReason::RateLimited, message);
            Err(failure.with("limit", limit).retry_after(RETRY_AFTER))
        };
        if busy.contains(&key) {
            return refused("another upload of this token is under way: wait for its end", "uploads_per_principal_max");
        }
        if busy.len() >= UPLOADS_MAX {
            return refused("too many uploads are under way: try again shortly", "uploads_max");
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
    /// Bytes so far.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps a piece.
    pub(crate) async fn push(&mut self, piece: Bytes) -> Result<(), Failure> {
        let mut file = self.file.take().expect("it is put back unless a write failed, which ends the upload");
        self.bytes += piece.len();
        let written = blocking(move || file.write_all(&piece).map(|()| file)).await;
        self.file = Some(written.map_err(|error| Failure::internal(&error))?);
        Ok(())
    }

    /// Reads what was kept, once no other upload is in memory.
    pub(crate) async fn open(self) -> Result<Opened, Failure> {
        let turn = self.opened.acquire_owned().await.expect("the semaphore is never closed");
        let (file, bytes) = (self.file.expect("no write failed"), self.bytes);
        let read = blocking(move || read_all(file, bytes)).await.map_err(|error| Failure::internal(&error))?;
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
        assert_eq!(uploads.begin(&principal("person:p0")).await.err().unwrap().reason(), ErrorReason::RateLimited);
        let mut others = Vec::new();
        for number in 1..UPLOADS_MAX {
            others.push(uploads.begin(&principal(&format!("person:p{number}"))).await.unwrap());
        }
        assert_eq!(uploads.begin(&principal("person:ben")).await.err().unwrap().reason(), ErrorReason::RateLimited);
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
