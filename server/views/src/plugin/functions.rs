//! Compiled functions on disk, for a host that compiles nearly the same components again and again: an interpreter is the
//! same in every build of a plugin, and only what is new has to be compiled.
//!
//! As with whole components, only what was written with this cache's key is ever loaded as code.

use super::cache::CacheKey;
use crate::limits;
use hmac::Mac;
use redb::{Database, ReadableDatabase, TableDefinition};
use std::{
    borrow::Cow,
    collections::HashMap,
    fmt, fs, io,
    path::Path,
    sync::{Mutex, PoisonError},
};
use wasmtime::CacheStore;

/// Key of the compiler, checksum and code of a function.
const FUNCTIONS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("functions");
/// Length of the checksum in front of the code.
const CHECKSUM_BYTES: usize = 32;

/// Compiled functions, by what they were compiled from.
pub(crate) struct FunctionCache {
    database: Database,
    key: CacheKey,
    /// Functions that are not on disk yet.
    fresh: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
}

impl FunctionCache {
    /// Opens the file, or begins it anew if it has become too large or cannot be read.
    pub(crate) fn open(path: &Path, key: CacheKey) -> io::Result<Self> {
        if fs::metadata(path).is_ok_and(|file| file.len() > limits::FUNCTIONS_FILE_BYTES_MAX) {
            fs::remove_file(path)?;
        }
        let database = match Database::create(path) {
            Ok(database) => database,
            // Another process has it, which says nothing about the file.
            Err(redb::DatabaseError::DatabaseAlreadyOpen) => return Err(io::ErrorKind::ResourceBusy.into()),
            Err(_) => {
                fs::remove_file(path)?;
                Database::create(path).map_err(io::Error::other)?
            }
        };
        Ok(Self { database, key, fresh: Mutex::default() })
    }

    /// Writes the functions that were compiled since the last time. If that fails, they are compiled again.
    pub(crate) fn keep(&self) {
        let fresh = std::mem::take(&mut *self.fresh.lock().unwrap_or_else(PoisonError::into_inner));
        if !fresh.is_empty()
            && let Err(error) = self.write(&fresh)
        {
            tracing::warn!(%error, "compiled functions could not be stored");
        }
    }

    fn write(&self, fresh: &HashMap<Vec<u8>, Vec<u8>>) -> Result<(), redb::Error> {
        let write = self.database.begin_write()?;
        {
            let mut functions = write.open_table(FUNCTIONS)?;
            for (key, code) in fresh {
                let mut record = self.key.checksum(&[b"kith/function/1", key, code]).finalize().into_bytes().to_vec();
                record.extend_from_slice(code);
                functions.insert(key.as_slice(), record.as_slice())?;
            }
        }
        write.commit()?;
        Ok(())
    }

    fn read(&self, key: &[u8]) -> Result<Option<Vec<u8>>, redb::Error> {
        let functions = self.database.begin_read()?.open_table(FUNCTIONS)?;
        let Some(record) = functions.get(key)? else { return Ok(None) };
        let Some((checksum, code)) = record.value().split_first_chunk::<CHECKSUM_BYTES>() else { return Ok(None) };
        let is_ours = self.key.checksum(&[b"kith/function/1", key, code]).verify_slice(checksum).is_ok();
        Ok(is_ours.then(|| code.to_vec()))
    }
}

impl CacheStore for FunctionCache {
    fn get(&self, key: &[u8]) -> Option<Cow<'_, [u8]>> {
        self.read(key).ok().flatten().map(Cow::Owned)
    }

    fn insert(&self, key: &[u8], value: Vec<u8>) -> bool {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_vec(), value);
        true
    }
}

impl fmt::Debug for FunctionCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FunctionCache")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_again_unless_they_were_damaged_or_written_by_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("functions.redb");
        let open = |secret: u8| FunctionCache::open(&path, CacheKey::new([secret; 32])).unwrap();
        let found = |secret, key: &[u8]| open(secret).get(key).map(Cow::into_owned);
        let cache = open(1);
        assert!(cache.insert(b"one", b"code".to_vec()));
        assert_eq!(cache.get(b"one"), None, "not written yet");
        cache.keep();
        drop(cache);
        assert_eq!(found(1, b"one"), Some(b"code".to_vec()));
        assert_eq!((found(1, b"two"), found(2, b"one")), (None, None));
        fs::write(&path, b"damaged").unwrap();
        assert_eq!(found(1, b"one"), None, "the file is begun anew");
    }
}
