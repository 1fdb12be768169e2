//! The key that signs checkpoints: a random seed in a file of its own beside the other keys, sealed by the root key.
//!
//! Invariant: an existing key is never replaced. A key that does not open is an error, not a reason for a new one.

use crate::{
    error::OpenError,
    files::{io_error, write_private},
    keys::{place::KeyPlace, root_key},
};
use kith_core::checkpoint::{PublicKey, SigningKey};
use kith_words::{Key, Keys};
use std::{fs, io, path::Path};

/// Name of the file in the folder of keys.
pub(crate) const FILE: &str = "checkpoint.key";

/// The context in which the seed is sealed.
const CONTEXT: &[u8] = b"kith/checkpoint-key/1";

/// Reads the key of this server, or creates it if there is none.
pub(crate) fn read_or_make(folder: &Path, keys: &Keys) -> Result<SigningKey, OpenError> {
    let path = folder.join(FILE);
    match read(&path, keys)? {
        Some(key) => Ok(key),
        None => make(&path, keys).map_err(io_error(&path)),
    }
}

/// Reads the key; `None` if there is none.
pub(crate) fn read(path: &Path, keys: &Keys) -> Result<Option<SigningKey>, OpenError> {
    let Some(sealed) = read_sealed(path)? else { return Ok(None) };
    let unusable = OpenError::SigningKeyUnusable { path: path.to_owned() };
    let seed = keys.open_own(CONTEXT, &sealed).ok_or(unusable)?;
    Ok(Some(SigningKey::from_seed(&seed)))
}

/// The public half of the key of keys that a server may have open; `None` if there is no key.
pub(crate) fn read_public(place: &KeyPlace) -> Result<Option<PublicKey>, OpenError> {
    let path = place.signing();
    let Some(sealed) = read_sealed(&path)? else { return Ok(None) };
    let root = match root_key::read(place.root()) {
        Err(OpenError::RootKeyMissing { .. }) => return Ok(None),
        read => read?,
    };
    let seed = kith_words::unwrap(&root, CONTEXT, &sealed).ok_or(OpenError::SigningKeyUnusable { path })?;
    Ok(Some(SigningKey::from_seed(&seed).public()))
}

/// The key sealed by another root key; `None` if there is no key.
pub(crate) fn resealed(path: &Path, keys: &Keys, root: &Key) -> Result<Option<Vec<u8>>, OpenError> {
    let Some(sealed) = read_sealed(path)? else { return Ok(None) };
    let unusable = OpenError::SigningKeyUnusable { path: path.to_owned() };
    let seed = keys.open_own(CONTEXT, &sealed).ok_or(unusable)?;
    Ok(Some(kith_words::wrap(root, CONTEXT, &seed)))
}

/// Reads the key as it is on disk; `None` if there is none.
pub(crate) fn read_sealed(path: &Path) -> Result<Option<Vec<u8>>, OpenError> {
    match fs::read(path) {
        Ok(sealed) => Ok(Some(sealed)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io_error(path)(error)),
    }
}

fn make(path: &Path, keys: &Keys) -> io::Result<SigningKey> {
    let seed = kith_words::new_key();
    write_private(path, &keys.seal_own(CONTEXT, &seed))?;
    Ok(SigningKey::from_seed(&seed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::key_file;
    use kith_core::checkpoint::LogOrigin;
    use std::os::unix::fs::PermissionsExt;

    fn public(key: &SigningKey) -> String {
        let origin: LogOrigin = "kith/north".parse().unwrap();
        key.verifier(&origin).to_string()
    }

    #[test]
    fn made_once_for_the_owner_alone_and_sealed() {
        let folder = tempfile::tempdir().unwrap();
        let keys = key_file::open(&KeyPlace::within(folder.path()), true).unwrap();
        let made = read_or_make(folder.path(), &keys).unwrap();
        let path = folder.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(public(&read_or_make(folder.path(), &keys).unwrap()), public(&made));
        assert_eq!(
            read_public(&KeyPlace::within(folder.path())).unwrap(),
            Some(made.public()),
            "while the keys are open"
        );
        let mut sealed = fs::read(&path).unwrap();
        sealed[20] ^= 1;
        fs::write(&path, sealed).unwrap();
        let opened = read_or_make(folder.path(), &keys);
        assert!(matches!(opened, Err(OpenError::SigningKeyUnusable { .. })), "{opened:?}");
    }

    #[test]
    fn another_root_key_does_not_open_it() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        read_or_make(folder.path(), &key_file::open(&KeyPlace::within(folder.path()), true).unwrap()).unwrap();
        let strangers = key_file::open(&KeyPlace::within(other.path()), true).unwrap();
        let opened = read_or_make(folder.path(), &strangers);
        assert!(matches!(opened, Err(OpenError::SigningKeyUnusable { .. })), "{opened:?}");
    }
}
