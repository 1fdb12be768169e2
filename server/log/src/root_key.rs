//! The root key's file: 32 random bytes that only the owner may read.
//!
//! Invariant: a root key is made only when there is nothing yet that another one wrapped.

use crate::error::OpenError;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};
use zeroize::Zeroizing;

/// A key in memory, wiped when it is dropped.
pub(crate) type Key = Zeroizing<[u8; KEY_BYTES]>;

/// Name of the root key's file in the folder of keys.
pub(crate) const FILE: &str = "root.key";

/// Bytes of every key.
pub(crate) const KEY_BYTES: usize = 32;

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// A new random key.
pub(crate) fn new_key() -> Key {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(key.as_mut_slice()).expect("the operating system gives random bytes");
    key
}

/// Reads the root key, or makes it if `may_make` says that nothing is wrapped yet.
pub(crate) fn read_or_make(path: &Path, nothing_wrapped: impl FnOnce() -> bool) -> Result<Key, OpenError> {
    match read(path) {
        Err(OpenError::RootKeyMissing { .. }) if nothing_wrapped() => make(path).map_err(io_error(path)),
        other => other,
    }
}

/// Reads the root key.
pub(crate) fn read(path: &Path) -> Result<Key, OpenError> {
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

/// Puts a file in place that only the owner may read, whole and on disk when this returns, or not at all.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    match fs::remove_file(&part) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)?;
    File::open(folder_of(path))?.sync_all()
}

/// Makes an empty file that only the owner may read, where there is none.
pub(crate) fn make_private_file(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
}

/// The folder that a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    }
}

/// Makes a folder that only the owner may enter, if it is not there.
pub(crate) fn make_private_folder(path: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error(path))
}

/// Names the file that an error is about.
pub(crate) fn io_error(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    |source| OpenError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

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
