//! The root key's file: 32 random bytes that only the owner may read.

use crate::{
    key::{KEY_BYTES, Key, new_key},
    private::{is_exposed, write_private},
};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};
use zeroize::Zeroizing;

/// Why there is no root key.
#[derive(Debug, thiserror::Error)]
pub enum RootKeyError {
    /// There is no such file.
    #[error("the root key is missing")]
    Missing,
    /// It is readable by users other than its owner.
    #[error("others may read the root key: set its mode to 0600, and consider the key compromised")]
    Exposed,
    /// It is not 32 bytes.
    #[error("the root key is not 32 bytes")]
    Malformed,
    /// It could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads a root key.
pub fn read_root_key(path: &Path) -> Result<Key, RootKeyError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(RootKeyError::Missing),
        Err(error) => return Err(error.into()),
    };
    let metadata = file.metadata()?;
    if is_exposed(&metadata) {
        return Err(RootKeyError::Exposed);
    }
    if metadata.len() != KEY_BYTES as u64 {
        return Err(RootKeyError::Malformed);
    }
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    file.read_exact(key.as_mut_slice())?;
    Ok(key)
}

/// Makes a root key; on disk when this returns.
pub fn make_root_key(path: &Path) -> io::Result<Key> {
    let key = new_key();
    write_private(path, key.as_slice())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs::{self, OpenOptions},
        os::unix::fs::PermissionsExt,
    };

    #[test]
    fn made_once_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        let made = make_root_key(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(*read_root_key(&path).unwrap(), *made);
    }

    #[test]
    fn missing_exposed_and_cut_keys_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        assert!(matches!(read_root_key(&path), Err(RootKeyError::Missing)));
        make_root_key(&path).unwrap();
        for mode in [0o660, 0o604, 0o610] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(read_root_key(&path), Err(RootKeyError::Exposed)), "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        OpenOptions::new().write(true).open(&path).unwrap().set_len(31).unwrap();
        assert!(matches!(read_root_key(&path), Err(RootKeyError::Malformed)));
    }
}
