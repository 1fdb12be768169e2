//! The keys of a replica's words, in its folder `keys`, or under a root key that the app keeps.
//!
//! Invariant: keys are open only while this process has the replica's file.

use super::{error::StoreError, half_made};
use kith_words::{
    Incarnation, Key, KeyFolder, Keys, KeysError, RootKeyError, SwappedFile, make_root_key, read_root_key,
};
use redb::backends::FileBackend;
use std::{
    fmt, fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

/// Opens the keys.
pub(super) type KeysOpener = Arc<dyn Fn() -> Result<Keys, StoreError> + Send + Sync>;

/// The keys, opened once something is sealed or opened.
pub(super) struct Keyring {
    opener: KeysOpener,
    keys: OnceLock<Keys>,
    opening: Mutex<()>,
}

impl Keyring {
    pub(super) fn new(opener: KeysOpener) -> Self {
        Self { opener, keys: OnceLock::new(), opening: Mutex::default() }
    }

    /// The keys; `sealing` is the one that is committed. Those of all others end when the keys are opened.
    pub(super) fn keys(&self, sealing: Incarnation) -> Result<&Keys, StoreError> {
        if let Some(keys) = self.keys.get() {
            return Ok(keys);
        }
        let _opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = self.keys.get() {
            return Ok(keys);
        }
        let keys = (self.opener)()?;
        keys.load_or_make_network(sealing)?;
        keys.keep_network(sealing)?;
        Ok(self.keys.get_or_init(|| keys))
    }

    /// Closes them.
    pub(super) fn close(&mut self) {
        drop(self.keys.take());
    }
}

/// A key of 32 bytes that opens the keys of a replica, such as one from the system's keychain. It prints as `***`.
#[derive(Clone)]
pub struct RootKey(Key);

impl RootKey {
    /// A key of random bytes that the caller keeps.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Key::new(bytes))
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(***)")
    }
}

/// Opens the keys in a replica's folder; creates them, and the root key unless it is given.
pub(super) fn open_keys(replica: &Path, given: Option<&RootKey>) -> Result<Keys, StoreError> {
    let folder = replica.join("keys");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let (place, root) = (KeyFolder::new(&folder), folder.join("root.key"));
    let root = match given {
        Some(RootKey(key)) => key.clone(),
        None => match read_root_key(&root) {
            Err(RootKeyError::Missing) if !place.file().exists() => make_root_key(&root)?,
            read => read?,
        },
    };
    let mut options = fs::OpenOptions::new();
    let options = options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let backend = FileBackend::new(options.open(place.file())?)?;
    let database = half_made::open_or_make(&KeyFolder::builder(), backend)?;
    place.recover()?;
    Ok(Keys::with_database(database, root, Some(place))?)
}

/// Opens keys on a storage backend.
#[cfg(feature = "faults")]
pub(super) fn open_keys_on(backend: impl redb::StorageBackend, given: Option<&RootKey>) -> Result<Keys, StoreError> {
    let root = given.map_or_else(|| Key::new([0; 32]), |RootKey(key)| key.clone());
    let database = half_made::open_or_make(&redb::Builder::new(), backend)?;
    Ok(Keys::with_database(database, root, None)?)
}

/// Overwrites and removes the keys in a replica's folder.
pub(super) fn remove_keys(replica: &Path) -> io::Result<()> {
    let folder = replica.join("keys");
    for file in ["root.key", "keys.redb"] {
        SwappedFile::new(folder.join(file)).remove()?;
    }
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

impl From<KeysError> for StoreError {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Storage(error) => (*error).into(),
            KeysError::Unusable(what) => Self::Keys(what),
        }
    }
}

impl From<RootKeyError> for StoreError {
    fn from(error: RootKeyError) -> Self {
        match error {
            RootKeyError::Missing => Self::Keys("the root key is missing"),
            RootKeyError::Exposed => Self::Keys("others may read the root key: set its mode to 0600"),
            RootKeyError::Malformed => Self::Keys("the root key is not 32 bytes"),
            RootKeyError::Io(error) => error.into(),
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        redb::Error::Io(error).into()
    }
}
