//! The root key's file in the folder of keys.
//!
//! Invariant: a root key is created only when no other root key has wrapped anything.

use crate::{error::OpenError, files::io_error, keys::rotation::successor};
use kith_words::{Key, RootKeyError, make_root_key, read_root_key};
use std::path::Path;

/// Reads the root key, or creates it if `nothing_wrapped` returns true.
pub(crate) fn read_or_make(path: &Path, nothing_wrapped: impl FnOnce() -> bool) -> Result<Key, OpenError> {
    match read(path) {
        Err(OpenError::RootKeyMissing { .. }) if nothing_wrapped() => make_root_key(path).map_err(io_error(path)),
        other => other,
    }
}

/// Reads the root key, unless a rotation was interrupted, after which another may be the right one.
pub(crate) fn read(path: &Path) -> Result<Key, OpenError> {
    if successor(path).exists() {
        return Err(OpenError::RotationInterrupted { path: path.to_owned() });
    }
    read_root_key(path).map_err(|error| match error {
        RootKeyError::Missing => OpenError::RootKeyMissing { path: path.to_owned() },
        RootKeyError::Exposed => OpenError::RootKeyExposed { path: path.to_owned() },
        RootKeyError::Malformed => OpenError::RootKeyMalformed { path: path.to_owned() },
        RootKeyError::Io(error) => io_error(path)(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_only_where_nothing_was_wrapped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        assert!(matches!(read_or_make(&path, || false), Err(OpenError::RootKeyMissing { .. })));
        let made = read_or_make(&path, || true).unwrap();
        assert_eq!(*read_or_make(&path, || true).unwrap(), *made);
        assert_eq!(*read(&path).unwrap(), *made);
    }
}
