//! The root key's file: 32 random bytes that only the owner may read.
//!
//! Invariant: a root key is created only when no other root key has wrapped anything.

use crate::{
    error::OpenError,
    files::{io_error, write_private},
    keys::rotation::successor,
};
use kith_words::{KEY_BYTES, Key, new_key};
use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::Path,
};
use zeroize::Zeroizing;

/// Name of the root key's file in the folder of keys.
pub(crate) const FILE: &str = "root.key";

/// Reads the root key, or creates it if `nothing_wrapped` returns true.
pub(crate) fn read_or_make(path: &Path, nothing_wrapped: impl FnOnce() -> bool) -> Result<Key, OpenError> {
    match read(path) {
        Err(OpenError::RootKeyMissing { .. }) if nothing_wrapped() => make(path).map_err(io_error(path)),
        other => other,
    }
}

/// Reads the root key, unless a rotation was interrupted, after which another may be the right one.
pub(crate) fn read(path: &Path) -> Result<Key, OpenError> {
    if successor(path).exists() {
        return Err(OpenError::RotationInterrupted { path: path.to_owned() });
    }
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OpenError::RootKeyMissing { path: path.to_owned() });
        }
        Err(error) => return Err(io_error(path)(error)),
    };
    let metadata = file.metadata().map_err(io_error(path))?;
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(OpenError::RootKeyExposed { path: path.to_owned() });
    }
    if metadata.len() != KEY_BYTES as u64 {
        return Err(OpenError::RootKeyMalformed { path: path.to_owned() });
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    file.read_exact(key.as_mut_slice()).map_err(io_error(path))?;
    Ok(key)
}

fn make(path: &Path) -> io::Result<Key> {
    let key = new_key();
    write_private(path, key.as_slice())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, OpenOptions};

    #[test]
    fn made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        let made = read_or_make(&path, || true).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(*read_or_make(&path, || true).unwrap(), *made);
        assert_eq!(*read(&path).unwrap(), *made);
    }

    #[test]
    fn missing_exposed_and_cut_keys_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        assert!(matches!(read_or_make(&path, || false), Err(OpenError::RootKeyMissing { .. })));
        read_or_make(&path, || true).unwrap();
        for mode in [0o640, 0o604, 0o610] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(read(&path), Err(OpenError::RootKeyExposed { .. })), "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(31).unwrap();
        assert!(matches!(read(&path), Err(OpenError::RootKeyMalformed { .. })));
    }
}
