//! A new root key in the place of the old one.
//!
//! Invariant: at each moment one of `root.key` and `root.key.new` opens all other keys, and every start finds out which.
//! The old one is overwritten.

use crate::{
    error::OpenError,
    files::{folder_of, io_error, remove_leftover, write_private},
    keys::{key_file, place::KeyPlace, root_key, signing_key},
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

/// Replaces the root key of keys that nobody else has open.
pub(crate) fn rotate(place: &KeyPlace) -> Result<(), OpenError> {
    let keys = key_file::open(place, false)?;
    let root = new_key();
    let signing_file = place.signing();
    let new_signing = signing_key::resealed(&signing_file, &keys, &root)?;
    let write = |path: &Path, bytes: &[u8]| write_private(&successor(path), bytes).map_err(io_error(path));
    write(place.root(), root.as_slice())?;
    if let Some(sealed) = &new_signing {
        write(&signing_file, sealed)?;
    }
    keys.rewrap(&root)?;
    drop(keys);
    finish(place).map_err(io_error(place.folder()))
}

/// Ends a rotation that was interrupted: forward if the keys are wrapped by the new root key already, backward otherwise.
pub(crate) fn recover(place: &KeyPlace) -> Result<(), OpenError> {
    let new = match root_key::read(&successor(place.root())) {
        Err(OpenError::RootKeyMissing { .. }) => return Ok(()),
        read => read?,
    };
    if is_in_use(place, new)? {
        return finish(place).map_err(io_error(place.folder()));
    }
    for path in [successor(&place.signing()), successor(place.root())] {
        remove_leftover(&path).map_err(io_error(&path))?;
    }
    Ok(())
}

/// Whether a root key opens the other keys. Without networks it does not matter, as long as the signing key opens.
fn is_in_use(place: &KeyPlace, root: Key) -> Result<bool, OpenError> {
    let keys: Keys = key_file::open_with(place.folder(), root)?;
    if let Some(opens) = keys.opens_networks()? {
        return Ok(opens);
    }
    let signing_file = place.signing();
    Ok(successor(&signing_file).exists() || signing_key::read(&signing_file, &keys).is_ok())
}

/// Gives the successors their names; the old root key is overwritten first.
fn finish(place: &KeyPlace) -> io::Result<()> {
    let (root_file, signing_file) = (place.root(), place.signing());
    if successor(&signing_file).exists() {
        fs::rename(successor(&signing_file), &signing_file)?;
    }
    if root_file.exists() {
        overwrite(root_file)?;
    }
    fs::rename(successor(root_file), root_file)?;
    if folder_of(root_file) != place.folder() {
        File::open(folder_of(root_file))?.sync_all()?;
    }
    File::open(place.folder())?.sync_all()
}

/// Writes zeros over a key.
pub(crate) fn overwrite(path: &Path) -> io::Result<()> {
    let mut old = OpenOptions::new().write(true).open(path)?;
    old.write_all(&vec![0; usize::try_from(old.metadata()?.len()).unwrap_or(0)])?;
    old.sync_all()
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
        let keys = key_file::open(&KeyPlace::within(folder), true).unwrap();
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
        let keys = key_file::open(&KeyPlace::within(folder), false).unwrap();
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
            let old = fs::read(KeyPlace::within(folder.path()).root()).unwrap();
            rotate(&KeyPlace::within(folder.path())).unwrap();
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
            let (root, signing) =
                (KeyPlace::within(folder.path()).root().to_owned(), folder.path().join(signing_key::FILE));
            // Only the new root key was written.
            write_private(&successor(&root), &[7; 32]).unwrap();
            assert_eq!(found(folder.path(), with_network), before);
            assert!(!successor(&root).exists());

            let keys = key_file::open(&KeyPlace::within(folder.path()), false).unwrap();
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

    #[test]
    fn a_root_key_that_lies_elsewhere_is_replaced_there() {
        let (data, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let root_key = Some(elsewhere.path().join("kith.root"));
        let config = crate::Config { data: data.path().into(), root_key, ..crate::Config::default() };
        let place = KeyPlace::of(&config);
        let old = {
            let keys = key_file::open(&place, true).unwrap();
            keys.make_network(NORTH).unwrap();
            signing_key::read_or_make(place.folder(), &keys).unwrap();
            root_key::read(place.root()).unwrap()
        };
        assert!(!place.folder().join("root.key").exists());
        rotate(&place).unwrap();
        assert_ne!(*root_key::read(place.root()).unwrap(), *old);
        key_file::open(&place, false).unwrap().load_network(NORTH).unwrap();
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1);
    }
}
