//! A new root key in the place of the old one.
//!
//! Invariant: at each moment one of `root.key` and `root.key.new` opens all other keys, and every start finds out which.
//! The old one is overwritten.

use crate::{
    error::OpenError,
    files::{folder_of, io_error, remove_leftover, write_private},
    keys::{key_file, root_key, signing_key},
};
use kith_words::{Key, Keys, new_key};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The path of a file's successor until it has the name.
pub(crate) fn successor(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

/// Replaces the root key in a folder of keys that nobody else has open.
pub(crate) fn rotate(folder: &Path) -> Result<(), OpenError> {
    let keys = key_file::open(folder, false)?;
    let root = new_key();
    let (root_file, signing_file) = (folder.join(root_key::FILE), folder.join(signing_key::FILE));
    let new_signing = signing_key::resealed(&signing_file, &keys, &root)?;
    let write = |path: &Path, bytes: &[u8]| write_private(&successor(path), bytes).map_err(io_error(path));
    write(&root_file, root.as_slice())?;
    if let Some(sealed) = &new_signing {
        write(&signing_file, sealed)?;
    }
    keys.rewrap(&root)?;
    drop(keys);
    finish(folder).map_err(io_error(folder))
}

/// Ends a rotation that was interrupted: forward if the keys are wrapped by the new root key already, backward otherwise.
pub(crate) fn recover(folder: &Path) -> Result<(), OpenError> {
    let (root_file, signing_file) = (folder.join(root_key::FILE), folder.join(signing_key::FILE));
    let new = match root_key::read(&successor(&root_file)) {
        Err(OpenError::RootKeyMissing { .. }) => return Ok(()),
        read => read?,
    };
    if is_in_use(folder, new)? {
        return finish(folder).map_err(io_error(folder));
    }
    for path in [successor(&signing_file), successor(&root_file)] {
        remove_leftover(&path).map_err(io_error(&path))?;
    }
    Ok(())
}

/// Whether a root key opens the other keys. Without networks it does not matter, as long as the signing key opens.
fn is_in_use(folder: &Path, root: Key) -> Result<bool, OpenError> {
    let keys: Keys = key_file::open_with(folder, root)?;
    if let Some(opens) = keys.opens_networks()? {
        return Ok(opens);
    }
    let signing_file = folder.join(signing_key::FILE);
    Ok(successor(&signing_file).exists() || signing_key::read(&signing_file, &keys).is_ok())
}

/// Gives the successors their names; the old root key is overwritten first.
fn finish(folder: &Path) -> io::Result<()> {
    let (root_file, signing_file) = (folder.join(root_key::FILE), folder.join(signing_key::FILE));
    if successor(&signing_file).exists() {
        fs::rename(successor(&signing_file), &signing_file)?;
    }
    if root_file.exists() {
        let mut old = OpenOptions::new().write(true).open(&root_file)?;
        old.write_all(&vec![0; usize::try_from(old.metadata()?.len()).unwrap_or(0)])?;
        old.sync_all()?;
    }
    fs::rename(successor(&root_file), &root_file)?;
    File::open(folder_of(&root_file))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::id::PersonId;

    const NORTH: [u8; 16] = [1; 16];

    fn person() -> PersonId {
        "amina".parse().unwrap()
    }

    /// A folder with a network, a person and a signing key; returns the person's key and the public signing key.
    fn filled(folder: &Path, with_network: bool) -> (Vec<u8>, String) {
        let keys = key_file::open(folder, true).unwrap();
        let key = if with_network {
            keys.make_network(NORTH).unwrap();
            keys.find_or_make_people(NORTH, &[&person()]).unwrap()[&person()].to_vec()
        } else {
            Vec::new()
        };
        let signing = signing_key::read_or_make(folder, &keys).unwrap();
        (key, format!("{:?}", signing.public()))
    }

    fn found(folder: &Path, with_network: bool) -> (Vec<u8>, String) {
        let keys = key_file::open(folder, false).unwrap();
        let key = if with_network {
            keys.load_network(NORTH).unwrap();
            keys.find_people(NORTH, &[&person()]).unwrap()[&person()].to_vec()
        } else {
            Vec::new()
        };
        let signing = signing_key::read(&folder.join(signing_key::FILE), &keys).unwrap().unwrap();
        (key, format!("{:?}", signing.public()))
    }

    #[test]
    fn all_keys_stay_and_the_old_root_key_is_nowhere() {
        for with_network in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let before = filled(folder.path(), with_network);
            let old = fs::read(folder.path().join(root_key::FILE)).unwrap();
            rotate(folder.path()).unwrap();
            assert_eq!(found(folder.path(), with_network), before);
            for file in fs::read_dir(folder.path()).unwrap() {
                let path = file.unwrap().path();
                assert!(!fs::read(&path).unwrap().windows(32).any(|window| window == old), "{}", path.display());
                assert!(path.extension().is_none_or(|extension| extension != "new"), "{}", path.display());
            }
        }
    }

    #[test]
    fn a_rotation_that_stopped_goes_on_or_back_by_what_opens_the_keys() {
        for with_network in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let before = filled(folder.path(), with_network);
            let (root, signing) = (folder.path().join(root_key::FILE), folder.path().join(signing_key::FILE));
            // Only the new root key was written.
            write_private(&successor(&root), &[7; 32]).unwrap();
            assert_eq!(found(folder.path(), with_network), before);
            assert!(!successor(&root).exists());

            let keys = key_file::open(folder.path(), false).unwrap();
            let new: Key = new_key();
            let sealed = signing_key::resealed(&signing, &keys, &new).unwrap().unwrap();
            write_private(&successor(&root), new.as_slice()).unwrap();
            write_private(&successor(&signing), &sealed).unwrap();
            if with_network {
                drop(keys);
                assert_eq!(found(folder.path(), with_network), before, "the keys were not wrapped anew");
                let old = root_key::read(&root).unwrap();
                write_private(&successor(&root), new.as_slice()).unwrap();
                write_private(&successor(&signing), &sealed).unwrap();
                key_file::open_with(folder.path(), old).unwrap().rewrap(&new).unwrap();
            } else {
                drop(keys);
            }
            assert!(matches!(root_key::read(&root), Err(OpenError::RotationInterrupted { .. })));
            assert_eq!(found(folder.path(), with_network), before);
            assert_eq!(fs::read(&root).unwrap(), new.as_slice());
            assert!(!successor(&root).exists() && !successor(&signing).exists());
        }
    }
}
